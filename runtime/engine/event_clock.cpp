#include "runtime/engine/event_clock.hpp"

#include "runtime/engine/planted_bugs.hpp"

#include <algorithm>

namespace freehold::engine {

namespace {

/// The least of those that are not idle; the latest where all are.
time_mark least_of(const std::vector<time_mark>& marks) noexcept {
  time_mark least{after_all_time, true, true};
  time_mark latest{before_all_time, true, true};
  for (const time_mark& each : marks) {
    latest.time = std::max(latest.time, each.time);
    if (!each.is_idle && !is_planted(planted_bug::watermark_by_maximum))
      least = {std::min(least.time, each.time), false,
               least.is_resting && each.is_resting};
  }
  return least.is_idle ? latest : least;
}

/// Rounds to minus infinity, so that steps are alike on both sides of 1970.
std::int64_t steps_of(timestamp at, std::chrono::milliseconds step) noexcept {
  const std::int64_t length = step.count();
  return at.value() / length - (at.value() % length < 0 ? 1 : 0);
}

} // namespace

std::optional<time_mark> event_clock::news(timestamp held) const noexcept {
  time_mark now = least_of(sources_);
  now.time = std::min(now.time, held);
  now.is_idle = now.is_idle && held == after_all_time;
  now.is_resting = now.is_resting && held == after_all_time;
  const bool came_to_rest_or_awoke = now.is_idle != announced_.is_idle
                                     || now.is_resting != announced_.is_resting;
  const bool passed_a_step =
      now.time > announced_.time
      && steps_of(now.time, step_) > steps_of(announced_.time, step_);
  if (came_to_rest_or_awoke || passed_a_step)
    return now;
  return std::nullopt;
}

void event_clock::take(std::uint32_t shard, const time_mark& mark) noexcept {
  marks_[shard] = mark;
  watermark_ = std::max(watermark_, least_of(marks_).time);
  slowest_ = after_all_time;
  for (const time_mark& each : marks_)
    if (!each.is_resting)
      slowest_ = std::min(slowest_, each.time);
}

} // namespace freehold::engine
