#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace freehold::bridges::log {

/// What a memory log keeps over the lives of its nodes: the "disk". Several
/// `memory_log`s are opened on it in turn; each new one fences the others.
class memory_log_storage {
public:
  struct settings {
    /// Offsets skipped in each partition a unit touched, behind its records,
    /// as Kafka's transaction markers do. Failed units then use up the
    /// offsets of their records as well.
    std::uint32_t offsets_skipped_per_unit = 0;
  };

  memory_log_storage() = default;
  explicit memory_log_storage(settings how) : settings_(how) {}
  memory_log_storage(const memory_log_storage&) = delete;
  memory_log_storage& operator=(const memory_log_storage&) = delete;

  /// Held through every call; users take it before they call anything below.
  /// Recursive, so that whoever is told something may call the log.
  [[nodiscard]] std::recursive_mutex& gate() noexcept { return gate_; }

  /// Begins a new life and fences the others.
  [[nodiscard]] std::uint64_t begin_life() noexcept { return ++life_; }
  [[nodiscard]] std::uint64_t life() const noexcept { return life_; }
  [[nodiscard]] shard_epoch next_epoch() noexcept {
    return shard_epoch{++epoch_};
  }

  /// Makes missing topics; gives the number of each topic of the layout.
  /// Errors: `mismatch`.
  result<std::vector<std::uint32_t>> ensure(const ports::log_layout& layout);

  [[nodiscard]] std::uint32_t topic_count() const noexcept {
    return static_cast<std::uint32_t>(topics_.size());
  }
  [[nodiscard]] const ports::topic_spec& spec(std::uint32_t topic) const {
    return topics_[topic].spec;
  }
  [[nodiscard]] ports::partition_bounds bounds(std::uint32_t topic,
                                               std::uint32_t partition) const;

  /// One append, its target by stored numbers.
  struct addition {
    std::uint32_t topic = 0;
    std::uint32_t partition = 0;
    const ports::append* what = nullptr;
  };
  /// Appends all of it; the offsets in the order of the additions.
  std::vector<record_offset> apply(const std::vector<addition>& all);
  /// What a unit that failed leaves behind: nothing, or used-up offsets.
  void abandon(const std::vector<addition>& all);

  /// Keeps additions, and what they point into, until `land_late`.
  void hold_late(std::vector<addition> all, std::shared_ptr<const void> owner);
  /// Applies them; gives what was applied.
  std::vector<addition> land_late();

  /// Frees whole runs below `before` and moves the begin there.
  void truncate(std::uint32_t topic, std::uint32_t partition,
                next_offset before);

  /// @pre the partition exists
  result<ports::record_batch_ptr>
  read(std::uint32_t topic, std::uint32_t partition, next_offset from,
       std::uint32_t bytes_max, topic_partition as) const;

  /// Shows the records that are kept. @pre the partition exists
  void look_up(std::uint32_t topic, std::uint32_t partition,
               ports::lookup& what) const;

private:
  /// A run of records as it was appended, with the memory of its bytes.
  struct run final : ports::record_batch {
    std::unique_ptr<char[]> bytes;
    std::uint64_t size_bytes = 0;
  };
  struct partition_entry {
    next_offset begin{0};
    next_offset end{0};
    std::deque<std::shared_ptr<const run>> runs;
    /// What the additions under way have for it.
    std::vector<std::size_t> pending;
  };
  struct topic_entry {
    ports::topic_spec spec;
    std::vector<partition_entry> partitions;
  };
  struct view;

  partition_entry& at(const addition& one) {
    return topics_[one.topic].partitions[one.partition];
  }
  /// Sorts additions by partition; gives the first for each one touched.
  std::vector<addition> sort_by_partition(const std::vector<addition>& all);

  struct late_unit {
    std::vector<addition> additions;
    std::shared_ptr<const void> owner;
  };

  settings settings_;
  std::recursive_mutex gate_;
  std::uint64_t life_ = 0;
  std::uint64_t epoch_ = 0;
  std::vector<topic_entry> topics_;
  std::vector<late_unit> late_;
};

/// Reads a memory log from beside.
class memory_log_reader final : public ports::log_reader {
public:
  explicit memory_log_reader(std::shared_ptr<memory_log_storage> storage)
      : storage_(std::move(storage)) {}

  result<std::vector<ports::topic_description>> topics() override;
  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override;

private:
  /// Shared with the logs that are opened on it.
  std::shared_ptr<memory_log_storage> storage_;
};

} // namespace freehold::bridges::log
