#pragma once

#include "tests/testkit/forwarding_log.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace freehold::simulation {

/// Where a process may die so that something is half done: on the way between
/// the engine and its log, in either direction.
enum class crash_point : std::uint8_t {
  shards_granted,
  shards_revoked,
  shards_lost,
  before_restore_read,
  after_restore_read,
  before_read,
  after_read,
  before_commit,
  /// Handed to the log, and not yet answered.
  commit_under_way,
  /// Answered, and the engine does not know it yet.
  after_commit,
  before_recovery,
  after_recovery,
  before_truncation,
  after_truncation,
  before_release,
  after_release,
};

inline constexpr std::array all_crash_points{
    crash_point::shards_granted,     crash_point::shards_revoked,
    crash_point::shards_lost,        crash_point::before_restore_read,
    crash_point::after_restore_read, crash_point::before_read,
    crash_point::after_read,         crash_point::before_commit,
    crash_point::commit_under_way,   crash_point::after_commit,
    crash_point::before_recovery,    crash_point::after_recovery,
    crash_point::before_truncation,  crash_point::after_truncation,
    crash_point::before_release,     crash_point::after_release,
};

[[nodiscard]] std::string_view name_of(crash_point which) noexcept;

/// Tells when a node comes to a crash point, and lets nothing through, either
/// way, once the node is dead: whatever still runs of it has no effect.
class watched_log final : public testkit::forwarding_log {
public:
  /// @param reached  true: the node dies here
  watched_log(ports::event_log& below, std::function<bool(crash_point)> reached)
      : forwarding_log(below), reached_(std::move(reached)) {}

  [[nodiscard]] bool is_dead() const noexcept { return dead_; }
  void die() noexcept { dead_ = true; }

  // -- down ------------------------------------------------------------------

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override;
  void fetch(const ports::fetch_request& what) override;
  void cancel_fetch(topic_partition source) override;
  void look_up(std::shared_ptr<ports::lookup> what) override;
  void commit(std::shared_ptr<const ports::commit_unit> unit) override;
  void recover() override;
  void truncate(topic_partition target, next_offset before) override;
  void release(const std::vector<partition_index>& shards) override;

  // -- up --------------------------------------------------------------------

  void granted(std::vector<ports::shard_grant> shards) override;
  void revoked(std::vector<partition_index> shards) override;
  void lost(std::vector<partition_index> shards) override;
  void fetched(next_offset from, ports::record_batch_ptr batch) override;
  void fetch_failed(topic_partition source, next_offset from,
                    error why) override;
  void looked_up(std::shared_ptr<ports::lookup> what,
                 result<void> outcome) override;
  void committed(ports::commit_result outcome) override;
  void recovered(std::vector<ports::shard_grant> shards) override;
  void broken(error why) override;

private:
  /// False: the node is dead, or dies here.
  bool alive_at(crash_point which) {
    if (!dead_ && reached_(which))
      dead_ = true;
    return !dead_;
  }

  std::function<bool(crash_point)> reached_;
  bool dead_ = false;
  /// None: the layout has none.
  std::optional<topic_index> changelog_;
};

} // namespace freehold::simulation
