#pragma once

#include "actors/messages/money.hpp"
#include "actors/messages/utc_time.hpp"
#include "runtime/codec/codec.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freehold::market {

/// Tells a neighborhood, and the market, that a property was sold.
struct sale_recorded {
  static constexpr std::string_view type = "SaleRecorded";
  static constexpr std::array<std::string_view, 2> defaulted{"sale_id",
                                                             "zipcode"};

  std::string property_id;
  money price;
  utc_time sold_at;
  /// The id of the sale's event.
  std::string sale_id;
  std::string zipcode;
  std::optional<std::uint32_t> living_area_sqft;
};
BOOST_DESCRIBE_STRUCT(sale_recorded, (),
                      (property_id, price, sold_at, sale_id, zipcode,
                       living_area_sqft))

/// Tells a neighborhood that a listed property asks another price.
struct price_changed {
  static constexpr std::string_view type = "PriceChanged";

  std::string property_id;
  /// The event of the change.
  std::string change_id;
  utc_time changed_at;
  money price;
  money previous_price;
  std::optional<std::uint32_t> living_area_sqft;
};
BOOST_DESCRIBE_STRUCT(price_changed, (),
                      (property_id, change_id, changed_at, price,
                       previous_price, living_area_sqft))

/// Tells a property's valuation of a sale, with the level of the neighborhood
/// in the 30 days before it, once nothing can change that any more. Unit
/// prices are in hundredths of a cent.
struct home_sold {
  static constexpr std::string_view type = "HomeSold";

  std::string zipcode;
  std::string sale_id;
  utc_time sold_at;
  money price;
  std::optional<std::uint32_t> living_area_sqft;
  /// 0: too few sales for a level.
  std::uint64_t level_sales = 0;
  std::int64_t level_median = 0;
  std::int64_t level_low = 0;
  std::int64_t level_high = 0;
};
BOOST_DESCRIBE_STRUCT(home_sold, (),
                      (zipcode, sale_id, sold_at, price, living_area_sqft,
                       level_sales, level_median, level_low, level_high))

/// An entity's message to itself: a window may be complete.
struct close_windows {
  static constexpr std::string_view type = "CloseWindows";
};
BOOST_DESCRIBE_STRUCT(close_windows, (), ())

/// The same: the last word on some sales may be due.
struct settle_verdicts {
  static constexpr std::string_view type = "SettleVerdicts";
};
BOOST_DESCRIBE_STRUCT(settle_verdicts, (), ())

} // namespace freehold::market
