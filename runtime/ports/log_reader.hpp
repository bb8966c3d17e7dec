#pragma once

#include "runtime/ports/event_log.hpp"

namespace freehold::ports {

struct partition_bounds {
  /// The first offset kept.
  next_offset begin{0};
  /// One past the last committed record.
  next_offset end{0};

  friend bool operator==(const partition_bounds&,
                         const partition_bounds&) = default;
};

struct topic_description {
  topic_spec spec;
  std::vector<partition_bounds> partitions;
};

/// Reads a log from beside: for tools, next to a running node or without one.
/// Calls wait for the medium. One thread at a time.
class log_reader {
public:
  log_reader() = default;
  log_reader(const log_reader&) = delete;
  log_reader& operator=(const log_reader&) = delete;
  virtual ~log_reader() = default;

  /// All topics, in the order in which they were made.
  virtual result<std::vector<topic_description>> topics() = 0;

  /// Committed records from `from` on, about `bytes_max` bytes of them, at
  /// least one where there is one. `batch->source.topic` counts into
  /// `topics()`. Errors: `not_found` for an unknown topic or partition,
  /// `corrupt` with the file and the place.
  virtual result<record_batch_ptr>
  read(topic_partition source, next_offset from, std::uint32_t bytes_max) = 0;
};

} // namespace freehold::ports
