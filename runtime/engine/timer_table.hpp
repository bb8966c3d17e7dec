#pragma once

#include "runtime/base/ids.hpp"

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

/// The durable timers of a shard, by due time and by name.
class timer_table {
public:
  using identity = std::tuple<std::uint32_t, std::string, std::string>;

  /// Sets a timer; one of the same identity is replaced.
  timer& set(timer what);
  /// Takes a timer out; an empty pointer where there is none.
  std::unique_ptr<timer> take(const identity& which);
  [[nodiscard]] timer* find(const identity& which);
  /// The timer due first, if it is due by `now`; null otherwise.
  [[nodiscard]] timer* next_due(timestamp now) const;
  [[nodiscard]] bool first_due(timestamp& due) const;

  /// Whether a timer has that number. Looks at all timers.
  [[nodiscard]] bool has(std::uint64_t number) const;

  [[nodiscard]] std::size_t size() const noexcept { return timers_.size(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  void clear();

private:
  std::map<identity, std::unique_ptr<timer>> timers_;
  std::set<std::pair<std::pair<timestamp, std::uint64_t>, timer*>> due_;
  std::uint64_t bytes_ = 0;
};

} // namespace freehold::engine
