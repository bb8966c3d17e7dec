#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <shared_mutex>

namespace freehold::engine {

/// Lets a message that the process has died of before be handled while no
/// other worker handles any: if the process dies again, the crash ledger
/// accuses that message alone and not what happened to be under way beside it.
///
/// Shared by all workers. Without suspects it costs one load; a handler never
/// blocks, so with suspects nobody waits for longer than a handler takes.
class quarantine {
public:
  /// @pre nobody is inside
  void open(std::size_t suspects) noexcept { suspects_ = suspects; }
  void one_less() noexcept { --suspects_; }

  /// To be held while a message is handled.
  class stay {
  public:
    stay(quarantine& where, bool alone) {
      if (where.suspects_.load(std::memory_order_relaxed) == 0)
        return;
      if (alone)
        alone_.emplace(where.gate_);
      else
        beside_others_.emplace(where.gate_);
    }

  private:
    std::optional<std::unique_lock<std::shared_mutex>> alone_;
    std::optional<std::shared_lock<std::shared_mutex>> beside_others_;
  };

private:
  std::atomic<std::size_t> suspects_{0};
  std::shared_mutex gate_;
};

} // namespace freehold::engine
