#pragma once

#include "runtime/ports/event_log.hpp"
#include "runtime/ports/log_reader.hpp"

#include <memory>
#include <span>
#include <vector>

namespace freehold::ports {

/// What a machine keeps of the changelogs of shards that it has had, by the
/// offsets that they have in the log: a restart reads it and then only the
/// log's tail, and single states are read from it. Of each shard it has one run
/// of offsets without a hole.
///
/// It survives the process, and may be lost, or end early, with the machine:
/// then it is empty, or ends early, and never has anything else than what was
/// appended. All calls wait for the disk, and are made by one thread at a time.
class changelog_copy {
public:
  changelog_copy() = default;
  changelog_copy(const changelog_copy&) = delete;
  changelog_copy& operator=(const changelog_copy&) = delete;
  virtual ~changelog_copy() = default;

  struct addition {
    partition_index shard;
    /// From the shard's end on, in order of their offsets.
    std::vector<record> records;
    /// The shard's end from now on, behind all of them.
    next_offset end{0};
  };

  /// What of a shard is there.
  [[nodiscard]] virtual partition_bounds
  bounds(partition_index shard) const = 0;
  /// All of it or nothing. Errors: `no_space`, `corrupt`, `unavailable`.
  virtual result<void> append(std::span<const addition> all) = 0;
  /// Forgets what is there of a shard, which begins and ends at `at` then.
  virtual result<void> begin_anew(partition_index shard, next_offset at) = 0;
  /// Records below `before` are not needed any more. Above the end it means
  /// the end.
  virtual result<void> truncate(partition_index shard, next_offset before) = 0;
  /// The records from `what.from` on, which lies within the bounds; never
  /// waits. The batch goes to the copy's end at the most; where the log ends is
  /// for the caller to say.
  virtual result<std::shared_ptr<record_batch>>
  read(const fetch_request& what) = 0;
  /// @pre all offsets lie within the bounds of `what.source.partition`
  virtual result<void> look_up(lookup& what) = 0;
};

} // namespace freehold::ports
