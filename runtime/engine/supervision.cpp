#include "runtime/engine/supervision.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/default_attachable.hpp>
#include <caf/exit_reason.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace freehold::engine {

namespace {

/// Makes `observer` hear of `target`'s end, as `local_actor::monitor` does.
void monitor(caf::abstract_actor& observer,
             const caf::strong_actor_ptr& target) {
  target->get()->attach(caf::default_attachable::make_monitor(
      target->get()->address(), observer.address()));
}

std::string text(const caf::down_msg& down, caf::actor_system& system) {
  return system.render(down.reason);
}

} // namespace

// -- worker_supervisor -------------------------------------------------------

worker_supervisor::worker_supervisor(caf::actor_config& config, worker& home,
                                     const surroundings& around,
                                     std::vector<partition_index> shards,
                                     make_shard make, stop_node stop)
    : pinned_actor(config, home),
      around_(around),
      shards_(std::move(shards)),
      make_(std::move(make)),
      stop_(std::move(stop)) {
  for (const partition_index index : shards_)
    start_shard(index);
}

void worker_supervisor::start_shard(partition_index index) {
  const caf::strong_actor_ptr shard = make_(index);
  children_.emplace(caf::actor_cast<caf::actor_addr>(shard), index);
  monitor(*this, shard);
  around_.who.set_shard(index, shard);
}

bool worker_supervisor::handle(caf::mailbox_element&) { return false; }

void worker_supervisor::handle_down(const caf::down_msg& down) {
  const auto child = children_.find(down.source);
  if (child == children_.end())
    return;
  const partition_index index = child->second;
  children_.erase(child);
  const std::string why = text(down, home().system());
  const engine_options& options = around_.plan->options;
  const timestamp now = around_.time.now();
  restarts_.push_back(now);
  while (restarts_.front().value()
         < now.value() - options.restart_window.count())
    restarts_.pop_front();
  if (restarts_.size() > options.restarts_max) {
    stop_({errc::unavailable,
           "shard " + std::to_string(index.value()) + " ended "
               + std::to_string(restarts_.size())
               + " times in a short while, the last time with: " + why});
    return;
  }
  spdlog::warn("engine: shard {} ended ({}); restoring it", index.value(), why);
  start_shard(index);
  send(around_.who.group, messages::undo_wanted{});
}

void worker_supervisor::terminated(const caf::error&) { children_.clear(); }

// -- node_supervisor ---------------------------------------------------------

void node_supervisor::watch(const caf::strong_actor_ptr& child,
                            std::string role) {
  roles_.emplace(caf::actor_cast<caf::actor_addr>(child), std::move(role));
  monitor(*this, child);
}

void node_supervisor::handle_down(const caf::down_msg& down) {
  const auto child = roles_.find(down.source);
  if (child == roles_.end())
    return;
  stop_({errc::unavailable,
         child->second + " ended: " + text(down, home().system())});
}

} // namespace freehold::engine
