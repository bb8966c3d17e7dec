#pragma once

#include "actors/messages/money.hpp"
#include "actors/messages/property_messages.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/traits.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freehold::market {

/// The last sale of a property.
struct property_sale {
  money price;
  timestamp at;
};
BOOST_DESCRIBE_STRUCT(property_sale, (), (price, at))

/// One property on the market; its key is the property's id. Its journal,
/// `property-events`, is the truth about it. A sale is also told to the
/// neighborhood it lies in, and to the market.
///
///                 list                 pending
///     (unlisted) ------> available <-------------> pending
///                           | ^      available        |
///               record sale | | list                  | record sale
///                           v |                       |
///                          sold <---------------------+
struct property {
  struct state {
    static constexpr std::string_view type = "PropertyState";

    /// Absent: never listed.
    std::optional<listing_status> status;
    money asking_price;
    /// When it was listed last.
    timestamp listed_at;
    /// ZIP code; empty before the first listing.
    std::string neighborhood;
    std::optional<std::uint32_t> living_area_sqft;
    std::string description;
    std::optional<property_sale> last_sale;
    std::uint64_t sale_count = 0;
  };

  static constexpr entity_traits traits{.type = "property",
                                        .journal = journal_mode::events,
                                        .journal_topic = "property-events"};
  using messages = message_list<list_property, update_property, record_sale>;
  using events = event_list<property_listed, property_updated, property_sold>;

  /// How far `soldAt` may be ahead of its message: a time without its zone is
  /// off by less than a day. With the listing as the other end, sales lie in
  /// windows that a neighborhood can expect, and one sender with a broken
  /// clock does not fill it.
  static constexpr std::chrono::milliseconds sale_ahead_max =
      std::chrono::days{1};

  static void handle(const state& now, const list_property& command,
                     context<property>& ctx);
  static void handle(const state& now, const update_property& command,
                     context<property>& ctx);
  static void handle(const state& now, const record_sale& command,
                     context<property>& ctx);

  static void apply(state& now, const property_listed& event) noexcept;
  static void apply(state& now, const property_updated& event) noexcept;
  static void apply(state& now, const property_sold& event) noexcept;
};
BOOST_DESCRIBE_STRUCT(property::state, (),
                      (status, asking_price, listed_at, neighborhood,
                       living_area_sqft, description, last_sale, sale_count))

} // namespace freehold::market
