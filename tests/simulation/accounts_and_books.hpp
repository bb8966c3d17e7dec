#pragma once

#include "tests/testkit/simulation/campaign.hpp"

namespace freehold::simulation {

/// The engine's own campaign: accounts that take commands and books that they
/// tell, with failing messages, timers, duplicates and undecodable records,
/// each effect traced to the input that caused it.
[[nodiscard]] campaign accounts_and_books(std::uint32_t command_count = 200);

/// The same where owners change all the time, and transactions end late.
[[nodiscard]] campaign moving_shards();
/// The same where ends of transactions come when nobody expects them any more.
[[nodiscard]] campaign late_ends();

} // namespace freehold::simulation
