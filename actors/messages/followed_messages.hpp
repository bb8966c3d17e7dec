#pragma once

#include "actors/messages/property_messages.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

/// What other services say of properties, in a topic of theirs, and what a
/// property that follows it makes of that. docs/guides/existing-topics.md has
/// the rules.
namespace freehold::market {

/// What is different now; absent is unchanged. The status is any text.
struct told_changes {
  std::optional<money> price;
  std::optional<std::string> status;
  std::optional<std::string> description;
};
BOOST_DESCRIBE_STRUCT(told_changes, (), (price, status, description))

/// An event as others write it, without headers; its key is the property's id.
///
///     {"eventId": "8f14e45f-...", "timestamp": "2014-05-02T13:45:00Z",
///      "propertyId": "7129300520",
///      "changes": {"price": 221900, "status": "sold"},
///      "metadata": {"userId": "agent-7", "source": "mls",
///                   "zipcode": "98178"}}
struct property_event_told {
  static constexpr std::string_view type = "PropertyEvent";
  static constexpr std::array<std::string_view, 2> defaulted{"property_id",
                                                             "metadata"};

  utc_time timestamp;
  /// Empty: the key says it.
  std::string property_id;
  told_changes changes;
  event_metadata metadata;
};
BOOST_DESCRIBE_STRUCT(property_event_told, (),
                      (timestamp, property_id, changes, metadata))

/// What was told, in the journal of a property that follows. A sale in a
/// neighborhood that is known is a `property_sold` instead; one in a
/// neighborhood that is not known yet is this, and a `property_sold` later.
struct property_followed {
  static constexpr std::string_view type = "PropertyFollowed";

  std::string event_id;
  utc_time timestamp;
  std::string property_id;
  told_changes changes;
  event_metadata metadata;
};
BOOST_DESCRIBE_STRUCT(property_followed, (),
                      (event_id, timestamp, property_id, changes, metadata))

} // namespace freehold::market
