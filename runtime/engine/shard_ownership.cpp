// How a shard is made, granted to this node and taken from it.

#include "runtime/engine/planted_bugs.hpp"
#include "runtime/engine/shard.hpp"
#include "runtime/engine/shard_effects.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace freehold::engine {

shard::shard(std::shared_ptr<const application_plan> plan,
             partition_index index, shard_host& host, caf::actor_system& system,
             ports::crash_slot& crash_slot,
             const std::vector<ports::crash_ledger::suspect>& suspects,
             quarantine& alone, std::deque<memory_budget>& budgets,
             const counters& so_far)
    : plan_(std::move(plan)),
      index_(index),
      host_(host),
      home_(host.home()),
      crash_slot_(crash_slot),
      quarantine_(alone),
      answers_(plan_->options.dedupe_window, plan_->options.dedupe_entries_max,
               plan_->options.dedupe_bytes_max),
      sink_(std::make_unique<sink>(*this)),
      schema_of_type_(plan_->types.size(), 0),
      total_(so_far) {
  std::copy_if(suspects.begin(), suspects.end(), std::back_inserter(suspects_),
               [this](const auto& each) { return each.partition == index_; });
  for (std::uint32_t i = 0; i < plan_->types.size(); ++i)
    tables_.push_back(std::make_unique<entity_table>(*plan_->types[i], i, *this,
                                                     system, budgets[i]));
  for (const auto& source : plan_->sources)
    inputs_.emplace_back(topic_partition{source.topic, index_}, &source);
  inputs_.emplace_back(topic_partition{plan_->inbox, index_}, nullptr);
  committed_positions_.resize(inputs_.size());
  begin_unit();
}

shard::~shard() = default;

void shard::grant(const ports::shard_grant& grant) {
  FREEHOLD_ASSERT(state_ == state::unowned, "a shard is granted once");
  epoch_ = grant.epoch;
  taken_by_log_ = grant.taken;
  state_ = state::restoring;
  start_restore(grant.changelog_begin, grant.changelog_end);
}

void shard::resume(const ports::shard_grant& grant) {
  taken_by_log_ = grant.taken;
  if (state_ == state::restoring) {
    epoch_ = grant.epoch; // nothing of it was in the units that were undone
    return;
  }
  if (state_ != state::undoing)
    return;
  if (revoked_) {
    host_.released();
    return;
  }
  epoch_ = grant.epoch;
  if (reading_.all) {
    start_restore(grant.changelog_begin, grant.changelog_end);
    return;
  }
  reading_.end = is_planted(planted_bug::stale_end_trusted)
                     ? changelog_end_
                     : grant.changelog_end;
  if (bring_stale())
    return;
  reading_.all = true;
  reading_.from = changelog_end_;
  read_on();
}

void shard::revoke() {
  if (state_ == state::draining)
    return;
  if (state_ == state::undoing) {
    revoked_ = true; // a unit's outcome is not known yet
    return;
  }
  if (state_ != state::serving) {
    host_.released();
    return;
  }
  const bool stopped_before = stopped_taking_;
  stop_taking();
  stopped_taking_ = stopped_before;
  state_ = state::draining;
  host_.close_wanted();
}

void shard::lose() {
  if (state_ == state::unowned)
    return; // nothing to lose, and perhaps no host any more
  for (input& each : inputs_) {
    withdraw(each);
    each.begin_at(next_offset{0});
  }
  host_.cancel_fetch({plan_->changelog, index_});
  front_asked_.withdraw();
  front_batch_ = nullptr;
  forget_underway();
  if (close_pending_)
    host_.part_ready(*std::exchange(close_pending_, std::nullopt), nullptr);
  give_up_probe();
  bringing_ = nullptr;
  just_brought_ = false;
  prepared_of_ = nullptr;
  for (const auto& each : std::exchange(sought_, {}))
    each.tell({});
  reading_ = {};
  revoked_ = false;
  careful_ = false;
  for (shard_unit* unit : {in_flight_.get(), filling_.get()})
    if (unit != nullptr)
      std::move(unit->asked.begin(), unit->asked.end(),
                std::back_inserter(postponed_));
  forget_everything();
  ask_again(postponed_);
  std::fill(committed_positions_.begin(), committed_positions_.end(),
            next_offset{0});
  in_flight_ = nullptr;
  filling_ = nullptr;
  begin_unit();
  spare_ = nullptr; // it may be long until it is of use again
  state_ = state::unowned;
}

} // namespace freehold::engine
