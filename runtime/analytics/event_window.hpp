#pragma once

#include "runtime/base/ids.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <numeric>

/// Windows over event time for use in the state of any entity; ADR 8 says what
/// watermarks are. Nothing here knows where sums come from or go to.
namespace freehold::analytics {

/// `[start, end)` in event time.
struct event_window {
  timestamp start;
  timestamp end;

  friend auto operator<=>(const event_window&, const event_window&) = default;
};

/// The greatest multiple of `step` that is not above `at`; also before 1970.
/// @pre `step` is above zero
[[nodiscard]] constexpr std::int64_t
floor_to(std::int64_t at, std::chrono::milliseconds step) noexcept {
  const std::int64_t length = step.count();
  const std::int64_t into = at % length;
  return at - (into < 0 ? into + length : into);
}

/// `at` moved by a length, at the ends of time not beyond them.
[[nodiscard]] constexpr std::int64_t
moved(timestamp at, std::chrono::milliseconds by) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(at.value(), by.count(), &sum))
    return sum;
  return (by.count() > 0 ? after_all_time : before_all_time).value();
}

/// Whether something that happened at `at` is too late to count: its source
/// had come further than the grace when it was read.
[[nodiscard]] constexpr bool is_late(timestamp at, timestamp source_watermark,
                                     std::chrono::milliseconds grace) noexcept {
  return moved(at, grace) < source_watermark.value();
}

/// Where the windows of one kind lie and how long they are open: each is
/// `length` long, one begins at every multiple of `every` since 1970 (UTC).
/// They close when the watermark is `grace` past their end, and can be
/// corrected for `keep` more.
struct window_shape {
  std::chrono::milliseconds length;
  std::chrono::milliseconds every;
  std::chrono::milliseconds grace{0};
  std::chrono::milliseconds keep{0};

  /// Each moment lies in one window.
  static constexpr window_shape
  tumbling(std::chrono::milliseconds length, std::chrono::milliseconds grace,
           std::chrono::milliseconds keep) noexcept {
    return {length, length, grace, keep};
  }
  /// Each moment lies in `length / every` windows, one more or less where that
  /// is no whole number. @pre `every` is not above `length`
  static constexpr window_shape
  hopping(std::chrono::milliseconds length, std::chrono::milliseconds every,
          std::chrono::milliseconds grace,
          std::chrono::milliseconds keep) noexcept {
    return {length, every, grace, keep};
  }

  /// The longest piece of time that no window cuts.
  [[nodiscard]] constexpr std::chrono::milliseconds pane() const noexcept {
    // Asked for with every record, and mostly as simple as this.
    if (length.count() % every.count() == 0)
      return every;
    return std::chrono::milliseconds{std::gcd(length.count(), every.count())};
  }
  /// The last window that holds the pane. They begin at multiples of `every`,
  /// so they end at `length` behind one.
  [[nodiscard]] constexpr std::int64_t
  last_end(std::int64_t pane_start) const noexcept {
    return floor_to(pane_start, every) + length.count();
  }
  /// The first window's end above `after` that is an end of a window which
  /// holds the pane; above `last_end` if there is none.
  [[nodiscard]] constexpr std::int64_t
  first_end(std::int64_t pane_start, std::int64_t after) const noexcept {
    // The first window that reaches beyond the pane's start.
    const std::int64_t first = floor_to(pane_start - length.count(), every)
                               + every.count() + length.count();
    if (after < first)
      return first;
    return floor_to(after - length.count(), every) + every.count()
           + length.count();
  }
};

} // namespace freehold::analytics
