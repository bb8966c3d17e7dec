#pragma once

#include "runtime/analytics/event_window.hpp"
#include "runtime/codec/flat_map.hpp"

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/describe/class.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

namespace freehold::analytics {

/// A sum that other sums can be added to in any order: counts, totals, minima.
template <class T>
concept mergeable =
    std::default_initializable<T> && std::copyable<T> && requires(
        T to, const T& more) {
  { to.merge(more) }
  noexcept;
};

/// What becomes of something that happened at a time.
enum class arrival : std::uint8_t {
  /// It counts.
  in_time,
  /// Its source had come further than the grace.
  late,
  /// It is not late by its source, but its windows were closed so long ago
  /// that they are forgotten: an idle source brought it, or another entity.
  forgotten,
};

/// Tumbling or hopping windows in an entity's state: one sum per pane with
/// something in it, so that adding costs the same however long windows are and
/// however many are open. A member of the state; the shape stays outside, in
/// the code. An entity uses it in this order:
///
/// * in a handler `judge`, then `timer_wanted` for `schedule_at_watermark`,
///   then `for_each_closed` for windows that were published already;
/// * in `apply` of that event `add`;
/// * in the timer's handler `for_each_due` for what to publish, `timer_after`
///   for the next timer; in `apply` of its event `close`.
template <mergeable Sum>
struct windows {
  static constexpr std::int64_t never =
      std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t nothing =
      std::numeric_limits<std::int64_t>::min();

  /// In order in one piece of memory, and two in the state itself: with many
  /// keys most have no more, and a piece elsewhere is a cache miss.
  using pane_map = boost::container::flat_map<
      std::int64_t, Sum, std::less<std::int64_t>,
      boost::container::small_vector<std::pair<std::int64_t, Sum>, 2>>;

  /// By the pane's start, in milliseconds since 1970.
  pane_map panes;
  /// Windows that end here or before are closed.
  std::int64_t closed_to = nothing;
  /// Panes before this are forgotten.
  std::int64_t kept_from = nothing;
  /// The watermark that the timer is set to, `never` without one.
  std::int64_t timer_at = never;

  [[nodiscard]] arrival judge(const window_shape& shape, timestamp at,
                              timestamp source_watermark) const noexcept {
    if (is_late(at, source_watermark, shape.grace))
      return arrival::late;
    return floor_to(at.value(), shape.pane()) < kept_from ? arrival::forgotten
                                                          : arrival::in_time;
  }

  /// The watermark to set the timer to, if adding something of that time needs
  /// an earlier one than is set.
  [[nodiscard]] std::optional<timestamp>
  timer_wanted(const window_shape& shape, timestamp at) const noexcept {
    const std::int64_t pane = floor_to(at.value(), shape.pane());
    const std::int64_t end = shape.first_end(pane, closed_to);
    if (end > shape.last_end(pane) || end + shape.grace.count() >= timer_at)
      return std::nullopt;
    return timestamp{end + shape.grace.count()};
  }

  void add(const window_shape& shape, timestamp at, const Sum& what) noexcept {
    if (const auto due = timer_wanted(shape, at))
      timer_at = due->value();
    panes[floor_to(at.value(), shape.pane())].merge(what);
  }

  /// The sum of one window.
  [[nodiscard]] Sum sum_of(const event_window& which) const {
    Sum sum{};
    const auto end = panes.lower_bound(which.end.value());
    for (auto it = panes.lower_bound(which.start.value()); it != end; ++it)
      sum.merge(it->second);
    return sum;
  }

  /// The closed windows that hold `at`, and that adding there corrects.
  template <std::invocable<const event_window&> Visit>
  void for_each_closed(const window_shape& shape, timestamp at,
                       Visit&& visit) const {
    const std::int64_t pane = floor_to(at.value(), shape.pane());
    const std::int64_t last = std::min(closed_to, shape.last_end(pane));
    for (std::int64_t end = shape.first_end(pane, nothing); end <= last;
         end += shape.every.count())
      visit(window_ending_at(shape, end));
  }

  /// Windows with something in them that are open and that a watermark closes,
  /// in order; `visit(window, sum)`.
  template <std::invocable<const event_window&, const Sum&> Visit>
  void for_each_due(const window_shape& shape, timestamp watermark,
                    Visit&& visit) const {
    const std::int64_t to = ends_closed_by(shape, watermark);
    for (auto end = next_end(shape, closed_to); end && *end <= to;
         end = next_end(shape, *end)) {
      const event_window which = window_ending_at(shape, *end);
      visit(which, sum_of(which));
    }
  }

  /// The timer to set after closing at that watermark, if any.
  [[nodiscard]] std::optional<timestamp>
  timer_after(const window_shape& shape, timestamp watermark) const {
    const auto end =
        next_end(shape, std::max(closed_to, ends_closed_by(shape, watermark)));
    if (!end)
      return std::nullopt;
    return timestamp{*end + shape.grace.count()};
  }

  /// Closes what the watermark closes; forgets what is older than is kept.
  /// `after_all_time` closes all and forgets nothing.
  void close(const window_shape& shape, timestamp watermark) noexcept {
    const auto next = timer_after(shape, watermark);
    closed_to = std::max(closed_to, ends_closed_by(shape, watermark));
    timer_at = next ? next->value() : never;
    if (watermark == after_all_time)
      return;
    const std::int64_t limit = moved(watermark, -(shape.grace + shape.keep));
    auto kept = panes.begin();
    for (; kept != panes.end() && shape.last_end(kept->first) <= limit; ++kept)
      kept_from = kept->first + shape.pane().count();
    panes.erase(panes.begin(), kept);
  }

private:
  static event_window window_ending_at(const window_shape& shape,
                                       std::int64_t end) noexcept {
    return {timestamp{end - shape.length.count()}, timestamp{end}};
  }

  /// The end of the last window that a watermark closes.
  [[nodiscard]] std::int64_t
  ends_closed_by(const window_shape& shape,
                 timestamp watermark) const noexcept {
    if (watermark == after_all_time)
      return panes.empty() ? nothing : shape.last_end(panes.rbegin()->first);
    const std::int64_t reached =
        moved(watermark, -(shape.grace + shape.length));
    if (reached == nothing)
      return nothing;
    return floor_to(reached, shape.every) + shape.length.count();
  }

  /// The first end above `after` of a window with something in it.
  [[nodiscard]] std::optional<std::int64_t>
  next_end(const window_shape& shape, std::int64_t after) const noexcept {
    // The first pane of which a window is left.
    auto pane = after == nothing
                    ? panes.begin()
                    : panes.lower_bound(after - shape.length.count());
    while (pane != panes.end() && shape.last_end(pane->first) <= after)
      ++pane;
    if (pane == panes.end())
      return std::nullopt;
    return shape.first_end(pane->first, after);
  }

public:
  BOOST_DESCRIBE_CLASS(windows, (), (panes, closed_to, kept_from, timer_at), (),
                       ())
};

} // namespace freehold::analytics
