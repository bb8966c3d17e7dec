#pragma once

#include "runtime/base/record.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::node {

/// What `log_reader::topics` gives: several walks with one list are as of one
/// moment.
using topic_list = std::vector<ports::topic_description>;

/// Visits the committed records of one partition of a topic in order:
/// `result<void> visit(const record&)`. An error of the visitor ends the walk
/// and gets the record's place. Nothing where there is no such topic yet.
template <class Visit>
result<void> walk_partition(ports::log_reader& from, const topic_list& topics,
                            std::string_view topic, std::uint32_t partition,
                            Visit&& visit) {
  constexpr std::uint32_t read_bytes = 1U << 20U;
  for (std::uint32_t t = 0; t < topics.size(); ++t) {
    if (topics[t].spec.name != topic
        || partition >= topics[t].partitions.size())
      continue;
    const ports::partition_bounds bounds = topics[t].partitions[partition];
    for (next_offset at = bounds.begin; at < bounds.end;) {
      const auto batch = from.read({topic_index{t}, partition_index{partition}},
                                   at, read_bytes);
      if (!batch)
        return batch.error();
      for (const record& each : (*batch)->records)
        if (auto taken = visit(each); !taken)
          return error{taken.error().code,
                       std::string{topic} + " partition "
                           + std::to_string(partition) + " offset "
                           + std::to_string(each.offset.value()) + ": "
                           + taken.error().context};
      if ((*batch)->next <= at)
        break;
      at = (*batch)->next;
    }
  }
  return {};
}

/// The same for all partitions, one after the other.
template <class Visit>
result<void> walk_topic(ports::log_reader& from, const topic_list& topics,
                        std::string_view topic, Visit&& visit) {
  for (const auto& each : topics) {
    if (each.spec.name != topic)
      continue;
    for (std::uint32_t p = 0; p < each.partitions.size(); ++p)
      if (auto walked = walk_partition(from, topics, topic, p, visit); !walked)
        return walked;
  }
  return {};
}

} // namespace freehold::node
