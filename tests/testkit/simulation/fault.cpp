#include "tests/testkit/simulation/fault.hpp"

#include <cstdio>

namespace freehold::simulation {

std::string_view name_of(fault_kind kind) noexcept {
  switch (kind) {
  case fault_kind::crash:
    return "crash";
  case fault_kind::crash_point:
    return "crash point";
  case fault_kind::pause:
    return "pause";
  case fault_kind::lost_heartbeats:
    return "lost heartbeats";
  case fault_kind::clogged:
    return "clogged connection";
  case fault_kind::broker_down:
    return "broker down";
  case fault_kind::unknown_applied:
    return "unknown commit, applied";
  case fault_kind::unknown_lost:
    return "unknown commit, lost";
  case fault_kind::unknown_late:
    return "unknown commit, late";
  case fault_kind::aborted:
    return "aborted transaction";
  case fault_kind::slow_marker:
    return "slow marker";
  case fault_kind::produced_twice:
    return "produced twice";
  case fault_kind::leave:
    return "leave";
  case fault_kind::expired:
    return "expired";
  case fault_kind::rebalance:
    return "rebalance";
  case fault_kind::clock_set:
    return "clock set";
  case fault_kind::entity_ended:
    return "entity ended";
  case fault_kind::copy_lost:
    return "local copy lost";
  case fault_kind::copy_torn:
    return "local copy torn";
  case fault_kind::copy_old:
    return "local copy old";
  case fault_kind::late_join:
    return "late join";
  case fault_kind::taken_expired:
    return "taken records expired";
  }
  return "?";
}

std::string to_string(const fault& what) {
  std::array<char, 160> text{};
  const auto name = name_of(what.kind);
  std::snprintf(text.data(), text.size(),
                "%.*s, node %u, at %.3f s for %.3f s (%llu)",
                static_cast<int>(name.size()), name.data(), what.node,
                static_cast<double>(what.at.count()) / 1e6,
                static_cast<double>(what.how_long.count()) / 1e6,
                static_cast<unsigned long long>(what.detail));
  return text.data();
}

} // namespace freehold::simulation
