#pragma once

#include "runtime/base/tagged.hpp"

#include <cstdint>
#include <limits>
#include <string>

namespace freehold {

/// A topic by its place in the application's topic layout (`log_layout`).
using topic_index = tagged<struct topic_index_tag, std::uint32_t>;

/// A partition number. A *shard* is one partition number across all input
/// topics, so a shard is named by a partition index as well.
using partition_index = tagged<struct partition_index_tag, std::uint32_t>;

/// A worker thread, counted from 0.
using worker_index = tagged<struct worker_index_tag, std::uint32_t>;

/// Where one record lies in its partition. Offsets grow, with gaps.
using record_offset = tagged<struct record_offset_tag, std::int64_t>;

/// The offset to take next: everything below it was taken. This is what Kafka
/// commits, and one more than the last record's offset at the least.
using next_offset = tagged<struct next_offset_tag, std::int64_t>;

/// Commit units are numbered from 1 within a life of the engine.
using unit_id = tagged<struct unit_id_tag, std::uint64_t>;

/// Tells one ownership of a shard from the next; grows with every grant.
using shard_epoch = tagged<struct shard_epoch_tag, std::uint64_t>;

/// Milliseconds since 1970-01-01T00:00:00Z, as Kafka stamps its records.
using timestamp = tagged<struct timestamp_tag, std::int64_t>;

/// The ends of time: what nothing has happened before, or will after.
inline constexpr timestamp before_all_time{
    std::numeric_limits<std::int64_t>::min()};
inline constexpr timestamp after_all_time{
    std::numeric_limits<std::int64_t>::max()};

/// The position behind a record.
[[nodiscard]] constexpr next_offset after(record_offset at) noexcept {
  return next_offset{at.value() + 1};
}

/// The first offset a position admits.
[[nodiscard]] constexpr record_offset first_at(next_offset at) noexcept {
  return record_offset{at.value()};
}

struct topic_partition {
  topic_index topic;
  partition_index partition;

  friend constexpr auto operator<=>(const topic_partition&,
                                    const topic_partition&) noexcept = default;
};

/// The name of an entity: its type and its key. The key alone decides the
/// partition (`partition_of`).
struct address {
  std::string type;
  std::string key;

  friend auto operator<=>(const address&, const address&) = default;
};

} // namespace freehold

template <>
struct std::hash<freehold::topic_partition> {
  std::size_t operator()(freehold::topic_partition x) const noexcept {
    return (std::size_t{x.topic.value()} << 32) ^ x.partition.value();
  }
};
