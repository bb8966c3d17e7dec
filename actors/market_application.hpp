#pragma once

#include "actors/market_settings.hpp"
#include "runtime/entity/application.hpp"

#include <string>

namespace freehold::market {

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

} // namespace freehold::market
