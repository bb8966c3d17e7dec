#include "tests/testkit/simulation/consumer_group.hpp"

#include <algorithm>
#include <utility>

namespace freehold::simulation {

consumer_group::consumer_group(schedule& time, kafka_marks& rare,
                               const std::string& name, settings how)
    : time_(time),
      marks_(rare),
      how_(how),
      lane_(time.open("coordinator of " + name)),
      targets_(how.shard_count) {}

// -- members -----------------------------------------------------------------

consumer_group::member_entry* consumer_group::find(const member_identity& who,
                                                   kafka_error& why) {
  const auto known = members_.find(who.instance);
  if (known == members_.end()) {
    why = kafka_error::unknown_member_id;
    return nullptr;
  }
  if (known->second.member != who.member) {
    why = kafka_error::fenced_instance_id;
    return nullptr;
  }
  return &known->second;
}

void consumer_group::join(const member_identity& who,
                          const std::set<std::uint32_t>& owned,
                          join_answer answer) {
  if (!who.member.empty()) {
    kafka_error why{};
    member_entry* const known = find(who, why);
    if (known == nullptr)
      return answer({why, {}, -1, {}});
    known->last_heard = time_.now();
    // Claims of an old generation are void, as those of the assignors are.
    known->assigned =
        who.generation == generation_ ? owned : std::set<std::uint32_t>{};
    known->answer = std::move(answer);
    begin_rebalance();
    return complete_if_all_joined();
  }
  auto [at, is_new] = members_.try_emplace(who.instance);
  auto& entry = at->second;
  entry.member = who.instance + "-" + std::to_string(++last_member_);
  entry.last_heard = time_.now();
  watch(who.instance, entry.member);
  if (!is_new) {
    marks_.reached(kafka_mark::member_replaced);
    if (entry.answer)
      std::exchange(entry.answer,
                    {})({kafka_error::fenced_instance_id, {}, -1, {}});
    if (!rebalancing_) {
      entry.generation = generation_;
      return answer(
          {kafka_error::none, entry.member, generation_, entry.assigned});
    }
  }
  entry.assigned = owned;
  entry.answer = std::move(answer);
  begin_rebalance();
  complete_if_all_joined();
}

kafka_error consumer_group::heartbeat(const member_identity& who) {
  kafka_error why{};
  member_entry* const known = find(who, why);
  if (known == nullptr)
    return why;
  known->last_heard = time_.now();
  if (who.generation != generation_)
    return kafka_error::illegal_generation;
  return rebalancing_ ? kafka_error::rebalance_in_progress : kafka_error::none;
}

void consumer_group::leave(const member_identity& who) {
  kafka_error why{};
  if (find(who, why) != nullptr)
    expire(who.instance);
}

void consumer_group::expire(const std::string& instance) {
  const auto known = members_.find(instance);
  if (known == members_.end())
    return;
  const auto answer = std::move(known->second.answer);
  members_.erase(known);
  if (answer)
    answer({kafka_error::unknown_member_id, {}, -1, {}});
  begin_rebalance();
  complete_if_all_joined();
}

void consumer_group::watch(const std::string& instance,
                           const std::string& member) {
  const auto known = members_.find(instance);
  if (known == members_.end() || known->second.member != member)
    return;
  auto& entry = known->second;
  if (entry.answer) // it waits for us, not we for it
    entry.last_heard = time_.now();
  const moment due = entry.last_heard + how_.session_timeout;
  if (due <= time_.now()) {
    marks_.reached(kafka_mark::member_expired);
    return expire(instance);
  }
  time_.post_after(due - time_.now(), lane_,
                   [this, instance, member] { watch(instance, member); });
}

// -- rebalances --------------------------------------------------------------

void consumer_group::rebalance() {
  begin_rebalance();
  complete_if_all_joined();
}

void consumer_group::begin_rebalance() {
  if (std::exchange(rebalancing_, true))
    return;
  time_.post_after(how_.rebalance_timeout, lane_,
                   [this, number = ++rebalance_number_] {
                     if (rebalancing_ && rebalance_number_ == number)
                       complete();
                   });
}

void consumer_group::complete_if_all_joined() {
  if (rebalancing_
      && std::all_of(members_.begin(), members_.end(), [](const auto& each) {
           return each.second.answer != nullptr;
         }))
    complete();
}

/// Sticky and balanced: whoever is to have a shard keeps it while that is
/// fair.
void consumer_group::choose_targets() {
  const auto count = static_cast<std::uint32_t>(members_.size());
  const std::uint32_t fair =
      count == 0 ? 0 : (how_.shard_count + count - 1) / count;
  std::map<std::string, std::uint32_t, std::less<>> load;
  for (const auto& [instance, entry] : members_)
    load[instance] = 0;
  for (std::uint32_t shard = 0; shard < how_.shard_count; ++shard) {
    std::string& target = targets_[shard];
    const auto kept = load.find(target);
    if (withheld_.contains(shard) || kept == load.end() || kept->second >= fair)
      target.clear();
    else
      ++kept->second;
  }
  for (std::uint32_t shard = 0; shard < how_.shard_count && count > 0; ++shard)
    if (targets_[shard].empty() && !withheld_.contains(shard)) {
      const auto least = std::min_element(
          load.begin(), load.end(),
          [](const auto& a, const auto& b) { return a.second < b.second; });
      ++least->second;
      targets_[shard] = least->first;
    }
}

void consumer_group::complete() {
  rebalancing_ = false;
  ++generation_;
  marks_.reached(kafka_mark::rebalanced);
  choose_targets();
  std::vector<std::string_view> owners(how_.shard_count);
  for (const auto& [instance, entry] : members_)
    for (const std::uint32_t shard : entry.assigned)
      owners[shard] = instance;
  // A shard that somebody still holds is given to nobody before it is free.
  for (auto& [instance, entry] : members_) {
    std::set<std::uint32_t> assigned;
    for (std::uint32_t shard = 0; shard < how_.shard_count; ++shard)
      if (targets_[shard] == instance
          && (owners[shard].empty() || owners[shard] == instance))
        assigned.insert(shard);
    if (!entry.answer)
      continue; // a static member that is away keeps what it has
    for (const std::uint32_t shard : entry.assigned)
      if (!assigned.contains(shard))
        marks_.reached(kafka_mark::shard_moved);
    entry.assigned = std::move(assigned);
    entry.generation = generation_;
  }
  for (auto& [instance, entry] : members_)
    if (entry.answer)
      std::exchange(entry.answer, {})(
          {kafka_error::none, entry.member, generation_, entry.assigned});
}

void consumer_group::withhold(const std::set<std::uint32_t>& shards) {
  withheld_.insert(shards.begin(), shards.end());
  rebalance();
}

void consumer_group::give_back(const std::set<std::uint32_t>& shards) {
  for (const std::uint32_t shard : shards)
    withheld_.erase(shard);
  rebalance();
}

bool consumer_group::is_owner(std::string_view instance,
                              partition_index shard) const {
  const auto known = members_.find(instance);
  return known != members_.end()
         && known->second.assigned.contains(shard.value());
}

bool consumer_group::is_settled() const {
  if (rebalancing_)
    return false;
  std::size_t owned = 0;
  for (const auto& [instance, entry] : members_) {
    if (entry.generation != generation_)
      return false;
    owned += entry.assigned.size();
  }
  return owned + withheld_.size() == how_.shard_count;
}

// -- offsets -----------------------------------------------------------------

kafka_error consumer_group::commit(producer_session producer,
                                   const member_identity& who,
                                   const group_offsets& offsets) {
  if (offsets.empty())
    return kafka_error::none;
  kafka_error why{};
  if (find(who, why) == nullptr) {
    marks_.reached(kafka_mark::stranger_refused);
    return why;
  }
  if (who.generation != generation_) {
    marks_.reached(kafka_mark::old_generation_refused);
    return kafka_error::illegal_generation;
  }
  auto& pending = pending_[producer];
  for (const auto& [where, next] : offsets)
    pending[where] = next;
  return kafka_error::none;
}

void consumer_group::end_transaction(producer_session producer, bool commit) {
  // An abort by the coordinator comes with a higher epoch.
  for (auto at = pending_.begin(); at != pending_.end();) {
    if (at->first.id != producer.id) {
      ++at;
      continue;
    }
    if (commit)
      for (const auto& [where, next] : at->second)
        offsets_[where] = next;
    at = pending_.erase(at);
  }
}

bool consumer_group::offsets_stable(std::uint32_t shard) const {
  for (const auto& [producer, offsets] : pending_)
    for (const auto& [where, next] : offsets)
      if (where.partition == shard)
        return false;
  return true;
}

std::optional<next_offset> consumer_group::offset(place where) const {
  const auto known = offsets_.find(where);
  if (known == offsets_.end())
    return std::nullopt;
  return known->second;
}

} // namespace freehold::simulation
