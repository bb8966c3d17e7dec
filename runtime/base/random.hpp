#pragma once

#include <cstdint>

namespace freehold {

/// A seeded generator (xorshift64*, Vigna 2016) that gives the same numbers
/// with every compiler, unlike the standard library's distributions.
/// Not for secrets. One owner, no locks.
class random_source {
public:
  explicit random_source(std::uint64_t seed) noexcept
      : state_(seed != 0 ? seed : 0x9E3779B97F4A7C15ULL) {}

  std::uint64_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DULL;
  }

  /// A number in `[0, bound)`. @pre `bound > 0`. The bias of the remainder is
  /// below `bound / 2^64`.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

private:
  std::uint64_t state_;
};

} // namespace freehold
