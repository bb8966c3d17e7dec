#pragma once

#include "actors/messages/analytics_messages.hpp"
#include "actors/messages/neighborhood_messages.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/traits.hpp"

#include <cstdint>
#include <optional>

namespace freehold::market {

/// What one home is worth; its key is the property's id. Its neighborhood tells
/// it of each sale with the level of prices before it; it says what it would
/// have said, in `property-valuations`, and learns from the sale.
struct valuation {
  struct state {
    static constexpr std::string_view type = "ValuationState";

    /// The last sale, and the level's median on its day; 0 without a level.
    money last_price;
    timestamp last_sold_at;
    std::int64_t last_median = 0;
    /// The last valuation, and when it was made.
    std::optional<money> estimate;
    std::optional<money> low;
    std::optional<money> high;
    timestamp valued_at;
  };

  static constexpr entity_traits traits{.type = "valuation"};
  using messages = message_list<home_sold>;

  static void handle(state& now, const home_sold& sale,
                     context<valuation>& ctx);
};
BOOST_DESCRIBE_STRUCT(valuation::state, (),
                      (last_price, last_sold_at, last_median, estimate, low,
                       high, valued_at))

} // namespace freehold::market
