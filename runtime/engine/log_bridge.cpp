#include "runtime/engine/log_bridge.hpp"

#include <utility>

namespace freehold::engine {

void log_bridge::granted(std::vector<ports::shard_grant> shards) {
  for (const auto& grant : shards) {
    who_.set_revoked(grant.shard, false);
    send(who_.shard(grant.shard), messages::granted{grant});
  }
}

void log_bridge::revoked(std::vector<partition_index> shards) {
  for (const partition_index each : shards) {
    who_.set_revoked(each, true);
    send(who_.shard(each), messages::revoked{});
  }
}

void log_bridge::lost(std::vector<partition_index> shards) {
  for (const partition_index each : shards) {
    who_.set_revoked(each, false);
    send(who_.shard(each), messages::lost{});
  }
}

void log_bridge::fetched(next_offset from, ports::record_batch_ptr batch) {
  const auto shard = who_.shard(batch->source.partition);
  send(shard, messages::fetched{from, std::move(batch)});
}

void log_bridge::fetch_failed(topic_partition source, next_offset from,
                              error why) {
  send(who_.shard(source.partition),
       messages::fetch_failed{source, from, std::move(why)});
}

void log_bridge::looked_up(std::shared_ptr<ports::lookup> what,
                           result<void> outcome) {
  const auto shard = who_.shard(what->source.partition);
  std::optional<error> why;
  if (!outcome)
    why = outcome.error();
  send(shard, messages::looked_up{std::move(what), std::move(why)});
}

void log_bridge::committed(ports::commit_result outcome) {
  send(who_.group, messages::committed{std::move(outcome)});
}

void log_bridge::recovered(std::vector<ports::shard_grant> shards) {
  send(who_.group, messages::recovered{std::move(shards)});
}

void log_bridge::broken(error why) { stop_(std::move(why)); }

bool bridge_actor::handle(caf::mailbox_element& what) {
  auto& content = what.content();
  if (content.match_elements<messages::log_broken>()) {
    stop_(content.get_as<messages::log_broken>(0).why);
    return true;
  }
  if (!content.match_elements<messages::shard_failed>())
    return false;
  const auto& failure = content.get_as<messages::shard_failed>(0);
  const bool restart_may_help = failure.why.code == errc::unavailable
                                || failure.why.code == errc::outcome_unknown
                                || failure.why.code == errc::fenced;
  if (!restart_may_help)
    stop_(failure.why);
  return true;
}

} // namespace freehold::engine
