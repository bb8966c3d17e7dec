#pragma once

#include "runtime/ports/event_log.hpp"
#include "tests/testkit/simulation/connection.hpp"
#include "tests/testkit/simulation/group_member.hpp"
#include "tests/testkit/simulation/local_copy.hpp"
#include "tests/testkit/simulation/transactional_producer.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace freehold::simulation {

/// Mistakes that somebody who writes such a bridge might make: campaigns must
/// find each.
enum class planted_log_bug : std::uint8_t {
  none,
  /// After an unknown commit the producer goes on with its epoch.
  producer_reused,
  /// A unit that takes no input names no positions to the coordinator, which
  /// then checks nothing.
  idle_units_unfenced,
  /// A shard is restored to the last stable offset and not to its end.
  restored_to_stable_end,
  /// A shard is taken while a transaction of its old owner is open.
  offsets_not_awaited,
  /// A unit goes on when one of its shards was lost, as far as the generation
  /// allows.
  lost_shards_committed,
  /// A shard is let go before the units with it are committed.
  released_before_commit,
  /// A local copy that ends before what the log still has is believed.
  stale_copy_believed,
};

inline constexpr std::array all_planted_log_bugs{
    planted_log_bug::producer_reused,
    planted_log_bug::idle_units_unfenced,
    planted_log_bug::restored_to_stable_end,
    planted_log_bug::offsets_not_awaited,
    planted_log_bug::lost_shards_committed,
    planted_log_bug::released_before_commit,
    planted_log_bug::stale_copy_believed,
};

[[nodiscard]] std::string_view name_of(planted_log_bug which) noexcept;

/// The log of one process on a simulated Kafka: the same steps, in the same
/// order, as the design gives the bridge to the real one. One transaction per
/// unit, begun at its commit and fenced by the positions of its shards; shards
/// are taken when the group's offsets are stable, up to the changelog's end of
/// that moment; after a failed or unknown commit a new epoch of the producer
/// ends what is still on its way.
class simulated_log final : public ports::event_log {
public:
  struct settings {
    /// The static member and the transactional id.
    std::string node_id;
    std::string group;
    moment session_timeout = 6s;
    moment request_timeout = 2s;
    moment transaction_timeout = 10s;
    /// Of the changelogs, on the machine's disk; null: none is kept.
    std::shared_ptr<local_copy> copy{};
    planted_log_bug bug = planted_log_bug::none;
  };

  simulated_log(simulated_kafka& cluster, settings how);
  /// The process dies.
  ~simulated_log() override;

  // -- the port --------------------------------------------------------------

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

  /// Whether a shard is granted, and not revoked or lost.
  [[nodiscard]] bool has(partition_index shard) const {
    const auto known = shards_.find(shard.value());
    return known != shards_.end() && known->second.phase == shard_phase::ours;
  }

  /// Whether a unit's outcome is awaited, or what follows from one.
  [[nodiscard]] bool is_busy() const noexcept {
    return under_way_ != nullptr || recovery_needed_ || recovering_;
  }

  // -- faults ----------------------------------------------------------------

  [[nodiscard]] connection& network() noexcept { return *network_; }
  [[nodiscard]] group_member& member() noexcept { return *member_; }
  /// Of units, and of what is produced from outside.
  [[nodiscard]] transactional_producer& units() noexcept { return units_; }
  [[nodiscard]] transactional_producer& outside() noexcept { return outside_; }
  [[nodiscard]] std::string transactional_id() const {
    return how_.group + "-" + how_.node_id;
  }

private:
  enum class shard_phase : std::uint8_t {
    taking,
    ours,
    /// The engine was asked to let it go, or has: records are still deleted.
    releasing,
    released,
  };
  struct shard_entry {
    shard_phase phase = shard_phase::taking;
    shard_epoch epoch{0};
    /// Tells one taking from the next.
    std::uint64_t number = 0;
    /// The first offset of the changelog that we did not give up ourselves.
    next_offset begin{0};
    std::uint32_t truncations = 0;
  };
  struct pending_fetch {
    ports::fetch_request what;
    std::uint64_t number = 0;
  };
  struct outside_request {
    std::shared_ptr<const ports::produce_request> what;
    std::function<void(ports::produce_result)> answer;
  };
  using bounds_answer = std::function<void(next_offset begin, next_offset end)>;
  using lookup_answer = std::function<void(bool all_kept)>;
  using fetch_answer = std::function<void(result<ports::record_batch_ptr>)>;

  [[nodiscard]] bool exists(topic_partition which) const;
  [[nodiscard]] place stored(topic_partition which) const {
    return {topics_[which.topic.value()], which.partition.value()};
  }
  /// Whether a shard's epoch is the present one, and it is ours.
  [[nodiscard]] bool holds(partition_index shard, shard_epoch epoch) const;

  // ownership
  void assigned(const group_member::shards& which);
  void take(std::uint32_t shard, std::uint64_t number);
  void taken(std::uint32_t shard, std::uint64_t number, next_offset begin,
             next_offset end);
  [[nodiscard]] bool is_taking(std::uint32_t shard, std::uint64_t number) const;
  void to_release(const group_member::shards& which);
  void lost(const group_member::shards& which);
  void let_go(std::uint32_t shard);
  void read_bounds(std::uint32_t shard, bounds_answer then);

  // reading
  static void serve(simulated_kafka& cluster,
                    const std::shared_ptr<connection>& by, place where,
                    const ports::fetch_request& what,
                    const fetch_answer& answered);
  static void serve(simulated_kafka& cluster,
                    const std::shared_ptr<connection>& by, place where,
                    const std::shared_ptr<ports::lookup>& what,
                    const lookup_answer& answered);
  void ask(const std::shared_ptr<ports::lookup>& what);
  void looked_up(const std::shared_ptr<ports::lookup>& what, bool all_kept);
  /// Whether records of a shard's changelog from there on are in the copy.
  [[nodiscard]] bool is_copied(topic_partition source, next_offset from) const;
  void fetched(topic_partition source, std::uint64_t number,
               result<ports::record_batch_ptr> what);
  void out_of_range(topic_partition source, std::uint64_t number, error why);

  // writing
  [[nodiscard]] result<void> check(const ports::unit_part& part,
                                   bool changelog_allowed) const;
  [[nodiscard]] result<void> check(const ports::commit_unit& unit) const;
  [[nodiscard]] result<std::optional<transactional_producer::offsets_to_send>>
  offsets_of(const ports::commit_unit& unit);
  /// Where in the batches of a unit the records are that one part appends to
  /// its changelog.
  using changelog_part = std::vector<std::pair<place, std::int64_t>>;
  void
  copy(const ports::commit_unit& unit,
       const std::map<place, std::shared_ptr<const producer_batch>>& changelog,
       const transactional_producer::outcome& how);
  void ended(const std::shared_ptr<const ports::commit_unit>& unit,
             const std::vector<changelog_part>& changelog,
             transactional_producer::outcome how);
  void begin_recovery();
  void read_ends();
  void produce_next();

  simulated_kafka& cluster_;
  const settings how_;
  std::shared_ptr<connection> network_;
  transactional_producer units_;
  transactional_producer outside_;
  std::unique_ptr<group_member> member_;
  ports::log_listener* listener_ = nullptr;
  bool stopped_ = false;
  ports::log_layout layout_;
  std::vector<std::uint32_t> topics_;
  std::optional<topic_index> changelog_;

  std::map<std::uint32_t, shard_entry> shards_;
  std::uint64_t last_number_ = 0;
  std::map<topic_partition, pending_fetch> fetches_;

  std::shared_ptr<const ports::commit_unit> under_way_;
  bool recovery_needed_ = false;
  /// Whether the last unit's outcome was.
  bool is_unknown_ = false;
  /// Positions of the last unit; only a planted bug asks.
  group_offsets sent_;
  std::uint32_t recoveries_wanted_ = 0;
  bool recovering_ = false;
  std::deque<outside_request> requests_;
  bool producing_ = false;
};

} // namespace freehold::simulation
