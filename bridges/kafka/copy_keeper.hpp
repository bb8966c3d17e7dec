#pragma once

#include "bridges/kafka/serial_thread.hpp"
#include "runtime/ports/changelog_copy.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace freehold::bridges::kafka {

/// Keeps this machine's copy of the changelogs warm and reads from it, on a
/// thread of its own: its calls wait for the disk. Where the disk fails the log
/// goes on without the copy.
///
/// It is never ahead of the log: it takes what was read, and what a unit is
/// known to have committed. It has no hole: a unit's records are taken only
/// where all before them are there. Where it ends before the log begins it is
/// thrown away, because it lacks that something is gone.
///
/// Answers run on its thread. Without a copy everything is answered with
/// nothing, at once.
class copy_keeper {
public:
  /// The last record of a copy: the log has the same one, or the copy is of
  /// another log.
  struct last_record {
    record_offset offset{0};
    std::string value;
  };

  /// @param copy  may be none
  copy_keeper(std::unique_ptr<ports::changelog_copy> copy,
              topic_index changelog);
  ~copy_keeper() { stop(); }

  [[nodiscard]] bool exists() const noexcept { return copy_ != nullptr; }

  /// A shard was taken whose changelog is `[begin, end)` now.
  void open(partition_index shard, next_offset begin, next_offset end,
            std::function<void(std::optional<last_record>)> then);
  /// It was of another log.
  void discard(partition_index shard, next_offset begin);
  /// What was committed meanwhile, by whomever, ends there.
  void expect(partition_index shard, next_offset end);

  /// The changelog's records of parts of a unit that was committed.
  /// @param parts   of shards that are still held as they were
  /// @param places  of each part's appends, by their order
  void append(std::vector<std::shared_ptr<const ports::unit_part>> parts,
              std::vector<std::vector<std::int64_t>> places,
              std::function<void()> then);
  /// What was read from `from` on.
  void append(next_offset from, ports::record_batch_ptr what,
              std::function<void()> then);
  void truncate(partition_index shard, next_offset before);

  /// Nothing where that offset is not in the copy.
  void read(const ports::fetch_request& what,
            std::function<void(std::shared_ptr<ports::record_batch>)> then);
  /// False, and nothing told, where one of the records is not in the copy.
  void look_up(std::shared_ptr<ports::lookup> what,
               std::function<void(std::shared_ptr<ports::lookup>, bool)> then);

  void stop() { thread_.stop(); }

private:
  [[nodiscard]] bool has(partition_index shard, next_offset at) const;
  [[nodiscard]] std::optional<last_record> last_of(partition_index shard);
  [[nodiscard]] ports::changelog_copy::addition
  addition_of(const ports::unit_part& part,
              const std::vector<std::int64_t>& places) const;
  /// Whether it was done; else the shard is left as it is.
  bool done(partition_index shard, const result<void>& outcome);

  struct shard_entry {
    /// What is committed goes that far at least.
    next_offset expected{0};
    bool failed = false;
  };

  const std::unique_ptr<ports::changelog_copy> copy_;
  const topic_index changelog_;
  std::map<std::uint32_t, shard_entry> shards_; // on the thread
  serial_thread thread_;                        // ends first
};

} // namespace freehold::bridges::kafka
