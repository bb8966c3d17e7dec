#include "node/lag.hpp"

#include "runtime/engine/changelog_positions.hpp"
#include "runtime/engine/changelog_view.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace freehold::node {

namespace {

/// Enough for a record, and for going past ends of transactions.
constexpr std::uint32_t read_bytes = 1;

/// A changelog may be cut just where it is read; then it is looked at anew.
constexpr int reads_max = 10;

std::optional<topic_index>
find_topic(const std::vector<ports::topic_description>& topics,
           const std::string& name) {
  for (std::uint32_t t = 0; t < topics.size(); ++t)
    if (topics[t].spec.name == name)
      return topic_index{t};
  return std::nullopt;
}

} // namespace

result<partition_lag>
lag_meter::measure(const position& one,
                   const std::vector<ports::topic_description>& topics) {
  partition_lag found{one.topic, one.partition, one.next, one.next, 0,
                      {},        one.is_paused};
  const auto topic = find_topic(topics, one.topic);
  if (!topic || one.partition >= topics[topic->value()].partitions.size())
    return found; // nobody has made it yet
  const auto& bounds = topics[topic->value()].partitions[one.partition];
  found.end = std::max(bounds.end, one.next);
  // What was deleted before it was taken is not waited for.
  next_offset at = std::max(one.next, bounds.begin);
  while (at < bounds.end) {
    const auto batch =
        from_.read({*topic, partition_index{one.partition}}, at, read_bytes);
    if (!batch)
      return batch.error();
    if (!(*batch)->records.empty()) {
      const record& first = (*batch)->records.front();
      if (next_offset{first.offset.value()} >= bounds.end)
        return found;
      found.records =
          static_cast<std::uint64_t>(bounds.end.value() - first.offset.value());
      found.behind = std::chrono::milliseconds{
          std::max<std::int64_t>(time_.now().value() - first.time.value(), 0)};
      return found;
    }
    if ((*batch)->next <= at)
      return found;
    at = (*batch)->next;
  }
  return found;
}

result<std::vector<partition_lag>>
lag_meter::of(const std::vector<position>& all) {
  const auto topics = from_.topics();
  if (!topics)
    return topics.error();
  std::vector<partition_lag> found;
  for (const position& each : all) {
    auto one = measure(each, *topics);
    if (!one)
      return one.error();
    found.push_back(*std::move(one));
  }
  return found;
}

result<std::vector<partition_lag>> lag_meter::committed() {
  for (int i = 1;; ++i) {
    auto found = try_committed();
    if (found || found.error().code != errc::not_found || i == reads_max)
      return found;
  }
}

result<std::vector<partition_lag>> lag_meter::try_committed() {
  const auto topics = from_.topics();
  if (!topics)
    return topics.error();
  const auto changelog =
      engine::topic_of_role(*topics, ports::topic_role::changelog);
  if (!changelog)
    return error{errc::not_found,
                 "the log has no changelog: no node has run on it yet"};
  std::vector<std::string> inputs;
  for (const auto& source : plan_.sources)
    inputs.push_back(plan_.topic_name(source.topic));
  inputs.push_back(plan_.topic_name(plan_.inbox));
  const auto& shards = (*topics)[changelog->value()].partitions;
  std::vector<position> all;
  for (std::uint32_t shard = 0; shard < shards.size(); ++shard) {
    const auto taken = engine::last_positions(
        from_, {*changelog, partition_index{shard}}, shards[shard]);
    if (!taken)
      return taken.error();
    for (const std::string& input : inputs) {
      const auto known =
          std::find_if(taken->begin(), taken->end(),
                       [&](const auto& each) { return each.first == input; });
      all.push_back({input, shard,
                     known == taken->end() ? next_offset{0} : known->second});
    }
  }
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    const auto rank = [&](const position& x) {
      return std::find(inputs.begin(), inputs.end(), x.topic) - inputs.begin();
    };
    return rank(a) < rank(b);
  });
  // The ends are read after the positions.
  return of(all);
}

} // namespace freehold::node
