#pragma once

#include "runtime/entity/application.hpp"

#include <string>

namespace freehold::market {

/// The property market: its entities and topics.
///
/// | topic               | what                                   | role    |
/// |---------------------|----------------------------------------|---------|
/// | `property-commands` | ListProperty, UpdateProperty, RecordSale, by
/// property id | source | | `property-events`   | the journal of the properties
/// | output  |
[[nodiscard]] application market_application(std::string name = "market");

} // namespace freehold::market
