#include "tests/testkit/simulation/simulated_log.hpp"

#include "runtime/ports/log_layout.hpp"

#include <algorithm>
#include <utility>

namespace freehold::simulation {

using ports::commit_outcome;

namespace {

constexpr moment stable_backoff = 50ms;

error not_in_layout(topic_partition which) {
  return {errc::not_found, "topic " + std::to_string(which.topic.value())
                               + ", partition "
                               + std::to_string(which.partition.value())
                               + " is not in the layout"};
}

std::vector<partition_index> as_list(const group_member::shards& which) {
  std::vector<partition_index> list;
  for (const std::uint32_t each : which)
    list.emplace_back(each);
  return list;
}

} // namespace

std::string_view name_of(planted_log_bug which) noexcept {
  switch (which) {
  case planted_log_bug::none:
    return "none";
  case planted_log_bug::producer_reused:
    return "producer reused after an unknown outcome";
  case planted_log_bug::idle_units_unfenced:
    return "a unit of timers only is not fenced";
  case planted_log_bug::restored_to_stable_end:
    return "restore stops at the last stable offset";
  case planted_log_bug::offsets_not_awaited:
    return "a shard is taken before its offsets are stable";
  case planted_log_bug::lost_shards_committed:
    return "a unit with a lost shard is committed";
  case planted_log_bug::released_before_commit:
    return "a shard is let go before its units are committed";
  case planted_log_bug::stale_copy_believed:
    return "a stale local copy is believed";
  }
  return "?";
}

// -- life --------------------------------------------------------------------

simulated_log::simulated_log(simulated_kafka& cluster, settings how)
    : cluster_(cluster),
      how_(std::move(how)),
      network_(std::make_shared<connection>(cluster, how_.node_id)),
      units_(
          cluster, network_,
          {transactional_id(), how_.request_timeout, how_.transaction_timeout}),
      outside_(cluster, network_,
               {transactional_id() + "-outside", how_.request_timeout,
                how_.transaction_timeout}) {}

simulated_log::~simulated_log() { stop(); }

result<void> simulated_log::start(const ports::log_layout& layout,
                                  ports::log_listener& listener) {
  if (listener_ != nullptr || stopped_)
    return error{errc::invalid_argument, "a log is started once"};
  auto topics = cluster_.ensure(layout);
  if (!topics)
    return topics.error();
  topics_ = *std::move(topics);
  layout_ = layout;
  listener_ = &listener;
  changelog_ = ports::changelog_of(layout);
  member_ = std::make_unique<group_member>(
      cluster_, network_,
      group_member::settings{how_.group, how_.node_id, layout.shard_count,
                             how_.session_timeout},
      group_member::listener{[this](const auto& which) { assigned(which); },
                             [this](const auto& which) { to_release(which); },
                             [this](const auto& which) { lost(which); }});
  // Nobody joins before its producer has fenced the life before.
  units_.init([this] { member_->start(); });
  outside_.init([this] { produce_next(); });
  return {};
}

void simulated_log::stop() {
  stopped_ = true;
  listener_ = nullptr;
  network_->close();
}

bool simulated_log::exists(topic_partition which) const {
  return which.topic.value() < topics_.size()
         && which.partition.value()
                < layout_.topics[which.topic.value()].partition_count;
}

bool simulated_log::holds(partition_index shard, shard_epoch epoch) const {
  const auto known = shards_.find(shard.value());
  return known != shards_.end() && known->second.epoch == epoch
         && (known->second.phase == shard_phase::ours
             || known->second.phase == shard_phase::releasing);
}

// -- ownership ---------------------------------------------------------------

void simulated_log::assigned(const group_member::shards& which) {
  for (const std::uint32_t shard : which) {
    auto& entry = shards_[shard];
    entry = {};
    entry.number = ++last_number_;
    take(shard, entry.number);
  }
}

bool simulated_log::is_taking(std::uint32_t shard, std::uint64_t number) const {
  const auto known = shards_.find(shard);
  return known != shards_.end() && known->second.number == number
         && known->second.phase == shard_phase::taking;
}

/// First the group's offsets, until no transaction of the old owner is open;
/// then the end, which is not moved by anybody any more.
void simulated_log::take(std::uint32_t shard, std::uint64_t number) {
  const std::uint32_t coordinator = cluster_.coordinator_of(how_.group);
  network_->request(coordinator, [this, &cluster = cluster_, group = how_.group,
                                  shard, number, coordinator, by = network_] {
    const bool stable = cluster.group(group).offsets_stable(shard);
    by->answer(coordinator, [this, shard, number, stable] {
      if (!is_taking(shard, number))
        return;
      if (stable || how_.bug == planted_log_bug::offsets_not_awaited)
        return read_bounds(shard, [=, this](auto begin, auto end) {
          taken(shard, number, begin, end);
        });
      cluster_.marks().reached(kafka_mark::offsets_unstable);
      network_->after(stable_backoff, [this, shard, number] {
        if (is_taking(shard, number))
          take(shard, number);
      });
    });
  });
}

void simulated_log::read_bounds(std::uint32_t shard, bounds_answer then) {
  if (!changelog_)
    return then(next_offset{0}, next_offset{0});
  const place where = stored({*changelog_, partition_index{shard}});
  const std::uint32_t leader = cluster_.leader_of(where);
  const bool stable = how_.bug == planted_log_bug::restored_to_stable_end;
  network_->request(leader, [&cluster = cluster_, where, leader, stable,
                             then = std::move(then), by = network_] {
    const auto& log = cluster.at(where);
    by->answer(leader, [then, begin = log.begin(),
                        end = stable ? log.stable_end() : log.end()] {
      then(begin, end);
    });
  });
}

void simulated_log::taken(std::uint32_t shard, std::uint64_t number,
                          next_offset begin, next_offset end) {
  if (!is_taking(shard, number))
    return;
  auto& entry = shards_[shard];
  entry.phase = shard_phase::ours;
  entry.begin = begin;
  entry.epoch = cluster_.next_epoch();
  if (how_.copy && changelog_) {
    const bool believes_all = how_.bug == planted_log_bug::stale_copy_believed;
    if (how_.copy->open(shard, begin, end, believes_all))
      cluster_.marks().reached(kafka_mark::copy_discarded);
    if (believes_all)
      begin = how_.copy->begin(shard);
  }
  listener_->granted({{partition_index{shard}, entry.epoch, begin, end}});
}

void simulated_log::to_release(const group_member::shards& which) {
  group_member::shards at_once;
  group_member::shards asked;
  for (const std::uint32_t shard : which) {
    auto& entry = shards_[shard];
    if (entry.phase == shard_phase::taking) {
      cluster_.marks().reached(kafka_mark::taking_given_up);
      shards_.erase(shard);
      at_once.insert(shard);
    } else {
      entry.phase = shard_phase::releasing;
      asked.insert(shard);
    }
  }
  if (!asked.empty())
    listener_->revoked(as_list(asked));
  if (how_.bug == planted_log_bug::released_before_commit)
    at_once.insert(asked.begin(), asked.end());
  // Not from within the member's own call.
  if (!at_once.empty())
    network_->after(moment{0}, [this, at_once] { member_->released(at_once); });
}

void simulated_log::release(const std::vector<partition_index>& shards) {
  if (stopped_)
    return;
  network_->after(moment{0}, [this, shards] {
    for (const partition_index shard : shards) {
      const auto known = shards_.find(shard.value());
      if (known == shards_.end() || !holds(shard, known->second.epoch))
        continue;
      known->second.phase = shard_phase::released;
      let_go(shard.value());
    }
  });
}

/// DeleteRecords is not fenced: the next owner must not meet ours.
void simulated_log::let_go(std::uint32_t shard) {
  const auto known = shards_.find(shard);
  if (known == shards_.end() || known->second.phase != shard_phase::released
      || known->second.truncations > 0)
    return;
  shards_.erase(known);
  member_->released({shard});
}

void simulated_log::lost(const group_member::shards& which) {
  group_member::shards told;
  for (const std::uint32_t shard : which) {
    const auto known = shards_.find(shard);
    if (known == shards_.end())
      continue;
    if (known->second.phase == shard_phase::taking)
      cluster_.marks().reached(kafka_mark::taking_given_up);
    else if (known->second.phase != shard_phase::released)
      told.insert(shard);
    shards_.erase(known);
  }
  if (!told.empty())
    listener_->lost(as_list(told));
}

// -- reading -----------------------------------------------------------------

void simulated_log::fetch(const ports::fetch_request& what) {
  if (stopped_ || listener_ == nullptr)
    return;
  const std::uint64_t number = ++last_number_;
  const topic_partition source = what.source;
  fetches_[source] = {what, number};
  if (!exists(source))
    return network_->after(moment{0}, [this, source, number] {
      fetched(source, number, not_in_layout(source));
    });
  if (is_copied(source, what.from)) {
    cluster_.marks().reached(kafka_mark::read_from_copy);
    return network_->after(moment{0}, [this, what, number] {
      fetched(what.source, number,
              how_.copy->read(what.source.partition.value(), what.from,
                              what.bytes_max, what.source));
    });
  }
  const place where = stored(source);
  network_->request(
      cluster_.leader_of(where),
      [this, &cluster = cluster_, by = network_, where, what, number] {
        serve(cluster, by, where, what,
              [this, source = what.source, number](auto found) {
                fetched(source, number, std::move(found));
              });
      });
}

bool simulated_log::is_copied(topic_partition source, next_offset from) const {
  return how_.copy && changelog_ == source.topic
         && how_.copy->has(source.partition.value(), from);
}

void simulated_log::serve(simulated_kafka& cluster,
                          const std::shared_ptr<connection>& by, place where,
                          const ports::fetch_request& what,
                          const fetch_answer& answered) {
  const auto& log = cluster.at(where);
  auto found = log.read(what.from, what.bytes_max, what.source);
  if (found && (*found)->next < log.end())
    cluster.marks().reached(kafka_mark::reader_stopped);
  if (found && (*found)->records.empty() && (*found)->next == what.from
      && what.wait == ports::fetch_wait::for_records) {
    cluster.park(where, by->waiter(), [&cluster, by, where, what, answered] {
      serve(cluster, by, where, what, answered);
    });
    return;
  }
  by->answer(cluster.leader_of(where),
             [answered, found = std::move(found)] { answered(found); });
}

void simulated_log::fetched(topic_partition source, std::uint64_t number,
                            result<ports::record_batch_ptr> what) {
  const auto pending = fetches_.find(source);
  if (pending == fetches_.end() || pending->second.number != number)
    return;
  if (!what && exists(source))
    return out_of_range(source, number, what.error());
  const next_offset from = pending->second.what.from;
  fetches_.erase(pending);
  if (what && how_.copy && changelog_ == source.topic)
    how_.copy->append(source.partition.value(), from, *what);
  if (what)
    listener_->fetched(from, *std::move(what));
  else
    listener_->fetch_failed(source, from, what.error());
}

/// Whoever has lost its shard without knowing it reads what the new owner has
/// deleted: the coordinator is asked before anything is made of it. An owner
/// before us may have deleted, too, what we were about to restore.
void simulated_log::out_of_range(topic_partition source, std::uint64_t number,
                                 error why) {
  cluster_.marks().reached(kafka_mark::out_of_range);
  member_->make_sure([this, source, number, why = std::move(why)] {
    const auto pending = fetches_.find(source);
    if (pending == fetches_.end() || pending->second.number != number)
      return;
    const next_offset from = pending->second.what.from;
    fetches_.erase(pending);
    const std::uint32_t shard = source.partition.value();
    const auto known = shards_.find(shard);
    const bool retakes = changelog_ == source.topic && known != shards_.end()
                         && known->second.phase == shard_phase::ours
                         && from >= known->second.begin
                         && from < cluster_.at(stored(source)).begin();
    if (!retakes)
      return listener_->fetch_failed(source, from, why);
    lost({shard});
    assigned({shard});
  });
}

void simulated_log::cancel_fetch(topic_partition source) {
  fetches_.erase(source);
}

void simulated_log::look_up(std::shared_ptr<ports::lookup> what) {
  if (stopped_ || listener_ == nullptr)
    return;
  if (!exists(what->source))
    return network_->after(moment{0}, [this, what] {
      listener_->looked_up(what, not_in_layout(what->source));
    });
  if (!what->offsets.empty()
      && is_copied(what->source, next_offset{what->offsets.front().value()}))
    return network_->after(moment{0}, [this, what] {
      if (how_.copy->look_up(what->source.partition.value(), *what))
        listener_->looked_up(what, {});
      else
        ask(what);
    });
  ask(what);
}

void simulated_log::ask(const std::shared_ptr<ports::lookup>& what) {
  const place where = stored(what->source);
  network_->request(cluster_.leader_of(where), [this, &cluster = cluster_,
                                                by = network_, where, what] {
    serve(cluster, by, where, what,
          [this, what](bool all_kept) { looked_up(what, all_kept); });
  });
}

/// Whoever has lost its shard misses what the new owner has deleted.
void simulated_log::looked_up(const std::shared_ptr<ports::lookup>& what,
                              bool all_kept) {
  if (all_kept)
    return listener_->looked_up(what, {});
  cluster_.marks().reached(kafka_mark::out_of_range);
  member_->make_sure([this, what] { listener_->looked_up(what, {}); });
}

void simulated_log::serve(simulated_kafka& cluster,
                          const std::shared_ptr<connection>& by, place where,
                          const std::shared_ptr<ports::lookup>& what,
                          const lookup_answer& answered) {
  if (!cluster.at(where).look_up(*what)) {
    cluster.park(where, cluster.new_waiter(),
                 [&cluster, by, where, what, answered] {
                   serve(cluster, by, where, what, answered);
                 });
    return;
  }
  const bool all_kept = what->offsets.empty()
                        || next_offset{what->offsets.front().value()}
                               >= cluster.at(where).begin();
  by->answer(cluster.leader_of(where),
             [answered, all_kept] { answered(all_kept); });
}

// -- writing -----------------------------------------------------------------

result<void> simulated_log::check(const ports::unit_part& part,
                                  bool changelog_allowed) const {
  for (const ports::append& each : part.appends) {
    if (!exists(each.target))
      return not_in_layout(each.target);
    if (!changelog_allowed && changelog_ == each.target.topic)
      return error{errc::invalid_argument,
                   "only a commit unit may write to the changelog"};
  }
  return {};
}

result<void> simulated_log::check(const ports::commit_unit& unit) const {
  if (recovery_needed_ || recovering_)
    return error{errc::fenced,
                 "the unit before did not succeed: recover comes first"};
  for (const auto& part : unit.parts) {
    if (!holds(part->shard, part->epoch))
      return error{errc::fenced, "shard " + std::to_string(part->shard.value())
                                     + " at epoch "
                                     + std::to_string(part->epoch.value())
                                     + " is not owned any more"};
    if (auto checked = check(*part, true); !checked)
      return checked;
  }
  return {};
}

/// In the same step in which the generation is read: what was lost with an
/// older one must not be written under this one.
result<std::optional<transactional_producer::offsets_to_send>>
simulated_log::offsets_of(const ports::commit_unit& unit) {
  if (unit.parts.empty())
    return std::optional<transactional_producer::offsets_to_send>{};
  transactional_producer::offsets_to_send all{
      how_.group, member_->identity(), {}};
  for (const auto& part : unit.parts) {
    if (how_.bug != planted_log_bug::lost_shards_committed
        && !holds(part->shard, part->epoch)) {
      cluster_.marks().reached(kafka_mark::unit_without_shard);
      return error{errc::fenced, "shard " + std::to_string(part->shard.value())
                                     + " was lost under way"};
    }
    all.offsets[{shards_topic, part->shard.value()}] = next_offset{0};
    for (const auto& [source, next] : part->positions)
      all.offsets[stored(source)] = next;
  }
  if (how_.bug == planted_log_bug::idle_units_unfenced
      && std::all_of(
          all.offsets.begin(), all.offsets.end(), [this](const auto& each) {
            const auto before = sent_.find(each.first);
            return before != sent_.end() && before->second == each.second;
          }))
    return std::optional<transactional_producer::offsets_to_send>{};
  sent_ = all.offsets;
  return std::optional{std::move(all)};
}

void simulated_log::commit(std::shared_ptr<const ports::commit_unit> unit) {
  if (stopped_ || listener_ == nullptr)
    return;
  under_way_ = std::move(unit);
  network_->after(moment{0}, [this, unit = under_way_] {
    if (auto checked = check(*unit); !checked)
      return ended(unit, {}, {commit_outcome::failed, checked.error(), {}});
    std::map<place, std::vector<const ports::append*>> by_place;
    std::vector<changelog_part> changelog;
    for (const auto& part : unit->parts) {
      auto& of_part = changelog.emplace_back();
      for (const ports::append& each : part->appends) {
        const place where = stored(each.target);
        auto& batch = by_place[where];
        if (changelog_ == each.target.topic)
          of_part.emplace_back(where, static_cast<std::int64_t>(batch.size()));
        batch.push_back(&each);
      }
    }
    transactional_producer::transaction what;
    for (const auto& [where, appends] : by_place)
      what.batches[where] = producer_batch::copy(appends);
    std::map<place, std::shared_ptr<const producer_batch>> copied;
    if (how_.copy && changelog_)
      for (const auto& part : unit->parts) {
        const place where = stored({*changelog_, part->shard});
        if (const auto batch = what.batches.find(where);
            batch != what.batches.end())
          copied[where] = batch->second;
      }
    what.offsets = [this, unit] { return offsets_of(*unit); };
    units_.run(std::move(what), [this, unit, changelog = std::move(changelog),
                                 copied = std::move(copied)](auto how) {
      if (how.how == commit_outcome::done)
        copy(*unit, copied, how);
      ended(unit, changelog, std::move(how));
    });
  });
}

/// Of shards that are still held as they were: no other has written since.
void simulated_log::copy(
    const ports::commit_unit& unit,
    const std::map<place, std::shared_ptr<const producer_batch>>& changelog,
    const transactional_producer::outcome& how) {
  for (const auto& [where, batch] : changelog)
    for (const auto& part : unit.parts)
      if (part->shard.value() == where.partition
          && holds(part->shard, part->epoch)) {
        how_.copy->append(where.partition, how.first.at(where), batch);
        break; // the others of that shard are in the same batch
      }
}

void simulated_log::ended(const std::shared_ptr<const ports::commit_unit>& unit,
                          const std::vector<changelog_part>& changelog,
                          transactional_producer::outcome how) {
  ports::commit_result told;
  told.id = unit->id;
  told.outcome = how.how;
  told.why = std::move(how.why);
  if (how.how == commit_outcome::done)
    for (const auto& part : changelog) {
      auto& offsets = told.changelog_offsets.emplace_back();
      for (const auto& [where, index] : part)
        offsets.emplace_back(how.first[where].value() + index);
    }
  else
    recovery_needed_ = true;
  is_unknown_ = how.how == commit_outcome::unknown;
  under_way_ = nullptr;
  listener_->committed(std::move(told));
  if (recoveries_wanted_ > 0)
    begin_recovery();
}

void simulated_log::recover() {
  if (stopped_ || listener_ == nullptr)
    return;
  network_->after(moment{0}, [this] {
    ++recoveries_wanted_;
    if (!under_way_ && !recovering_)
      begin_recovery();
  });
}

void simulated_log::begin_recovery() {
  recovering_ = true;
  if (how_.bug == planted_log_bug::producer_reused && is_unknown_)
    return read_ends();
  units_.init([this] { read_ends(); });
}

void simulated_log::read_ends() {
  const auto missing = std::make_shared<std::size_t>(1);
  const auto grants = std::make_shared<std::vector<ports::shard_grant>>();
  const auto one_less = [this, missing, grants] {
    if (--*missing > 0)
      return;
    recovery_needed_ = false;
    recovering_ = false;
    std::vector<ports::shard_grant> still_ours;
    for (auto& each : *grants)
      if (holds(each.shard, each.epoch)) {
        each.epoch = shards_[each.shard.value()].epoch = cluster_.next_epoch();
        still_ours.push_back(each);
      }
    const auto wanted = std::exchange(recoveries_wanted_, 0);
    for (std::uint32_t i = 0; i < wanted; ++i)
      listener_->recovered(still_ours);
  };
  for (const auto& [shard, entry] : shards_) {
    if (entry.phase != shard_phase::ours
        && entry.phase != shard_phase::releasing)
      continue;
    ++*missing;
    read_bounds(shard, [grants, one_less, shard = shard,
                        epoch = entry.epoch](auto begin, auto end) {
      grants->push_back({partition_index{shard}, epoch, begin, end});
      one_less();
    });
  }
  one_less();
}

void simulated_log::produce(std::shared_ptr<const ports::produce_request> what,
                            std::function<void(ports::produce_result)> answer) {
  if (stopped_ || listener_ == nullptr)
    return;
  network_->after(moment{0},
                  [this, what = std::move(what), answer = std::move(answer)] {
                    if (auto checked = check(*what, false); !checked)
                      return answer({commit_outcome::failed, checked.error()});
                    requests_.push_back({what, answer});
                    produce_next();
                  });
}

void simulated_log::produce_next() {
  if (producing_ || requests_.empty() || !outside_.is_ready())
    return;
  producing_ = true;
  auto next = std::move(requests_.front());
  requests_.pop_front();
  std::map<place, std::vector<const ports::append*>> by_place;
  for (const ports::append& each : next.what->appends)
    by_place[stored(each.target)].push_back(&each);
  transactional_producer::transaction what;
  for (const auto& [where, appends] : by_place)
    what.batches[where] = producer_batch::copy(appends);
  what.offsets = [] {
    return std::optional<transactional_producer::offsets_to_send>{};
  };
  outside_.run(std::move(what), [this, answer = std::move(next.answer)](
                                    transactional_producer::outcome how) {
    producing_ = false;
    const bool begins_anew = how.how != commit_outcome::done;
    if (begins_anew)
      outside_.init([this] { produce_next(); });
    answer({how.how, std::move(how.why)});
    if (!begins_anew)
      produce_next();
  });
}

void simulated_log::truncate(topic_partition target, next_offset before) {
  if (stopped_ || listener_ == nullptr || !exists(target))
    return;
  const place where = stored(target);
  const std::uint32_t leader = cluster_.leader_of(where);
  const std::uint32_t shard = target.partition.value();
  std::uint64_t number = 0;
  if (const auto known = shards_.find(shard); known != shards_.end()) {
    ++known->second.truncations;
    if (changelog_ == target.topic) {
      known->second.begin = std::max(known->second.begin, before);
      if (how_.copy)
        how_.copy->truncate(shard, before);
    }
    number = known->second.number;
  }
  network_->request(leader, [this, &cluster = cluster_, where, leader, before,
                             shard, number, by = network_] {
    cluster.delete_records(where, before);
    by->answer(leader, [this, shard, number] {
      const auto known = shards_.find(shard);
      if (known == shards_.end() || known->second.number != number)
        return;
      --known->second.truncations;
      let_go(shard);
    });
  });
}

} // namespace freehold::simulation
