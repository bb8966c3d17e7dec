#pragma once

#include "actors/messages/money.hpp"
#include "actors/messages/utc_time.hpp"
#include "runtime/codec/codec.hpp"

#include <string>
#include <string_view>

namespace freehold::market {

/// Tells a neighborhood that a property in it was sold.
struct sale_recorded {
  static constexpr std::string_view type = "SaleRecorded";

  std::string property_id;
  money price;
  utc_time sold_at;
};
BOOST_DESCRIBE_STRUCT(sale_recorded, (), (property_id, price, sold_at))

} // namespace freehold::market
