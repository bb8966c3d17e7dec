// The bug zoo: mistakes that somebody who writes the bridge to Kafka might
// make, each planted by itself. A campaign that does not find them all proves
// nothing where it finds none.
#include "tests/simulation/accounts_and_books.hpp"
#include "tests/testkit/simulation/run.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace freehold;
using namespace freehold::simulation;

namespace {

/// Of one bug; by the most that one needs, doubled.
constexpr std::uint64_t seeds_max = 3000;

/// Owners change all the time, and transactions end late.
campaign moving_shards() {
  return accounts_and_books(60)
      .nodes(2, 3)
      .faults(12)
      .without(fault_kind::crash_point)
      .without(fault_kind::produced_twice)
      .without(fault_kind::clock_set)
      .without(fault_kind::entity_ended);
}

/// The first seed whose run fails, and how.
std::optional<std::pair<std::uint64_t, outcome::failure>>
first_failure(planted_log_bug bug, std::uint64_t seeds) {
  const campaign what = moving_shards();
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    plan drawn = draw_plan(seed, what);
    drawn.log_bug = bug;
    if (const auto came = run(drawn, what); came.failed)
      return std::pair{seed, *came.failed};
  }
  return std::nullopt;
}

} // namespace

TEST_CASE("a campaign finds every bug that is planted in the log",
          "[simulation][zoo]") {
  for (const planted_log_bug bug : all_planted_log_bugs) {
    const auto found = first_failure(bug, seeds_max);
    const std::string name{name_of(bug)};
    INFO(name);
    CHECK(found.has_value());
    if (found)
      std::printf("zoo: %s: found by seed %llu: %s\n", name.c_str(),
                  static_cast<unsigned long long>(found->first),
                  found->second.invariant.c_str());
    std::fflush(stdout);
  }
}

TEST_CASE("where no bug is planted the same seeds hold", "[simulation][zoo]") {
  const auto found = first_failure(planted_log_bug::none, 300);
  INFO((found ? found->second.what : std::string{}));
  CHECK(!found);
}
