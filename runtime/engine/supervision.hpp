#pragma once

#include "runtime/engine/shard_actor.hpp"

#include <caf/actor_addr.hpp>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace freehold::engine {

/// The reason why the node has to stop.
using stop_node = std::function<void(error)>;

/// Watches the shards of one worker. A shard that ended is made anew, empty,
/// and the commit group is asked to undo what it had in flight; it comes back
/// by restoring from its changelog. More than `restarts_max` ends within
/// `restart_window`, or an error that a restart cannot mend, stop the node.
class worker_supervisor final : public pinned_actor {
public:
  using make_shard = std::function<caf::strong_actor_ptr(partition_index)>;

  worker_supervisor(caf::actor_config& config, worker& home,
                    const surroundings& around,
                    std::vector<partition_index> shards, make_shard make,
                    stop_node stop);

  [[nodiscard]] const char* name() const override {
    return "worker-supervisor";
  }

protected:
  bool handle(caf::mailbox_element& what) override;
  void handle_down(const caf::down_msg& down) override;
  void terminated(const caf::error& reason) override;

private:
  void start_shard(partition_index index);

  const surroundings around_;
  std::vector<partition_index> shards_;
  make_shard make_;
  stop_node stop_;
  std::map<caf::actor_addr, partition_index> children_;
  std::deque<timestamp> restarts_;
};

/// The top of the tree: watches the workers' supervisors, the commit group and
/// the log bridge. What ends here ends the node, with a reason.
class node_supervisor final : public pinned_actor {
public:
  node_supervisor(caf::actor_config& config, worker& home, stop_node stop)
      : pinned_actor(config, home), stop_(std::move(stop)) {}

  [[nodiscard]] const char* name() const override { return "node-supervisor"; }

  /// @pre runs on the home worker, or before it runs at all
  void watch(const caf::strong_actor_ptr& child, std::string role);

protected:
  bool handle(caf::mailbox_element&) override { return false; }
  void handle_down(const caf::down_msg& down) override;

private:
  stop_node stop_;
  std::map<caf::actor_addr, std::string> roles_;
};

} // namespace freehold::engine
