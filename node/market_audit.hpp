#pragma once

#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace freehold::node {

/// What an audit compared, and what did not agree.
struct audit_report {
  /// Beyond it faults are only counted.
  static constexpr std::size_t faults_kept_max = 100;

  /// States of journaled entities, and the events they were folded from.
  std::uint64_t states = 0;
  std::uint64_t events = 0;
  /// Events of units that were committed after the states were read: a node is
  /// running.
  std::uint64_t newer_events = 0;
  /// Windows that were published, and those that are still open.
  std::uint64_t closed_windows = 0;
  std::uint64_t open_windows = 0;
  /// Sales that no window has to have, being in `market-late`.
  std::uint64_t left_out = 0;

  std::vector<std::string> faults;
  std::uint64_t fault_count = 0;

  void fault(std::string what) {
    if (++fault_count <= faults_kept_max)
      faults.push_back(std::move(what));
  }
};

/// Compares the state of every journaled entity with the fold of its journal,
/// up to the state's version. Errors: what keeps it from reading.
[[nodiscard]] result<void>
audit_journals(ports::log_reader& from,
               const std::shared_ptr<const engine::application_plan>& plan,
               audit_report& report);

/// Compares every window of every neighborhood, published or open, with a
/// batch over the sales in the properties' journal. Exact on a log that no
/// node is writing.
[[nodiscard]] result<void>
audit_windows(ports::log_reader& from,
              const std::shared_ptr<const engine::application_plan>& plan,
              audit_report& report);

} // namespace freehold::node
