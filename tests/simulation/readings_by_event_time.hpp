#pragma once

#include "tests/testkit/simulation/campaign.hpp"

namespace freehold::simulation {

/// The campaign of event time: meters whose readings come out of order, some
/// of them too late, and areas that publish what their meters read, window by
/// window. Every result is compared with the batch.
campaign readings_by_event_time(std::uint32_t command_count);

} // namespace freehold::simulation
