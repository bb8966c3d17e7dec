#pragma once

#include "runtime/ports/event_log.hpp"
#include "tests/testkit/simulation/partition_log.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

namespace freehold::simulation {

/// What one machine keeps of the changelogs of the shards that it had, by their
/// offsets in the log: a restart reads it and then only the log's tail. It
/// survives the process. It is never ahead of the log; where it ends before
/// what the log still has, it is of no use, because what says that an entry is
/// gone may be among what it lacks.
class local_copy {
public:
  /// A shard was taken, and its changelog is now `[begin, end)`: whatever does
  /// not go with that is thrown away. What was half written when the machine
  /// stopped is recognised by its checksum.
  ///
  /// @param trusts_all  a planted mistake: a copy that ends too early is kept
  /// @return  whether there was something, and all of it was thrown away
  bool open(std::uint32_t shard, next_offset begin, next_offset end,
            bool trusts_all = false);
  /// The records of a unit that is known to be committed.
  void append(std::uint32_t shard, record_offset first,
              const std::shared_ptr<const producer_batch>& what);
  /// What was read from the log, if the copy ends where that was asked for.
  void append(std::uint32_t shard, next_offset from,
              const ports::record_batch_ptr& what);
  void truncate(std::uint32_t shard, next_offset before);

  [[nodiscard]] next_offset begin(std::uint32_t shard) const;
  /// Whether records from there on are to be found here and not in the log.
  [[nodiscard]] bool has(std::uint32_t shard, next_offset from) const;
  /// At least one record, or none up to the copy's end. Only where it `has`
  /// them.
  [[nodiscard]] ports::record_batch_ptr read(std::uint32_t shard,
                                             next_offset from,
                                             std::uint32_t bytes_max,
                                             topic_partition as) const;
  /// False, and nothing told: one of the records lies outside.
  bool look_up(std::uint32_t shard, ports::lookup& what) const;

  // -- faults ----------------------------------------------------------------

  /// The last thing that was written of each shard is there by half.
  void tear();
  void lose() { shards_.clear(); }

private:
  struct kept {
    next_offset begin{0};
    next_offset end{0};
    std::deque<ports::record_batch_ptr> batches;
    bool torn = false;
  };
  struct part;
  [[nodiscard]] const kept* find(std::uint32_t shard) const;

  std::map<std::uint32_t, kept> shards_;
};

} // namespace freehold::simulation
