#include "tests/testkit/simulation/cut.hpp"

namespace freehold::simulation {

namespace {

constexpr std::uint32_t read_bytes = 1U << 20U;

} // namespace

const std::vector<testkit::seen_record>&
cut::records(std::string_view topic) const {
  const auto known = records_.find(topic);
  if (known != records_.end())
    return known->second;
  auto& all = records_[std::string{topic}];
  const auto topics = from_.topics().value();
  for (std::uint32_t t = 0; t < topics.size(); ++t) {
    if (topics[t].spec.name != topic)
      continue;
    for (std::uint32_t p = 0; p < topics[t].partitions.size(); ++p) {
      const auto& bounds = topics[t].partitions[p];
      for (next_offset at = bounds.begin; at < bounds.end;) {
        const auto batch =
            from_.read({topic_index{t}, partition_index{p}}, at, read_bytes)
                .value();
        for (const record& each : batch->records)
          all.push_back(testkit::see(each, partition_index{p}));
        at = batch->next;
      }
    }
  }
  return all;
}

const std::vector<engine::changelog_view>& cut::views() const {
  if (views_.empty())
    for (std::uint32_t i = 0; i < plan_->options.shard_count; ++i)
      views_.push_back(
          engine::changelog_view::read(from_, plan_, partition_index{i})
              .value());
  return views_;
}

std::map<std::string, std::string> cut::all_states() const {
  std::map<std::string, std::string> all;
  for (const auto& shard : views())
    for (std::uint32_t type = 0; type < plan_->types.size(); ++type)
      for (const auto& [key, stored] : shard.of_type(type))
        all.emplace(std::string{plan_->types[type]->traits().type} + "/" + key,
                    shard.json(type, key, stored).value());
  return all;
}

std::uint64_t cut::held_count() const {
  std::uint64_t count = 0;
  for (const auto& shard : views())
    count += shard.held().size();
  return count;
}

std::uint64_t cut::timer_count() const {
  std::uint64_t count = 0;
  for (const auto& shard : views())
    for (const auto& [name, timer] : shard.timers())
      if (timer.clock == timer_clock::processing_time)
        ++count;
  return count;
}

} // namespace freehold::simulation
