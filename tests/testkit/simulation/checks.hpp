#pragma once

#include "tests/testkit/simulation/cut.hpp"

#include <cstdint>

/// Checks that need to know nothing of the application. They throw `violation`
/// and return how much they compared.
namespace freehold::simulation {

/// Every state of an entity type with a journal is the fold of its events,
/// which are numbered without a gap; and nobody has events without a state.
/// Campaigns check it at rest without being told.
std::uint64_t states_are_folds(const cut& all);

/// Whoever asks again with the same event id is told the same, unless the
/// message became a dead letter the first time. For applications whose ids are
/// remembered longer than the campaign lasts.
std::uint64_t answers_agree(const cut& all);

} // namespace freehold::simulation
