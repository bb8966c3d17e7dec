#pragma once

#include "actors/market_settings.hpp"
#include "runtime/entity/application.hpp"

#include <string>
#include <string_view>

namespace freehold::market {

inline constexpr std::string_view commands_topic = "property-commands";

/// The property market: its entities and topics.
///
/// | topic                  | what                                  | role    |
/// |------------------------|---------------------------------------|---------|
/// | `property-commands`    | ListProperty, UpdateProperty,         | source  |
/// |                        | RecordSale, by property id            |         |
/// | `property-events`      | the journal of the properties         | output  |
/// | `neighborhood-prices`  | windows of 30 days, by ZIP code       | output  |
/// | `market-trends`        | their changes, by ZIP code or `all`   | output  |
/// | `price-anomaly-alerts` | sales that are off, by ZIP code       | output  |
/// | `property-valuations`  | what sold homes were worth before     | output  |
/// | `price-analyses`       | asking prices that changed            | output  |
/// | `market-late`          | sales that count nowhere, by ZIP code | output  |
[[nodiscard]] application market_application(std::string name = "market",
                                             const market_settings& how = {});

/// The analytics alone, of properties that other services tell of: they follow
/// `events_topic` (docs/guides/existing-topics.md) and decide nothing. Event
/// time is what the events' `timestamp` says.
///
/// | topic              | what                                      | role    |
/// |--------------------|-------------------------------------------|---------|
/// | `events_topic`     | the events of others, by property id      | source  |
/// | `property-journal` | what the properties made of them          | output  |
/// | the others         | as above                                  | outputs |
[[nodiscard]] application
following_market_application(std::string name = "market",
                             const market_settings& how = {},
                             std::string events_topic = "property-events");

} // namespace freehold::market
