#pragma once

#include "tests/testkit/simulation/campaign.hpp"
#include "tests/testkit/simulation/crash_points.hpp"
#include "tests/testkit/simulation/simulated_log.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace freehold::simulation {

/// What one seed draws before anything runs. The course follows from it alone:
/// leaving out commands or faults makes another plan of the same seed, which
/// is how a failure is made small.
struct plan {
  struct timed_command {
    moment at{0};
    command what;
    /// Its place among those the seed drew.
    std::uint32_t number = 0;
  };
  struct planned_crash {
    std::uint32_t node = 0;
    crash_point where{};
    /// 0: the next time.
    std::uint32_t nth = 0;
    moment back_after{0};
  };
  struct numbered_fault {
    fault what;
    std::uint32_t number = 0;
  };

  std::uint64_t seed = 0;
  std::uint32_t node_count = 1;
  std::uint32_t broker_count = 1;
  strategy order = strategy::random;
  engine::engine_options options{};
  /// What the brokers know the members by, and how long they wait for them.
  std::chrono::milliseconds session_timeout{6000};
  std::chrono::milliseconds transaction_timeout{10'000};
  std::chrono::milliseconds request_timeout{2000};
  /// Whether nodes keep copies of their changelogs.
  bool keeps_copies = true;

  std::vector<timed_command> commands{};
  std::vector<numbered_fault> faults{};
  /// Besides: each one counts from when the one before has happened.
  std::vector<planned_crash> crashes{};
  /// When the faults end and everything is mended.
  moment length{0};
  /// A mistake in the nodes' logs, for a campaign that must find it.
  planted_log_bug log_bug = planted_log_bug::none;
};

[[nodiscard]] plan draw_plan(std::uint64_t seed, const campaign& what);

/// The options of `freehold-sim` that make this plan again: the seed, and which
/// of its commands and faults are left, as ranges.
[[nodiscard]] std::string replay_options(const plan& which,
                                         const campaign& what);
/// Keeps those of a list like `0-3,7`. Throws `std::invalid_argument`.
void keep_commands(plan& of, std::string_view list);
void keep_faults(plan& of, std::string_view list);

} // namespace freehold::simulation
