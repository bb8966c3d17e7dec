#pragma once

#include "runtime/analytics/event_window.hpp"
#include "runtime/analytics/windows.hpp"

#include <boost/describe/class.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace freehold::analytics {

/// Sessions end when nothing happens for `gap`; they close `grace` later and
/// can be corrected for `keep` more.
struct session_shape {
  std::chrono::milliseconds gap;
  std::chrono::milliseconds grace{0};
  std::chrono::milliseconds keep{0};
};

/// Session windows in an entity's state: what happens within `gap` of each
/// other is one session, in whatever order it arrives. Used as `windows` is.
template <mergeable Sum>
struct sessions {
  static constexpr std::int64_t never =
      std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t nothing =
      std::numeric_limits<std::int64_t>::min();

  struct session {
    /// When the last thing in it happened.
    std::int64_t last = 0;
    Sum sum{};
    /// It was published, and would be corrected.
    bool is_closed = false;

    BOOST_DESCRIBE_CLASS(session, (), (last, sum, is_closed), (), ())
  };

  /// By start, in milliseconds since 1970.
  std::map<std::int64_t, session> all;
  std::int64_t kept_from = nothing;
  std::int64_t timer_at = never;

  [[nodiscard]] arrival judge(const session_shape& shape, timestamp at,
                              timestamp source_watermark) const noexcept {
    if (is_late(at, source_watermark, shape.grace))
      return arrival::late;
    return at.value() < kept_from ? arrival::forgotten : arrival::in_time;
  }

  /// The sessions that something at that time belongs to: it joins them into
  /// one. Starts, in order; none where it begins a session.
  [[nodiscard]] std::vector<std::int64_t> joined_by(const session_shape& shape,
                                                    timestamp at) const {
    std::vector<std::int64_t> starts;
    for (auto it = first_near(shape, at);
         it != all.end() && it->first - at.value() < shape.gap.count(); ++it)
      starts.push_back(it->first);
    return starts;
  }

  /// As of `windows::timer_wanted`.
  [[nodiscard]] std::optional<timestamp>
  timer_wanted(const session_shape& shape, timestamp at) const noexcept {
    const std::int64_t due = closing_of(shape, at.value());
    if (due >= timer_at)
      return std::nullopt;
    return timestamp{due};
  }

  void add(const session_shape& shape, timestamp at, const Sum& what) noexcept {
    if (const auto due = timer_wanted(shape, at))
      timer_at = due->value();
    session joined{at.value(), what, false};
    std::int64_t start = at.value();
    for (auto it = first_near(shape, at);
         it != all.end() && it->first - at.value() < shape.gap.count();
         it = all.erase(it)) {
      start = std::min(start, it->first);
      joined.last = std::max(joined.last, it->second.last);
      joined.is_closed = joined.is_closed || it->second.is_closed;
      joined.sum.merge(it->second.sum);
    }
    all.emplace(start, std::move(joined));
  }

  /// Sessions that are open and that a watermark closes, in order;
  /// `visit(window, sum)`, where the window's end is the last moment plus gap.
  template <std::invocable<const event_window&, const Sum&> Visit>
  void for_each_due(const session_shape& shape, timestamp watermark,
                    Visit&& visit) const {
    for (const auto& [start, each] : all)
      if (!each.is_closed && closing_of(shape, each.last) <= watermark.value())
        visit(event_window{timestamp{start},
                           timestamp{each.last + shape.gap.count()}},
              each.sum);
  }

  [[nodiscard]] std::optional<timestamp>
  timer_after(const session_shape& shape, timestamp watermark) const noexcept {
    std::int64_t first = never;
    for (const auto& [start, each] : all)
      if (!each.is_closed && closing_of(shape, each.last) > watermark.value())
        first = std::min(first, closing_of(shape, each.last));
    if (first == never)
      return std::nullopt;
    return timestamp{first};
  }

  /// As of `windows::close`.
  void close(const session_shape& shape, timestamp watermark) noexcept {
    const auto next = timer_after(shape, watermark);
    timer_at = next ? next->value() : never;
    for (auto& [start, each] : all)
      each.is_closed =
          each.is_closed || closing_of(shape, each.last) <= watermark.value();
    if (watermark == after_all_time)
      return;
    const std::int64_t limit = moved(watermark, -shape.keep);
    while (!all.empty()
           && closing_of(shape, all.begin()->second.last) <= limit) {
      kept_from = all.begin()->second.last + shape.gap.count();
      all.erase(all.begin());
    }
  }

private:
  static std::int64_t closing_of(const session_shape& shape,
                                 std::int64_t last) noexcept {
    return last + shape.gap.count() + shape.grace.count();
  }

  /// The first session that reaches within the gap of `at`. Sessions are more
  /// than a gap apart, so starts and lasts have one order.
  [[nodiscard]] auto first_near(const session_shape& shape,
                                timestamp at) const noexcept {
    auto it = all.lower_bound(at.value());
    while (it != all.begin()
           && at.value() - std::prev(it)->second.last < shape.gap.count())
      --it;
    return it;
  }

public:
  BOOST_DESCRIBE_CLASS(sessions, (), (all, kept_from, timer_at), (), ())
};

} // namespace freehold::analytics
