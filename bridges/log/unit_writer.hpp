#pragma once

#include "bridges/log/batch_format.hpp"
#include "bridges/log/lmdb_store.hpp"
#include "runtime/ports/event_log.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::bridges::log {

/// Cuts what is appended into packed batches and writes them, with the new
/// bounds and with what is to be deleted, into a transaction. Belongs to the
/// log's writing thread.
///
/// What a transaction changed is kept apart until `accept`, so that a failed
/// one leaves no trace.
class unit_writer {
public:
  struct settings {
    std::uint32_t batch_bytes = 0;
    /// Smaller: a lookup reads and checks the whole batch for one record.
    std::uint32_t changelog_batch_bytes = 0;
    std::uint32_t record_bytes_max = 0;
  };

  unit_writer() = default;
  unit_writer(const ports::log_layout& layout,
              const std::vector<std::uint32_t>& stored_topics, settings limits);

  /// What the store says; drops everything that is under way. Error: `corrupt`
  /// where it lacks a topic or partition of the layout.
  result<void> load(const std::vector<ports::topic_description>& stored);

  /// Whether all targets exist, sizes are possible and, unless allowed, no
  /// append names the changelog. Errors: `not_found`, `limit_reached`,
  /// `invalid_argument`.
  [[nodiscard]] result<void> check(const ports::unit_part& part,
                                   bool changelog_allowed) const;

  /// What the clock says to the transaction that begins: the time of its
  /// appends. Where the clock steps back, the newest append of the partition
  /// counts, so that no record looks older than those before it.
  void set_time(timestamp now) { now_ = now; }

  /// Adds a checked part. `changelog_offsets`, where given, takes the offsets
  /// of its changelog records.
  result<void> add(store_write& into, const ports::unit_part& part,
                   std::vector<record_offset>* changelog_offsets);

  /// Takes the positions of a unit's part: what lies before them was read and
  /// may age.
  void take_positions(const ports::unit_part& part);

  /// Remembers that records below `before` may go.
  void truncate(topic_partition target, next_offset before);
  /// Whether batches wait for being deleted.
  [[nodiscard]] bool deletes_pending() const noexcept {
    return !deleting_.empty();
  }
  /// Marks what was appended longer ago than its topic's retention for
  /// deletion; of a source only what the application has taken, as far as a
  /// unit of this life has told. Inbox and changelog never age: the engine
  /// truncates them. Comes before `add`: it must see nothing that may be
  /// undone.
  result<void> age(store_write& within);

  /// What `age` met that a person should know; each is given once.
  [[nodiscard]] std::vector<error> take_warnings() {
    return std::exchange(warnings_, {});
  }

  /// Writes what is still buffered, deletes a bounded number of old batches
  /// and stores the bounds.
  result<void> finish(store_write& into);

  /// The transaction came through. Gives the partitions with new records or
  /// a new begin.
  std::vector<topic_partition> accept();
  /// It did not.
  void undo();

  [[nodiscard]] ports::partition_bounds bounds(topic_partition target) const {
    return at(target).bounds;
  }
  /// The first offset that was not given up; what lies before it may be there
  /// still.
  [[nodiscard]] next_offset wanted_from(topic_partition target) const {
    return std::max(at(target).bounds.begin, at(target).unwanted_below);
  }
  [[nodiscard]] bool exists(topic_partition target) const noexcept {
    return target.topic.value() < topics_.size()
           && target.partition.value()
                  < topics_[target.topic.value()].partition_count;
  }

private:
  struct topic_entry {
    std::string name;
    std::uint32_t stored = 0;
    std::uint32_t partition_count = 0;
    /// Its place in `partitions_`.
    std::size_t first = 0;
    ports::topic_role role = ports::topic_role::output;
    std::chrono::milliseconds retention{0};
  };
  struct partition_entry {
    topic_partition name;
    stored_partition stored;
    ports::partition_bounds bounds;
    /// As they will be when the transaction is through.
    ports::partition_bounds next_bounds;
    /// Everything below may be deleted. At most `bounds.end`.
    next_offset unwanted_below{0};
    /// Of a source: the position in the last unit that is known to be there.
    /// Nothing is known before the first one, and nothing ages.
    std::optional<next_offset> taken;
    /// When the newest batch was appended; read from the store at first.
    std::optional<timestamp> append_time;
    /// That a damaged batch stops retention is said once in a life.
    bool damage_told = false;
    bool touched = false;
    bool deleting = false;
    batch_writer batch;
  };

  [[nodiscard]] std::size_t place(topic_partition target) const {
    return topics_[target.topic.value()].first + target.partition.value();
  }
  [[nodiscard]] const partition_entry& at(topic_partition target) const {
    return partitions_[place(target)];
  }
  void touch(partition_entry& one);
  void want_deleted(partition_entry& one, next_offset before);
  result<void> flush(store_write& into, partition_entry& one);
  result<void> delete_some(store_write& into);

  settings limits_;
  std::vector<topic_entry> topics_;
  std::vector<partition_entry> partitions_;
  std::vector<std::size_t> touched_;
  std::vector<std::size_t> deleting_;
  /// Those of `deleting_` that the transaction finishes.
  std::vector<std::size_t> deleted_;
  /// Positions of the transaction under way.
  std::vector<std::pair<std::size_t, next_offset>> positions_;
  std::vector<error> warnings_;
  std::uint32_t batches_written_ = 0;
  timestamp now_{0};
};

} // namespace freehold::bridges::log
