#pragma once

#include "tests/simulation/campaign_entities.hpp"
#include "tests/testkit/simulation/cut.hpp"
#include "tests/testkit/simulation/violation.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace freehold::simulation {

/// How much was compared, over all seeds.
struct comparisons {
  std::uint64_t inputs = 0;
  std::uint64_t events = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t timers = 0;
  std::uint64_t notes = 0;
  std::uint64_t publications = 0;
  std::uint64_t answers = 0;
  std::uint64_t states = 0;
};

/// What one record was meant to do, by its value; null: it does not decode.
using commands = std::map<std::string, std::optional<act>>;

/// Whether a record that repeats an event id may take effect again.
enum class repetition : std::uint8_t { never, perhaps };

/// States by "type/key", as JSON.
using states = std::map<std::string, std::string>;

/// Checks everything that lies in the log against the inputs that lie there,
/// and gives the state that each entity must have. All has come to rest. Throws
/// `violation`.
states check_log(const cut& log, const commands& meant, repetition repeated,
                 comparisons& counted);

} // namespace freehold::simulation
