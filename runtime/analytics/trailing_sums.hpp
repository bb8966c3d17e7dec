#pragma once

#include "runtime/analytics/event_window.hpp"
#include "runtime/analytics/windows.hpp"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <iterator>
#include <map>

namespace freehold::analytics {

/// A mergeable sum from which another can be taken away again.
template <class T>
concept subtractable = mergeable<T> && requires(T from, const T& less) {
  { from.subtract(less) }
  noexcept;
};

/// Sums over the time before a moment, as in "the 30 days before this day":
/// running sums per pane, so that any stretch of panes is one subtraction,
/// however long it is. Adding to an earlier pane goes over the panes behind
/// it: as many as the grace has.
template <subtractable Sum>
struct trailing_sums {
  /// By the pane's start: the sum of everything up to its end.
  std::map<std::int64_t, Sum> running;

  void add(std::chrono::milliseconds pane, timestamp at,
           const Sum& what) noexcept {
    const std::int64_t start = floor_to(at.value(), pane);
    const auto behind = running.upper_bound(start);
    auto here = behind;
    if (here != running.begin() && std::prev(here)->first == start) {
      --here;
    } else {
      const Sum before =
          here == running.begin() ? Sum{} : std::prev(here)->second;
      here = running.emplace_hint(behind, start, before);
    }
    for (; here != running.end(); ++here)
      here->second.merge(what);
  }

  /// Of panes that begin in `[from, to)`. @pre not forgotten
  [[nodiscard]] Sum between(std::int64_t from, std::int64_t to) const {
    Sum sum = before(to);
    sum.subtract(before(from));
    return sum;
  }

  /// Gives up panes that begin before `start`; what begins there or later can
  /// still be asked for and added to.
  void forget(std::int64_t start) noexcept {
    auto first = running.lower_bound(start);
    if (first == running.begin())
      return;
    // One stays: the later ones are sums on top of it.
    running.erase(running.begin(), std::prev(first));
  }

private:
  [[nodiscard]] Sum before(std::int64_t start) const {
    const auto here = running.lower_bound(start);
    return here == running.begin() ? Sum{} : std::prev(here)->second;
  }

public:
  BOOST_DESCRIBE_CLASS(trailing_sums, (), (running), (), ())
};

} // namespace freehold::analytics
