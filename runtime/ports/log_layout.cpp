#include "runtime/ports/log_layout.hpp"

#include <string>
#include <utility>

namespace freehold::ports {

result<void> check_layout(const log_layout& layout) {
  if (layout.shard_count == 0)
    return error{errc::invalid_argument, "the layout has no shards"};
  bool changelog = false;
  for (std::size_t i = 0; i < layout.topics.size(); ++i) {
    const topic_spec& spec = layout.topics[i];
    if (spec.name.empty() || spec.partition_count == 0)
      return error{errc::invalid_argument,
                   "topic " + std::to_string(i)
                       + " of the layout has no name or no partition"};
    for (std::size_t j = 0; j < i; ++j)
      if (layout.topics[j].name == spec.name)
        return error{errc::invalid_argument,
                     "the layout names topic " + spec.name + " twice"};
    if (spec.role != topic_role::output
        && spec.partition_count != layout.shard_count)
      return error{errc::mismatch, "topic " + spec.name + " has "
                                       + std::to_string(spec.partition_count)
                                       + " partitions and the application "
                                       + std::to_string(layout.shard_count)
                                       + " shards: give both the same number"};
    if (spec.role == topic_role::changelog && std::exchange(changelog, true))
      return error{errc::invalid_argument,
                   "the layout has more than one changelog"};
  }
  return {};
}

std::vector<std::string> names_of(const log_layout& layout) {
  std::vector<std::string> names;
  for (const topic_spec& each : layout.topics)
    names.push_back(each.name);
  return names;
}

std::optional<topic_index> changelog_of(const log_layout& layout) {
  for (std::uint32_t t = 0; t < layout.topics.size(); ++t)
    if (layout.topics[t].role == topic_role::changelog)
      return topic_index{t};
  return std::nullopt;
}

} // namespace freehold::ports
