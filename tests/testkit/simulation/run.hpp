#pragma once

#include "tests/testkit/simulation/campaign.hpp"
#include "tests/testkit/simulation/plan.hpp"
#include "tests/testkit/simulation/story.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace freehold::simulation {

/// What one plan came to.
struct outcome {
  struct failure {
    /// The invariant's name; the same fault has the same one.
    std::string invariant;
    std::string what;
  };
  std::optional<failure> failed;
  /// Equal for equal courses: a course is a function of its plan.
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  moment simulated{0};
  /// By invariant, how much it compared.
  std::map<std::string, std::uint64_t> compared;
  /// By mark, how often; all the marks there are, also at zero.
  std::map<std::string, std::uint64_t> marks;
};

/// Runs a plan to its end and checks everything. Throws nothing that a fault
/// of the application or the engine could cause.
[[nodiscard]] outcome run(const plan& which, const campaign& what,
                          story& tells);
[[nodiscard]] outcome run(const plan& which, const campaign& what);

/// Fewer commands, faults and nodes for which the same invariant still does
/// not hold: delta debugging (Zeller and Hildebrandt 2002), at most
/// `runs_max` runs.
[[nodiscard]] plan shrink(const plan& failing, const campaign& what,
                          const std::string& invariant,
                          std::uint32_t runs_max = 2000);

struct run_options {
  std::uint64_t first_seed = 1;
  std::uint64_t seed_count = 100;
  /// Instead of a count, as long as that; 0: by count.
  std::chrono::seconds time_limit{0};
  /// One in so many seeds is run twice and must take the same course; of the
  /// first 50 all.
  std::uint64_t twice_one_in = 20;
  /// After that many failing seeds the campaign ends.
  std::uint32_t failures_max = 1;
  bool shrinks = true;
  /// Told after every seed.
  std::function<void(const struct report&)> progress{};
};

/// What a campaign came to.
struct report {
  struct failing_seed {
    std::uint64_t seed = 0;
    outcome::failure why;
    /// Options of `freehold-sim` that replay it, shrunk; of an exhaustive run
    /// the crashes.
    std::string replay;
    std::size_t commands = 0;
    std::size_t faults = 0;
    /// What happened, for the shrunk plan.
    std::vector<story::line> lines;
  };
  std::uint64_t seeds = 0;
  std::uint64_t twice = 0;
  std::uint64_t steps = 0;
  moment simulated{0};
  std::map<std::string, std::uint64_t> compared;
  std::map<std::string, std::uint64_t> marks;
  std::vector<failing_seed> failures;
  /// Checks that never compared anything, marks that were never reached: they
  /// prove nothing.
  std::vector<std::string> never;

  [[nodiscard]] bool ok() const noexcept {
    return failures.empty() && never.empty();
  }
};

struct exhaustive_options {
  /// One seed's commands and options; its faults are left out.
  std::uint64_t seed = 1;
  /// What happens besides, in every run: without a unit that fails and a shard
  /// that moves some points are never reached.
  std::vector<fault> faults{};
  std::uint32_t node_count = 2;
  /// Of each point that a node comes to, the first so many times.
  std::uint32_t times_max = 20;
  /// The second crash comes after so many of the first one's times.
  std::uint32_t pairs_times_max = 2;
  moment back_after = 300ms;
};

/// Small scope, all of it: a node dies at every named crash point each time it
/// comes to it, and again at every other point after that. A point at which
/// nobody ever died fails it.
[[nodiscard]] report run_exhaustively(const campaign& what,
                                      const exhaustive_options& how = {});

/// Runs a campaign over its seeds.
[[nodiscard]] report run_campaign(const campaign& what,
                                  const run_options& how = {});

[[nodiscard]] std::string to_text(const std::vector<story::line>& lines);
/// The report for people; every failure with the line that replays it and its
/// story.
[[nodiscard]] std::string to_text(const report& all);

} // namespace freehold::simulation
