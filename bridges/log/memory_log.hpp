#pragma once

#include "bridges/log/memory_log_storage.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace freehold::bridges::log {

/// What becomes of a commit or of produced records.
enum class planned_outcome : std::uint8_t {
  done,
  failed,
  /// The outcome is unknown and the records are there.
  unknown_applied,
  /// The outcome is unknown and the records never come.
  unknown_lost,
  /// The outcome is unknown and the records come as late as they may: right
  /// before `recover` answers, or the next life grants its shards.
  unknown_late,
};

struct memory_log_options {
  enum class execution : std::uint8_t {
    /// Calls answer before they return.
    immediate,
    /// Calls queue up; each `step` executes one.
    stepped,
  };
  execution mode = execution::immediate;
  /// Whether `start` grants all shards; otherwise `grant` does.
  bool grants_all = true;
};

/// The event log in memory: deterministic, fast, and able to misbehave on
/// request. Contents live in a `memory_log_storage`, which outlives the
/// crashes of the nodes that are opened on it.
///
/// Any thread may call; one call at a time runs. In the stepped mode nothing
/// happens but within `step`.
class memory_log final : public ports::event_log {
public:
  /// Fences every log opened on that storage before.
  explicit memory_log(std::shared_ptr<memory_log_storage> storage,
                      memory_log_options options = {});
  ~memory_log() override;

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

  // -- control ---------------------------------------------------------------

  /// Executes the oldest queued operation; false where there is none.
  bool step();
  void run_until_idle();
  [[nodiscard]] std::size_t queued_count();

  /// The next `count` commits end like this.
  void plan_commits(planned_outcome how, std::uint32_t count = 1);
  void plan_produces(planned_outcome how, std::uint32_t count = 1);
  /// The next `count` fetches or lookups fail.
  void refuse_fetches(error why, std::uint32_t count = 1);

  /// What a group coordinator would do.
  void grant(std::vector<partition_index> shards);
  void revoke(std::vector<partition_index> shards);
  void lose(std::vector<partition_index> shards);
  /// Whether this log has the shard: granted, neither lost nor released.
  [[nodiscard]] bool is_owned(partition_index shard) const;

private:
  using operation = std::function<void()>;
  using additions = std::vector<memory_log_storage::addition>;

  struct pending_fetch {
    ports::fetch_request what;
    /// Tells a fetch from the one it replaced.
    std::uint64_t number = 0;
    bool parked = false;
  };

  void submit(operation what);
  bool execute_next();
  void drain();
  void execute_fetch(topic_partition source, std::uint64_t number);
  void execute_lookup(const std::shared_ptr<ports::lookup>& what);
  void execute_commit(const std::shared_ptr<const ports::commit_unit>& unit);
  void execute_recover();
  void
  execute_produce(const std::shared_ptr<const ports::produce_request>& what,
                  const std::function<void(ports::produce_result)>& answer);
  void do_grant(const std::vector<partition_index>& shards);

  [[nodiscard]] bool fenced() const;
  [[nodiscard]] bool owns(partition_index shard) const;
  [[nodiscard]] bool exists(topic_partition target) const;
  [[nodiscard]] result<void> check(const ports::unit_part& part,
                                   bool changelog_allowed) const;
  [[nodiscard]] result<void> check_unit(const ports::commit_unit& unit) const;
  [[nodiscard]] ports::shard_grant describe(partition_index shard) const;
  [[nodiscard]] bool is_changelog(topic_partition target) const;
  void collect(const ports::unit_part& part, additions& into) const;
  /// Carries out a plan; gives the offsets where all went well.
  std::vector<record_offset> carry_out(planned_outcome how,
                                       const additions& all,
                                       std::shared_ptr<const void> owner);
  /// Parked fetches of these partitions run again.
  void wake(const additions& touched);

  /// Shared with the other lives and with readers.
  std::shared_ptr<memory_log_storage> storage_;
  memory_log_options options_;
  std::uint64_t life_ = 0;
  ports::log_listener* listener_ = nullptr;
  bool stopped_ = false;
  bool draining_ = false;
  std::deque<operation> queue_;

  ports::log_layout layout_;
  /// By the layout's order, the numbers of the topics in the storage.
  std::vector<std::uint32_t> topics_;
  std::optional<topic_index> changelog_;
  /// By shard: the epoch under which it is owned; 0 where it is not.
  std::vector<shard_epoch> owned_;
  bool recovery_needed_ = false;
  std::map<topic_partition, pending_fetch> fetches_;
  std::uint64_t last_fetch_ = 0;

  std::deque<planned_outcome> commit_plan_;
  std::deque<planned_outcome> produce_plan_;
  std::deque<error> fetch_plan_;
};

} // namespace freehold::bridges::log
