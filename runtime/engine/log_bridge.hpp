#pragma once

#include "runtime/engine/supervision.hpp"

namespace freehold::engine {

/// Turns what a log tells, on whatever thread, into messages for the actors
/// that care. The one listener for any log.
class log_bridge final : public ports::log_listener {
public:
  log_bridge(directory& who, stop_node stop)
      : who_(who), stop_(std::move(stop)) {}

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
  directory& who_;
  stop_node stop_;
};

/// The bridge's place in the supervision tree: judges why shards and the log
/// stopped. An error that a restart can mend is left to the shard's
/// supervisor; any other stops the node.
class bridge_actor final : public pinned_actor {
public:
  bridge_actor(caf::actor_config& config, worker& home, stop_node stop)
      : pinned_actor(config, home), stop_(std::move(stop)) {}

  [[nodiscard]] const char* name() const override { return "log-bridge"; }

protected:
  bool handle(caf::mailbox_element& what) override;

private:
  stop_node stop_;
};

} // namespace freehold::engine
