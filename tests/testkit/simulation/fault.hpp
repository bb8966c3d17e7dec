#pragma once

#include "tests/testkit/simulation/schedule.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace freehold::simulation {

/// What may go wrong, each by its name on the command line.
enum class fault_kind : std::uint8_t {
  /// The process of a node dies and comes back. What it had sent may land.
  crash,
  /// The same at one of the named points, when the node comes to it.
  crash_point,
  /// A node stands still (SIGSTOP, a long page fault) and goes on.
  pause,
  /// A node works, but the coordinator hears nothing of it: a zombie.
  lost_heartbeats,
  /// Nothing passes between a node and one broker, either way.
  clogged,
  /// One broker answers nobody.
  broker_down,
  /// A node's next commit ends unknown: it was carried out, it was not, or it
  /// lands after the node has given it up.
  unknown_applied,
  unknown_lost,
  unknown_late,
  /// The coordinator aborts a node's transaction under way.
  aborted,
  /// The end of a transaction reaches one partition long after the others.
  slow_marker,
  /// A request to produce arrives twice.
  produced_twice,
  /// A node leaves the group in order, and comes back.
  leave,
  /// The coordinator gives a member up that is well.
  expired,
  /// The group rebalances for no reason.
  rebalance,
  /// A node's wall clock is set.
  clock_set,
  /// A CAF actor from outside ends an entity.
  entity_ended,
  /// A node dies and comes back without its copy of the changelogs, or with
  /// its last records written by half.
  copy_lost,
  copy_torn,
  /// A node dies and comes back with a copy of the changelogs that was put
  /// aside some time before.
  copy_old,
  /// A node dies and is back at once; after that arrives a request to join the
  /// group that the process before had sent.
  late_join,
  /// What the application has taken is deleted from its sources.
  taken_expired,
};

inline constexpr std::array all_fault_kinds{
    fault_kind::crash,           fault_kind::crash_point,
    fault_kind::pause,           fault_kind::lost_heartbeats,
    fault_kind::clogged,         fault_kind::broker_down,
    fault_kind::unknown_applied, fault_kind::unknown_lost,
    fault_kind::unknown_late,    fault_kind::aborted,
    fault_kind::slow_marker,     fault_kind::produced_twice,
    fault_kind::leave,           fault_kind::expired,
    fault_kind::rebalance,       fault_kind::clock_set,
    fault_kind::entity_ended,    fault_kind::copy_lost,
    fault_kind::copy_torn,       fault_kind::copy_old,
    fault_kind::late_join,       fault_kind::taken_expired,
};

[[nodiscard]] std::string_view name_of(fault_kind kind) noexcept;

/// One fault of a plan.
struct fault {
  fault_kind kind{};
  moment at{0};
  /// How long it lasts, where it does.
  moment how_long{0};
  std::uint32_t node = 0;
  /// Which broker, partition, entity, or how far: what the kind needs.
  std::uint64_t detail = 0;
};

/// `crash of node 2 at 3.120 s for 1.500 s`
[[nodiscard]] std::string to_string(const fault& what);

} // namespace freehold::simulation
