// The bug zoo: mistakes that somebody who writes the engine or its bridge to
// Kafka might make, each planted by itself. Campaigns that do not find them all
// prove nothing where they find none.
#include "runtime/engine/planted_bugs.hpp"
#include "tests/simulation/accounts_and_books.hpp"
#include "tests/simulation/campaign_run.hpp"
#include "tests/simulation/readings_by_event_time.hpp"
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

/// Of one bug, in each campaign; some times what the hardest one needs.
constexpr std::uint64_t seeds_max = 500;

/// Says what it finds. False: nothing.
bool find_in(const char* name, const campaign& what, std::uint64_t seed,
             planted_log_bug bug = planted_log_bug::none) {
  plan drawn = draw_plan(seed, what);
  drawn.log_bug = bug;
  const auto came = run(drawn, what);
  if (came.failed)
    std::printf("  found by seed %llu of %s: %s: %.200s\n",
                static_cast<unsigned long long>(seed), name,
                came.failed->invariant.c_str(), came.failed->what.c_str());
  return came.failed.has_value();
}

bool find_in_clusters(std::uint64_t seed,
                      planted_log_bug bug = planted_log_bug::none) {
  return find_in("moving shards", moving_shards(), seed, bug)
         || find_in("late ends", late_ends(), seed, bug);
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

bool find_anywhere(std::uint64_t seed) {
  return find_in_one_engine(seed) || find_in_clusters(seed)
         || find_in("event time", readings_by_event_time(200), seed);
}

/// Looks through seeds until one has found something.
template <class Look>
bool finds_up_to(std::uint64_t seeds, const Look& look) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    if (look(seed))
      return true;
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
  for (const auto& [bug, name] : engine::all_planted_bugs) {
    std::printf("planted in the engine: %s\n", name);
    INFO(name);
    CHECK(finds([which = bug] {
      engine::planted = which;
      return finds_up_to(seeds_max, find_anywhere);
    }));
  }
}

TEST_CASE("campaigns find every bug that is planted in the log",
          "[simulation][zoo]") {
  for (const planted_log_bug bug : all_planted_log_bugs) {
    const std::string name{name_of(bug)};
    std::printf("planted in the log: %s\n", name.c_str());
    INFO(name);
    CHECK(finds([bug] {
      return finds_up_to(seeds_max, [bug](std::uint64_t seed) {
        return find_in_clusters(seed, bug);
      });
    }));
  }
}

TEST_CASE("where no bug is planted the same seeds hold", "[simulation][zoo]") {
  CHECK(!finds([] { return finds_up_to(150, find_anywhere); }));
}
