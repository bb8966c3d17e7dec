#pragma once

#include "actors/market_settings.hpp"
#include "actors/messages/followed_messages.hpp"
#include "actors/property.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/traits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::market {

/// What the latest event that speaks of it says, and when that happened.
struct told_text {
  std::string text;
  timestamp at;
};
BOOST_DESCRIBE_STRUCT(told_text, (), (text, at))

struct told_price {
  money price;
  timestamp at;
};
BOOST_DESCRIBE_STRUCT(told_price, (), (price, at))

struct told_area {
  std::uint32_t sqft = 0;
  timestamp at;
};
BOOST_DESCRIBE_STRUCT(told_area, (), (sqft, at))

/// A sale of a property whose neighborhood no event has named yet.
struct unplaced_sale {
  /// The event of the journal that has it.
  std::string event_id;
  money price;
  utc_time at;
  event_metadata metadata;
};
BOOST_DESCRIBE_STRUCT(unplaced_sale, (), (event_id, price, at, metadata))

/// One property as a topic of other services tells it; its key is the
/// property's id. It decides nothing: what it is told has happened. Events may
/// come in any order; of each thing the latest by event time counts. Its own
/// journal is `property-journal`; it never writes to the topic it follows.
///
/// An event with the status `sold` and a price is a sale, and told to the
/// neighborhood and the market. The neighborhood is the event's
/// `metadata.zipcode`, or else that of an earlier one. Where none is known the
/// sale waits, and is told with its own time when an event names one.
struct followed_property {
  struct state {
    static constexpr std::string_view type = "FollowedPropertyState";

    std::optional<told_text> status;
    std::optional<told_price> asking_price;
    std::optional<told_text> description;
    /// ZIP code. As long as there is none, sales are unplaced; once there is
    /// one, none is.
    std::optional<told_text> neighborhood;
    std::optional<told_area> living_area;
    std::optional<property_sale> last_sale;
    /// Of those that were told.
    std::uint64_t sale_count = 0;
    /// In the order in which they came.
    std::vector<unplaced_sale> unplaced;
  };

  /// At the bound the first one goes to `market-late`: a home that is sold
  /// more often without a place has none.
  static constexpr std::size_t unplaced_sales_max = 16;

  static constexpr entity_traits traits{.type = property::traits.type,
                                        .journal = journal_mode::events,
                                        .journal_topic = "property-journal"};
  using settings = market_settings;
  using messages = message_list<property_event_told>;
  using events = event_list<property_followed, property_sold>;

  static void handle(const state& now, const property_event_told& told,
                     context<followed_property>& ctx);

  static void apply(state& now, const property_followed& event) noexcept;
  static void apply(state& now, const property_sold& event) noexcept;
};
BOOST_DESCRIBE_STRUCT(followed_property::state, (),
                      (status, asking_price, description, neighborhood,
                       living_area, last_sale, sale_count, unplaced))

} // namespace freehold::market
