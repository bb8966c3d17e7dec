#pragma once

#include "actors/messages/money.hpp"
#include "actors/messages/utc_time.hpp"
#include "runtime/codec/codec.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What one may ask of a property and what has happened to it. The commands
/// carry no property id: that is the record's key.
namespace freehold::market {

/// What is on the market has one of these; what was never listed has none.
enum class listing_status : std::uint8_t { available, pending, sold };
BOOST_DESCRIBE_ENUM(listing_status, available, pending, sold)

/// Puts a property on the market, also again after it was sold.
struct list_property {
  static constexpr std::string_view type = "ListProperty";
  static constexpr std::array<std::string_view, 3> defaulted{
      "description", "user_id", "source"};

  money price;
  /// The neighborhood's key.
  std::string zipcode;
  std::string description;
  std::string user_id;
  std::string source;
  /// In square feet, above 0.
  std::optional<std::uint32_t> living_area_sqft;
};
BOOST_DESCRIBE_STRUCT(list_property, (),
                      (price, zipcode, description, user_id, source,
                       living_area_sqft))

/// Changes what is given; the rest stays.
struct update_property {
  static constexpr std::string_view type = "UpdateProperty";
  static constexpr std::array<std::string_view, 2> defaulted{"user_id",
                                                             "source"};

  std::optional<money> price;
  std::optional<listing_status> status;
  std::optional<std::string> description;
  std::string user_id;
  std::string source;
};
BOOST_DESCRIBE_STRUCT(update_property, (),
                      (price, status, description, user_id, source))

/// Records that a listed property was sold.
struct record_sale {
  static constexpr std::string_view type = "RecordSale";
  static constexpr std::array<std::string_view, 2> defaulted{"user_id",
                                                             "source"};

  money price;
  /// Absent: the time of the message. Not before the listing, and at most a
  /// day ahead of the message.
  std::optional<utc_time> sold_at;
  std::string user_id;
  std::string source;
};
BOOST_DESCRIBE_STRUCT(record_sale, (), (price, sold_at, user_id, source))

/// What an event changed; absent is unchanged.
struct property_changes {
  std::optional<money> price;
  std::optional<listing_status> status;
  std::optional<std::string> description;
};
BOOST_DESCRIBE_STRUCT(property_changes, (), (price, status, description))

struct event_metadata {
  static constexpr std::array<std::string_view, 2> defaulted{"user_id",
                                                             "source"};

  std::string user_id;
  std::string source;
  /// The neighborhood; on listings and sales.
  std::optional<std::string> zipcode;
  /// On listings and sales, where it is known.
  std::optional<std::uint32_t> living_area_sqft;
  /// Of a property that follows: the `eventId` of what it was told.
  std::optional<std::string> source_event_id{};
};
BOOST_DESCRIBE_STRUCT(event_metadata, (),
                      (user_id, source, zipcode, living_area_sqft,
                       source_event_id))

/// The shape of every event of a property. As JSON:
///
///     {"eventId": "property-commands/3/17/0",
///      "timestamp": "2014-05-02T13:45:00.000Z",
///      "propertyId": "7129300520",
///      "changes": {"price": 221900, "status": "available"},
///      "metadata": {"userId": "agent-7", "source": "web",
///                   "zipcode": "98178"}}
struct property_event {
  std::string event_id;
  utc_time timestamp;
  std::string property_id;
  property_changes changes;
  event_metadata metadata;
};
BOOST_DESCRIBE_STRUCT(property_event, (),
                      (event_id, timestamp, property_id, changes, metadata))

struct property_listed : property_event {
  static constexpr std::string_view type = "PropertyListed";
};
BOOST_DESCRIBE_STRUCT(property_listed, (property_event), ())

struct property_updated : property_event {
  static constexpr std::string_view type = "PropertyUpdated";
};
BOOST_DESCRIBE_STRUCT(property_updated, (property_event), ())

/// `timestamp` is the time of the sale, `changes.price` its price.
struct property_sold : property_event {
  static constexpr std::string_view type = "PropertySold";
};
BOOST_DESCRIBE_STRUCT(property_sold, (property_event), ())

} // namespace freehold::market
