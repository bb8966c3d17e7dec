#pragma once

#include "bridges/log/crash_point.hpp"
#include "bridges/log/fetch_service.hpp"
#include "bridges/log/lmdb_store.hpp"
#include "bridges/log/unit_writer.hpp"
#include "bridges/log/writer_lock.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/ports/event_log.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace freehold::bridges::log {

/// What a test lets happen to a commit of the store.
enum class store_fault : std::uint8_t {
  none,
  /// It fails before the commit.
  fail,
  /// The commit itself is said to have failed, though it came through.
  unknown_applied,
  /// The same, and it did not come through.
  unknown_lost,
};

struct embedded_log_options {
  /// Made if it does not exist.
  std::filesystem::path directory;
  /// Whether a commit waits for the disk. Without, a crash of the machine (not
  /// of the process) can lose or damage everything.
  bool fsync = true;
  /// The largest size of the log. Address space is reserved for it.
  std::uint64_t map_bytes_max = std::uint64_t{256} << 30U;
  /// Records are packed into batches of about this size. The default fills
  /// 16 pages of 4 KiB to the last byte.
  std::uint32_t batch_bytes = (64U << 10U) - 16;
  /// Key, value and headers of one record together.
  std::uint32_t record_bytes_max = 64U << 20U;
  /// Tells the time of appending, which retention goes by; outlives the log.
  /// One that ran ahead delays deletion until its time comes.
  const freehold::clock* clock = nullptr;
  /// Told, on the log's writing thread, what does not stop the log and still
  /// wants somebody to look: once for each place.
  std::function<void(const error&)> warn;
  /// Tests only: asked before each commit of a unit or of produced records.
  std::function<store_fault()> next_fault;
};

/// The event log of one machine: durable, without a server, for one writing
/// process and any number of readers beside it (`embedded_log_reader`).
///
/// One thread writes: a unit is one transaction of the store, with one fsync.
/// Records that are produced while it waits share the next transaction. A
/// second thread answers fetches. Calls only hand over. All shards are granted
/// at the start; none is ever revoked. Offsets are contiguous from 0.
///
/// Deletion is amortised: the transaction after a `truncate` moves the begin
/// of the partition; its batches go with that and the next transactions, a
/// bounded number in each, and their space is used again. Retention does the
/// same to what was appended too long ago; of a source it spares what no unit
/// of this life has named as taken, so that a node that was away for longer
/// than the retention still finds its input.
class embedded_log final : public ports::event_log {
public:
  /// Errors: `in_use`, `corrupt`, `no_space`, `unavailable`,
  /// `invalid_argument`. Waits for the disk.
  static result<std::unique_ptr<embedded_log>>
  open(embedded_log_options options);

  ~embedded_log() override;

  /// Waits for the disk. Errors: `mismatch` (partition counts),
  /// `invalid_argument` (the layout; a second start), those of the store.
  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override;
  void fetch(const ports::fetch_request& what) override;
  void cancel_fetch(topic_partition source) override;
  void look_up(std::shared_ptr<ports::lookup> what) override;
  void commit(std::shared_ptr<const ports::commit_unit> unit) override;
  void recover() override;
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer) override;
  void truncate(topic_partition target, next_offset before) override;
  void release(const std::vector<partition_index>& shards) override;
  void stop() override;

private:
  struct grant_task {};
  struct commit_task {
    std::shared_ptr<const ports::commit_unit> unit;
  };
  struct recover_task {};
  struct produce_task {
    std::shared_ptr<const ports::produce_request> what;
    std::function<void(ports::produce_result)> answer;
  };
  struct truncate_task {
    topic_partition target;
    next_offset before;
  };
  struct release_task {
    std::vector<partition_index> shards;
  };
  using task = std::variant<grant_task, commit_task, recover_task, produce_task,
                            truncate_task, release_task>;

  /// How a transaction ended.
  struct written {
    ports::commit_outcome outcome = ports::commit_outcome::done;
    error why;
  };

  embedded_log(embedded_log_options options, std::unique_ptr<writer_lock> lock,
               std::shared_ptr<lmdb_store> store);

  result<std::vector<std::uint32_t>>
  make_topics(const ports::log_layout& layout);
  void hand_over(task what);
  void tell(const std::function<void(ports::log_listener&)>& what);

  // What runs on the writing thread.
  void run();
  void execute(grant_task& what);
  void execute(commit_task& what);
  void execute(recover_task& what);
  void execute(produce_task& what);
  void execute(truncate_task& what);
  void execute(release_task& what);
  void maintain();
  /// Lets retention mark, and passes on what it met.
  result<void> age(store_write& within);
  /// Opens the store again if a commit left it in doubt.
  result<void> mend();
  [[nodiscard]] bool maintenance_due(timestamp now) const;
  [[nodiscard]] result<void> check(const ports::commit_unit& unit) const;
  written write(const std::function<result<void>(store_write&)>& fill);
  void write_produced(std::vector<produce_task> some);
  [[nodiscard]] std::vector<ports::shard_grant> grants() const;

  embedded_log_options options_;
  std::unique_ptr<writer_lock> lock_;
  std::shared_ptr<lmdb_store> store_;
  crash_point crash_point_;
  fetch_service fetches_;

  std::mutex listener_gate_;
  ports::log_listener* listener_ = nullptr;

  std::mutex gate_;
  std::condition_variable changed_;
  std::deque<task> tasks_;
  bool started_ = false;
  bool stopping_ = false;
  std::thread thread_;
  std::mutex stop_gate_;

  // Of the writing thread, once it runs.
  unit_writer writer_;
  std::uint64_t epoch_ = 0;
  std::vector<bool> owned_shards_;
  topic_index changelog_{0};
  bool has_changelog_ = false;
  /// After a failed unit, until `recover`.
  bool recovery_needed_ = false;
  /// The store has to be opened again first.
  bool store_in_doubt_ = false;
  /// Idle work failed: it waits for its next turn.
  bool maintenance_failed_ = false;
  timestamp last_maintenance_{0};
};

} // namespace freehold::bridges::log
