#include "tests/testkit/simulation/crash_points.hpp"

#include "runtime/ports/log_layout.hpp"

namespace freehold::simulation {

std::string_view name_of(crash_point which) noexcept {
  switch (which) {
  case crash_point::shards_granted:
    return "shards granted";
  case crash_point::shards_revoked:
    return "shards revoked";
  case crash_point::shards_lost:
    return "shards lost";
  case crash_point::before_restore_read:
    return "before a read to restore";
  case crash_point::after_restore_read:
    return "after a read to restore";
  case crash_point::before_read:
    return "before a read of input";
  case crash_point::after_read:
    return "after a read of input";
  case crash_point::before_commit:
    return "before a commit";
  case crash_point::commit_under_way:
    return "a commit under way";
  case crash_point::after_commit:
    return "after a commit";
  case crash_point::before_recovery:
    return "before a recovery";
  case crash_point::after_recovery:
    return "after a recovery";
  case crash_point::before_truncation:
    return "before a truncation";
  case crash_point::after_truncation:
    return "after a truncation";
  case crash_point::before_release:
    return "before a release";
  case crash_point::after_release:
    return "after a release";
  }
  return "?";
}

// -- down --------------------------------------------------------------------

result<void> watched_log::start(const ports::log_layout& layout,
                                ports::log_listener& listener) {
  changelog_ = ports::changelog_of(layout);
  return forwarding_log::start(layout, listener);
}

void watched_log::fetch(const ports::fetch_request& what) {
  if (alive_at(what.source.topic == changelog_
                   ? crash_point::before_restore_read
                   : crash_point::before_read))
    forwarding_log::fetch(what);
}

void watched_log::cancel_fetch(topic_partition source) {
  if (!dead_)
    forwarding_log::cancel_fetch(source);
}

void watched_log::look_up(std::shared_ptr<ports::lookup> what) {
  if (!dead_)
    forwarding_log::look_up(std::move(what));
}

void watched_log::commit(std::shared_ptr<const ports::commit_unit> unit) {
  if (!alive_at(crash_point::before_commit))
    return;
  forwarding_log::commit(std::move(unit));
  (void)alive_at(crash_point::commit_under_way);
}

void watched_log::recover() {
  if (alive_at(crash_point::before_recovery))
    forwarding_log::recover();
}

void watched_log::truncate(topic_partition target, next_offset before) {
  if (!alive_at(crash_point::before_truncation))
    return;
  forwarding_log::truncate(target, before);
  (void)alive_at(crash_point::after_truncation);
}

void watched_log::release(const std::vector<partition_index>& shards) {
  if (!alive_at(crash_point::before_release))
    return;
  forwarding_log::release(shards);
  (void)alive_at(crash_point::after_release);
}

// -- up ----------------------------------------------------------------------

void watched_log::granted(std::vector<ports::shard_grant> shards) {
  if (alive_at(crash_point::shards_granted))
    forwarding_log::granted(std::move(shards));
}

void watched_log::revoked(std::vector<partition_index> shards) {
  if (alive_at(crash_point::shards_revoked))
    forwarding_log::revoked(std::move(shards));
}

void watched_log::lost(std::vector<partition_index> shards) {
  if (alive_at(crash_point::shards_lost))
    forwarding_log::lost(std::move(shards));
}

void watched_log::fetched(next_offset from, ports::record_batch_ptr batch) {
  if (alive_at(batch->source.topic == changelog_
                   ? crash_point::after_restore_read
                   : crash_point::after_read))
    forwarding_log::fetched(from, std::move(batch));
}

void watched_log::fetch_failed(topic_partition source, next_offset from,
                               error why) {
  if (!dead_)
    forwarding_log::fetch_failed(source, from, std::move(why));
}

void watched_log::looked_up(std::shared_ptr<ports::lookup> what,
                            result<void> outcome) {
  if (!dead_)
    forwarding_log::looked_up(std::move(what), std::move(outcome));
}

void watched_log::committed(ports::commit_result outcome) {
  if (alive_at(crash_point::after_commit))
    forwarding_log::committed(std::move(outcome));
}

void watched_log::recovered(std::vector<ports::shard_grant> shards) {
  if (alive_at(crash_point::after_recovery))
    forwarding_log::recovered(std::move(shards));
}

void watched_log::broken(error why) {
  if (!dead_)
    forwarding_log::broken(std::move(why));
}

} // namespace freehold::simulation
