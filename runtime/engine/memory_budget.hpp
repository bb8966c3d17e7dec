#pragma once

#include <atomic>
#include <cstdint>

namespace freehold::engine {

/// What the entities of one type may take of a node's memory, over all shards
/// that the node has. Any thread.
class memory_budget {
public:
  explicit memory_budget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  memory_budget(const memory_budget&) = delete;
  memory_budget& operator=(const memory_budget&) = delete;

  void grew(std::uint64_t bytes) noexcept {
    used_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void shrank(std::uint64_t bytes) noexcept {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t used() const noexcept {
    return used_.load(std::memory_order_relaxed);
  }

  /// What one shard should keep of the `own` bytes it has: all of them while
  /// the budget lasts, then as large a share of the budget as it has of what
  /// is used. A shard that is alone on its node thus gets all of it.
  [[nodiscard]] std::uint64_t share_of(std::uint64_t own) const noexcept {
    const std::uint64_t all = used();
    if (all <= bytes_max_)
      return own;
    return static_cast<std::uint64_t>(static_cast<double>(own)
                                      * static_cast<double>(bytes_max_)
                                      / static_cast<double>(all));
  }

private:
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_{0};
};

} // namespace freehold::engine
