// The bug zoo: mistakes that somebody who writes the engine or its bridge to
// Kafka might make, each planted by itself. Campaigns that do not find them all
// prove nothing where they find none.
#include "runtime/engine/planted_bugs.hpp"
#include "tests/simulation/accounts_and_books.hpp"
#include "tests/simulation/campaign_run.hpp"
#include "tests/testkit/simulation/run.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

using namespace freehold;
using namespace freehold::simulation;
using engine::planted_bug;

namespace {

/// Of one bug, in each campaign; about twice what the hardest one needs.
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

/// Says what it finds. False: nothing.
bool find_in_clusters(planted_log_bug bug, std::uint64_t first,
                      std::uint64_t last) {
  const campaign what = moving_shards();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    plan drawn = draw_plan(seed, what);
    drawn.log_bug = bug;
    if (const auto came = run(drawn, what); came.failed) {
      std::printf("  found by seed %llu of clusters: %s: %.200s\n",
                  static_cast<unsigned long long>(seed),
                  came.failed->invariant.c_str(), came.failed->what.c_str());
      return true;
    }
  }
  return false;
}

bool find_in_one_engine(std::uint64_t seed) {
  marks reached;
  comparisons counted;
  try {
    run_seed(seed, reached, counted);
  } catch (const std::exception& wrong) {
    std::printf("  found by seed %llu of one engine: %.200s\n",
                static_cast<unsigned long long>(seed), wrong.what());
    return true;
  }
  return false;
}

/// In a process of its own: some bugs run into the engine's own assertions,
/// and then those have found them.
template <class Search>
bool finds(const Search& search) {
  std::fflush(stdout);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    spdlog::set_level(spdlog::level::off);
    const bool found = search();
    std::fflush(stdout);
    _exit(found ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    std::printf("  found by an assertion\n");
  return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

} // namespace

TEST_CASE("campaigns find every bug that is planted in the engine",
          "[simulation][zoo]") {
  for (const planted_bug bug : engine::all_planted_bugs) {
    std::printf("planted in the engine: %d\n", static_cast<int>(bug));
    INFO(static_cast<int>(bug));
    CHECK(finds([bug] {
      engine::planted = bug;
      for (std::uint64_t seed = 1; seed <= seeds_max; ++seed)
        if (find_in_one_engine(seed)
            || find_in_clusters(planted_log_bug::none, seed, seed))
          return true;
      return false;
    }));
  }
}

TEST_CASE("campaigns find every bug that is planted in the log",
          "[simulation][zoo]") {
  for (const planted_log_bug bug : all_planted_log_bugs) {
    const std::string name{name_of(bug)};
    std::printf("planted in the log: %s\n", name.c_str());
    INFO(name);
    CHECK(finds([bug] { return find_in_clusters(bug, 1, seeds_max); }));
  }
}

TEST_CASE("where no bug is planted the same seeds hold", "[simulation][zoo]") {
  CHECK(!finds([] {
    for (std::uint64_t seed = 1; seed <= 100; ++seed)
      if (find_in_one_engine(seed))
        return true;
    return find_in_clusters(planted_log_bug::none, 1, 300);
  }));
}
