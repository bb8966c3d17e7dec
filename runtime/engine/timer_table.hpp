#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/entity/effects.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace freehold::engine {

/// A message that an entity sends to itself later.
struct timer {
  std::uint32_t type = 0; // entity type's index
  std::string key;
  std::string name;
  /// Unique in the shard for ever: ids of what the timer causes derive from
  /// it.
  std::uint64_t number = 0;
  timestamp due;
  timer_clock clock = timer_clock::processing_time;
  std::string message;
  std::uint32_t version = 1;
  std::string body;
  // its entry in the changelog
  std::uint64_t pack = 0;
  std::uint32_t packed_bytes = 0;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(timer) + 2 * (key.size() + name.size()) + message.size()
           + body.size();
  }
};

/// The durable timers of a shard, by clock and due time, and by name.
class timer_table {
public:
  using identity = std::tuple<std::uint32_t, std::string, std::string>;

  /// Sets a timer; one of the same identity is replaced.
  timer& set(timer what);
  /// Takes a timer out; an empty pointer where there is none.
  std::unique_ptr<timer> take(const identity& which);
  [[nodiscard]] timer* find(const identity& which);
  /// The timer of that clock that is due first, if it is due by `now`; null
  /// otherwise.
  [[nodiscard]] timer* next_due(timer_clock clock, timestamp now) const;
  /// The first timer of that clock whose number is below a bound, or null.
  [[nodiscard]] timer* first_below(timer_clock clock,
                                   std::uint64_t number) const;
  /// Passes the timers of that clock that are due by `now` to `visit`, in
  /// order, `count` at the most and until it gives false.
  template <class Visit>
  void visit_due(timer_clock clock, timestamp now, std::size_t count,
                 Visit&& visit) const {
    for (const auto& [when, which] : due(clock))
      if (count-- == 0 || when.first > now || !visit(*which))
        return;
  }
  /// When the first one by the node's clock is due; false where there is none.
  [[nodiscard]] bool first_due(timestamp& due) const;

  /// Whether a timer has that number. Looks at all timers.
  [[nodiscard]] bool has(std::uint64_t number) const;

  [[nodiscard]] std::size_t size() const noexcept { return timers_.size(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  void clear();

private:
  /// By due time, ties by number.
  using due_list =
      std::set<std::pair<std::pair<timestamp, std::uint64_t>, timer*>>;

  [[nodiscard]] due_list& due(timer_clock clock) noexcept {
    return due_[static_cast<std::size_t>(clock)];
  }
  [[nodiscard]] const due_list& due(timer_clock clock) const noexcept {
    return due_[static_cast<std::size_t>(clock)];
  }

  std::map<identity, std::unique_ptr<timer>> timers_;
  std::array<due_list, 2> due_; // by clock
  std::uint64_t bytes_ = 0;
};

} // namespace freehold::engine
