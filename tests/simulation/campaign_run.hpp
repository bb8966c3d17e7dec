#pragma once

#include "tests/simulation/campaign_model.hpp"
#include "tests/testkit/engine_world.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace freehold::simulation {

/// Rare things that a campaign must have seen at least once.
using marks = std::map<std::string, std::uint64_t>;

/// The marks there are, each at zero.
marks all_marks();

/// Runs one seed to its end and checks it. Throws `violation`.
void run_seed(std::uint64_t seed, marks& reached, comparisons& counted);

} // namespace freehold::simulation
