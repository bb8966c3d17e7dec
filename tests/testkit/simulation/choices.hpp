#pragma once

#include "runtime/base/random.hpp"

#include <cstdint>
#include <initializer_list>

namespace freehold::simulation {

/// What a simulation's choices are for. Each purpose draws from a stream of
/// its own, so that leaving out a fault or a command moves no other choice.
enum class purpose : std::uint8_t {
  /// How many nodes, shards, brokers; which faults exist at all.
  topology,
  workload,
  faults,
  /// Which of the things that may happen next does.
  order,
  /// Delays of requests, answers and markers.
  network,
};

/// Seeded choices for one purpose, equal with every compiler.
class choices {
public:
  choices(std::uint64_t seed, purpose what) noexcept
      : source_(mix(seed * 8 + static_cast<std::uint64_t>(what) + 1)) {}

  /// A number in `[0, bound)`. @pre `bound > 0`
  std::uint64_t below(std::uint64_t bound) noexcept {
    return source_.below(bound);
  }
  /// True once in about `n` times. @pre `n > 0`
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

  template <class T>
  T one_of(std::initializer_list<T> from) noexcept {
    return *(from.begin() + below(from.size()));
  }

private:
  /// Neighbouring seeds have nothing in common (SplitMix64's finalizer, Steele,
  /// Lea and Flood 2014).
  static std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
  }

  random_source source_;
};

} // namespace freehold::simulation
