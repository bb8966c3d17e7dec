#pragma once

#include "tests/testkit/simulation/campaign.hpp"

namespace freehold::simulation {

/// The engine's own campaign: accounts that take commands and books that they
/// tell, with failing messages, timers, duplicates and undecodable records,
/// each effect traced to the input that caused it.
[[nodiscard]] campaign accounts_and_books(std::uint32_t command_count = 200);

} // namespace freehold::simulation
