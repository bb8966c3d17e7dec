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
