#pragma once

#include "runtime/base/ids.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace freehold::ports {

/// What one worker is handling right now. The worker writes it before every
/// handler and clears it after; the memory outlives the process.
struct crash_slot {
  /// Nothing is being handled.
  static constexpr std::uint64_t idle = ~std::uint64_t{0};

  /// `topic index << 32 | partition`, or `idle`.
  std::atomic<std::uint64_t> source{idle};
  std::atomic<std::int64_t> offset{0};

  void enter(topic_partition from, std::int64_t at) noexcept {
    offset.store(at, std::memory_order_relaxed);
    source.store(std::uint64_t{from.topic.value()} << 32U
                     | from.partition.value(),
                 std::memory_order_release);
  }
  void leave() noexcept { source.store(idle, std::memory_order_relaxed); }
};

/// Remembers which record was being handled when the process died, across
/// deaths, so that a record that kills the process is recognised (see
/// docs/adr/0005-crash-ledger.md). Made before the engine, outlives it.
class crash_ledger {
public:
  crash_ledger() = default;
  crash_ledger(const crash_ledger&) = delete;
  crash_ledger& operator=(const crash_ledger&) = delete;
  virtual ~crash_ledger() = default;

  struct suspect {
    std::string topic;
    partition_index partition;
    std::int64_t offset = 0;
    /// How many lives of the process ended while handling it.
    std::uint32_t deaths = 0;
  };

  /// Begins a life: takes the slots of the life before into account, then
  /// clears them. `topics` gives the names of this life's topic indexes.
  /// Returns all suspects. Once, before any slot is used.
  virtual std::vector<suspect> begin(const std::vector<std::string>& topics,
                                     std::uint32_t worker_count) = 0;

  /// The slot of a worker; stays where it is.
  virtual crash_slot& slot(worker_index worker) = 0;

  /// A suspect was handled to its end or dead-lettered, durably.
  virtual void acquit(const suspect& whom) = 0;
};

} // namespace freehold::ports
