#pragma once

#include "runtime/base/ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace freehold::engine {

/// How far the sources of one shard have come in event time, as the shard
/// tells all shards through their inboxes.
struct time_mark {
  timestamp time = before_all_time;
  /// Everything that is there was read, long ago: results do not wait for this
  /// shard.
  bool is_idle = false;
  /// The same, a moment ago: nobody has to let it follow.
  bool is_resting = false;

  friend bool operator==(const time_mark&, const time_mark&) = default;
};

/// Event time in one shard (ADR 8). A source partition's watermark is the
/// latest event time read from it. A shard's mark is the least of those of its
/// source partitions; the *watermark* here is the least of the marks of all
/// shards, because whatever any of them reads may be told to an entity here.
///
/// Idle ones are left out of the least, unless all are: then nothing is under
/// way, and the latest counts. The watermark never goes back.
///
/// Plain data; a copy is a snapshot to return to.
class event_clock {
public:
  event_clock() = default;
  event_clock(std::size_t source_count, std::uint32_t shard_count,
              std::chrono::milliseconds step)
      : sources_(source_count), marks_(shard_count), step_(step) {}

  // -- this shard's sources --------------------------------------------------

  /// A record that says it happened at `at` was read from a source.
  void read(std::size_t source, timestamp at) noexcept {
    if (sources_[source].time < at)
      sources_[source].time = at;
  }
  void set_rest(std::size_t source, bool is_resting, bool is_idle) noexcept {
    sources_[source].is_resting = is_resting;
    sources_[source].is_idle = is_idle;
  }
  [[nodiscard]] timestamp of_source(std::size_t source) const noexcept {
    return sources_[source].time;
  }
  void restore_source(std::size_t source, timestamp at) noexcept {
    sources_[source] = {at, false, false};
  }

  /// What to tell the shards now, if it is news: a step was passed, or the
  /// shard came to rest, fell idle or awoke. `held` is the event time of the
  /// first message that waits; `after_all_time` where none does.
  [[nodiscard]] std::optional<time_mark> news(timestamp held) const noexcept;
  /// It was told.
  void announced(const time_mark& mark) noexcept { announced_ = mark; }
  [[nodiscard]] const time_mark& last_announced() const noexcept {
    return announced_;
  }

  // -- all shards ------------------------------------------------------------

  [[nodiscard]] bool has(std::uint32_t shard) const noexcept {
    return shard < marks_.size();
  }
  /// @pre `has(shard)`
  void take(std::uint32_t shard, const time_mark& mark) noexcept;
  [[nodiscard]] const std::vector<time_mark>& marks() const noexcept {
    return marks_;
  }

  /// No message of an earlier event time is on its way here, unless its source
  /// was idle or it came through another entity first.
  [[nodiscard]] timestamp watermark() const noexcept { return watermark_; }
  void restore_watermark(timestamp at) noexcept { watermark_ = at; }

  /// How far the slowest shard has come that is still reading;
  /// `after_all_time` where all rest, `before_all_time` as long as nothing is
  /// known of one.
  [[nodiscard]] timestamp slowest() const noexcept { return slowest_; }

private:
  std::vector<time_mark> sources_;
  time_mark announced_;
  std::vector<time_mark> marks_;
  timestamp watermark_ = before_all_time;
  timestamp slowest_ = before_all_time;
  std::chrono::milliseconds step_{1};
};

} // namespace freehold::engine
