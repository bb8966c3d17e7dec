#include "bridges/log/memory_log.hpp"

#include "runtime/ports/log_layout.hpp"

#include <string>
#include <utility>

namespace freehold::bridges::log {

using ports::commit_outcome;

namespace {

planned_outcome take(std::deque<planned_outcome>& plan) {
  if (plan.empty())
    return planned_outcome::done;
  const planned_outcome next = plan.front();
  plan.pop_front();
  return next;
}

commit_outcome outcome_of(planned_outcome how) {
  switch (how) {
  case planned_outcome::done:
    return commit_outcome::done;
  case planned_outcome::failed:
    return commit_outcome::failed;
  case planned_outcome::unknown_applied:
  case planned_outcome::unknown_lost:
  case planned_outcome::unknown_late:
    break;
  }
  return commit_outcome::unknown;
}

error not_in_layout(topic_partition which) {
  return {errc::not_found, "topic " + std::to_string(which.topic.value())
                               + ", partition "
                               + std::to_string(which.partition.value())
                               + " is not in the layout"};
}

error reason_of(planned_outcome how) {
  switch (outcome_of(how)) {
  case commit_outcome::done:
    return {};
  case commit_outcome::failed:
    return {errc::unavailable, "planned by a test"};
  case commit_outcome::unknown:
    break;
  }
  return {errc::outcome_unknown, "planned by a test"};
}

} // namespace

// -- life --------------------------------------------------------------------

memory_log::memory_log(std::shared_ptr<memory_log_storage> storage,
                       memory_log_options options)
    : storage_(std::move(storage)), options_(options) {
  const std::lock_guard lock{storage_->gate()};
  life_ = storage_->begin_life();
}

memory_log::~memory_log() { stop(); }

result<void> memory_log::start(const ports::log_layout& layout,
                               ports::log_listener& listener) {
  const std::lock_guard lock{storage_->gate()};
  if (listener_ != nullptr || stopped_)
    return error{errc::invalid_argument, "a log is started once"};
  if (auto checked = ports::check_layout(layout); !checked)
    return checked;
  auto topics = storage_->ensure(layout);
  if (!topics)
    return topics.error();
  topics_ = *std::move(topics);
  layout_ = layout;
  listener_ = &listener;
  owned_.assign(layout.shard_count, shard_epoch{0});
  changelog_ = ports::changelog_of(layout);
  (void)storage_->land_late();
  if (options_.grants_all) {
    std::vector<partition_index> all;
    for (std::uint32_t s = 0; s < layout.shard_count; ++s)
      all.emplace_back(s);
    submit([this, all] { do_grant(all); });
  }
  return {};
}

void memory_log::stop() {
  const std::lock_guard lock{storage_->gate()};
  stopped_ = true;
  listener_ = nullptr;
  queue_.clear();
  fetches_.clear();
}

// -- the queue ---------------------------------------------------------------

void memory_log::submit(operation what) {
  const std::lock_guard lock{storage_->gate()};
  if (stopped_ || listener_ == nullptr)
    return;
  queue_.push_back(std::move(what));
  if (options_.mode == memory_log_options::execution::immediate)
    drain();
}

bool memory_log::execute_next() {
  if (queue_.empty())
    return false;
  const operation next = std::move(queue_.front());
  queue_.pop_front();
  next();
  return true;
}

void memory_log::drain() {
  // A call from within an answer is carried out when that answer is given.
  if (std::exchange(draining_, true))
    return;
  while (execute_next()) {
  }
  draining_ = false;
}

bool memory_log::step() {
  const std::lock_guard lock{storage_->gate()};
  return execute_next();
}

void memory_log::run_until_idle() {
  while (step()) {
  }
}

std::size_t memory_log::queued_count() {
  const std::lock_guard lock{storage_->gate()};
  return queue_.size();
}

// -- calls -------------------------------------------------------------------

void memory_log::fetch(const ports::fetch_request& what) {
  const std::lock_guard lock{storage_->gate()};
  const std::uint64_t number = ++last_fetch_;
  fetches_[what.source] = {what, number, false};
  submit(
      [this, source = what.source, number] { execute_fetch(source, number); });
}

void memory_log::cancel_fetch(topic_partition source) {
  const std::lock_guard lock{storage_->gate()};
  fetches_.erase(source);
}

void memory_log::look_up(std::shared_ptr<ports::lookup> what) {
  submit([this, what = std::move(what)] { execute_lookup(what); });
}

void memory_log::commit(std::shared_ptr<const ports::commit_unit> unit) {
  submit([this, unit = std::move(unit)] { execute_commit(unit); });
}

void memory_log::recover() {
  submit([this] { execute_recover(); });
}

void memory_log::produce(std::shared_ptr<const ports::produce_request> what,
                         std::function<void(ports::produce_result)> answer) {
  submit([this, what = std::move(what), answer = std::move(answer)] {
    execute_produce(what, answer);
  });
}

void memory_log::truncate(topic_partition target, next_offset before) {
  submit([this, target, before] {
    if (exists(target) && !fenced())
      storage_->truncate(topics_[target.topic.value()],
                         target.partition.value(), before);
  });
}

void memory_log::release(const std::vector<partition_index>& shards) {
  submit([this, shards] {
    for (const partition_index shard : shards)
      if (shard.value() < owned_.size())
        owned_[shard.value()] = shard_epoch{0};
  });
}

// -- control -----------------------------------------------------------------

void memory_log::plan_commits(planned_outcome how, std::uint32_t count) {
  const std::lock_guard lock{storage_->gate()};
  commit_plan_.insert(commit_plan_.end(), count, how);
}

void memory_log::plan_produces(planned_outcome how, std::uint32_t count) {
  const std::lock_guard lock{storage_->gate()};
  produce_plan_.insert(produce_plan_.end(), count, how);
}

void memory_log::refuse_fetches(error why, std::uint32_t count) {
  const std::lock_guard lock{storage_->gate()};
  fetch_plan_.insert(fetch_plan_.end(), count, why);
}

void memory_log::grant(std::vector<partition_index> shards) {
  submit([this, shards = std::move(shards)] { do_grant(shards); });
}

void memory_log::revoke(std::vector<partition_index> shards) {
  submit([this, shards = std::move(shards)] { listener_->revoked(shards); });
}

void memory_log::lose(std::vector<partition_index> shards) {
  submit([this, shards = std::move(shards)] {
    for (const partition_index shard : shards)
      if (shard.value() < owned_.size())
        owned_[shard.value()] = shard_epoch{0};
    listener_->lost(shards);
  });
}

bool memory_log::is_owned(partition_index shard) const {
  const std::lock_guard lock{storage_->gate()};
  return owns(shard);
}

// -- what the queue executes -------------------------------------------------

void memory_log::do_grant(const std::vector<partition_index>& shards) {
  const shard_epoch epoch = storage_->next_epoch();
  std::vector<ports::shard_grant> grants;
  for (const partition_index shard : shards) {
    if (shard.value() >= owned_.size())
      continue;
    owned_[shard.value()] = epoch;
    grants.push_back(describe(shard));
  }
  listener_->granted(std::move(grants));
}

void memory_log::execute_fetch(topic_partition source, std::uint64_t number) {
  const auto found = fetches_.find(source);
  if (found == fetches_.end() || found->second.number != number)
    return;
  const ports::fetch_request what = found->second.what;
  if (!fetch_plan_.empty()) {
    error why = std::move(fetch_plan_.front());
    fetch_plan_.pop_front();
    fetches_.erase(found);
    return listener_->fetch_failed(source, what.from, std::move(why));
  }
  if (!exists(source)) {
    fetches_.erase(found);
    return listener_->fetch_failed(source, what.from, not_in_layout(source));
  }
  auto batch =
      storage_->read(topics_[source.topic.value()], source.partition.value(),
                     what.from, what.bytes_max, source);
  if (batch && (*batch)->records.empty() && (*batch)->next == what.from
      && what.wait == ports::fetch_wait::for_records) {
    found->second.parked = true;
    return;
  }
  fetches_.erase(found);
  if (batch)
    listener_->fetched(what.from, *std::move(batch));
  else
    listener_->fetch_failed(source, what.from, batch.error());
}

void memory_log::execute_lookup(const std::shared_ptr<ports::lookup>& what) {
  const topic_partition source = what->source;
  if (!fetch_plan_.empty()) {
    error why = std::move(fetch_plan_.front());
    fetch_plan_.pop_front();
    return listener_->looked_up(what, std::move(why));
  }
  if (!exists(source))
    return listener_->looked_up(what, not_in_layout(source));
  storage_->look_up(topics_[source.topic.value()], source.partition.value(),
                    *what);
  listener_->looked_up(what, {});
}

void memory_log::execute_commit(
    const std::shared_ptr<const ports::commit_unit>& unit) {
  ports::commit_result answer;
  answer.id = unit->id;
  if (auto checked = check_unit(*unit); !checked) {
    answer.why = checked.error();
    recovery_needed_ = true;
    return listener_->committed(std::move(answer));
  }
  additions all;
  for (const auto& part : unit->parts)
    collect(*part, all);
  const planned_outcome how = take(commit_plan_);
  const auto offsets = carry_out(how, all, unit);
  answer.outcome = outcome_of(how);
  answer.why = reason_of(how);
  if (how == planned_outcome::done) {
    std::size_t next = 0;
    for (const auto& part : unit->parts) {
      auto& of_part = answer.changelog_offsets.emplace_back();
      for (const ports::append& each : part->appends) {
        if (is_changelog(each.target))
          of_part.push_back(offsets[next]);
        ++next;
      }
    }
  } else {
    recovery_needed_ = true;
  }
  listener_->committed(std::move(answer));
}

void memory_log::execute_recover() {
  if (!fenced()) {
    wake(storage_->land_late());
    const shard_epoch epoch = storage_->next_epoch();
    for (shard_epoch& each : owned_)
      if (each != shard_epoch{0})
        each = epoch;
  } else {
    std::vector<partition_index> gone;
    for (std::uint32_t s = 0; s < owned_.size(); ++s)
      if (std::exchange(owned_[s], shard_epoch{0}) != shard_epoch{0})
        gone.emplace_back(s);
    if (!gone.empty())
      listener_->lost(std::move(gone));
  }
  recovery_needed_ = false;
  std::vector<ports::shard_grant> grants;
  for (std::uint32_t s = 0; s < owned_.size(); ++s)
    if (owns(partition_index{s}))
      grants.push_back(describe(partition_index{s}));
  listener_->recovered(std::move(grants));
}

void memory_log::execute_produce(
    const std::shared_ptr<const ports::produce_request>& what,
    const std::function<void(ports::produce_result)>& answer) {
  if (fenced())
    return answer({commit_outcome::failed,
                   {errc::fenced, "another node took over the log"}});
  if (auto checked = check(*what, false); !checked)
    return answer({commit_outcome::failed, checked.error()});
  additions all;
  collect(*what, all);
  const planned_outcome how = take(produce_plan_);
  (void)carry_out(how, all, what);
  answer({outcome_of(how), reason_of(how)});
}

std::vector<record_offset>
memory_log::carry_out(planned_outcome how, const additions& all,
                      std::shared_ptr<const void> owner) {
  switch (how) {
  case planned_outcome::done:
  case planned_outcome::unknown_applied: {
    auto offsets = storage_->apply(all);
    wake(all);
    return offsets;
  }
  case planned_outcome::failed:
  case planned_outcome::unknown_lost:
    storage_->abandon(all);
    wake(all);
    break;
  case planned_outcome::unknown_late:
    storage_->hold_late(all, std::move(owner));
    break;
  }
  return {};
}

void memory_log::wake(const additions& touched) {
  if (fetches_.empty())
    return;
  for (auto& [source, pending] : fetches_) {
    if (!pending.parked)
      continue;
    for (const auto& each : touched)
      if (each.topic == topics_[source.topic.value()]
          && each.partition == source.partition.value()) {
        pending.parked = false;
        queue_.push_back([this, from = source, number = pending.number] {
          execute_fetch(from, number);
        });
        break;
      }
  }
}

// -- what is asked -----------------------------------------------------------

bool memory_log::fenced() const { return storage_->life() != life_; }

bool memory_log::owns(partition_index shard) const {
  return shard.value() < owned_.size()
         && owned_[shard.value()] != shard_epoch{0};
}

bool memory_log::exists(topic_partition target) const {
  return target.topic.value() < topics_.size()
         && target.partition.value()
                < layout_.topics[target.topic.value()].partition_count;
}

bool memory_log::is_changelog(topic_partition target) const {
  return changelog_ == target.topic;
}

result<void> memory_log::check(const ports::unit_part& part,
                               bool changelog_allowed) const {
  for (const ports::append& each : part.appends) {
    if (!exists(each.target))
      return not_in_layout(each.target);
    if (!changelog_allowed && is_changelog(each.target))
      return error{errc::invalid_argument,
                   "only a commit unit may write to the changelog"};
  }
  return {};
}

result<void> memory_log::check_unit(const ports::commit_unit& unit) const {
  if (fenced())
    return error{errc::fenced, "another node took over the log"};
  if (recovery_needed_)
    return error{errc::fenced,
                 "the unit before did not succeed: recover comes first"};
  for (const auto& part : unit.parts) {
    if (!owns(part->shard) || owned_[part->shard.value()] != part->epoch)
      return error{errc::fenced, "shard " + std::to_string(part->shard.value())
                                     + " at epoch "
                                     + std::to_string(part->epoch.value())
                                     + " is not owned any more"};
    if (auto checked = check(*part, true); !checked)
      return checked;
  }
  return {};
}

ports::shard_grant memory_log::describe(partition_index shard) const {
  ports::shard_grant grant{shard, owned_[shard.value()], next_offset{0},
                           next_offset{0}};
  if (changelog_) {
    const auto bounds =
        storage_->bounds(topics_[changelog_->value()], shard.value());
    grant.changelog_begin = bounds.begin;
    grant.changelog_end = bounds.end;
  }
  return grant;
}

void memory_log::collect(const ports::unit_part& part, additions& into) const {
  into.reserve(into.size() + part.appends.size());
  for (const ports::append& each : part.appends)
    into.push_back({topics_[each.target.topic.value()],
                    each.target.partition.value(), &each});
}

} // namespace freehold::bridges::log
