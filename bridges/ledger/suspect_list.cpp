#include "bridges/ledger/suspect_list.hpp"

#include <algorithm>
#include <utility>

namespace freehold::bridges::ledger::internal {

using suspect = ports::crash_ledger::suspect;

bool same_record(const suspect& left, const suspect& right) {
  return left.offset == right.offset && left.partition == right.partition
         && left.topic == right.topic;
}

void add_deaths(std::vector<suspect>& suspects,
                const std::vector<last_words>& slots,
                const std::vector<std::string>& topics) {
  for (const last_words& slot : slots) {
    if (slot.source == ports::crash_slot::idle)
      continue;
    const std::uint64_t topic = slot.source >> 32U;
    const partition_index partition{
        static_cast<std::uint32_t>(slot.source & 0xFFFFFFFFU)};
    suspect died{topic < topics.size() ? topics[topic] : "timer", partition,
                 slot.offset, 1};
    const auto known = std::find_if(
        suspects.begin(), suspects.end(),
        [&](const suspect& each) { return same_record(each, died); });
    if (known != suspects.end())
      ++known->deaths;
    else
      suspects.push_back(std::move(died));
  }
  if (suspects.size() <= suspects_max)
    return;
  std::stable_sort(suspects.begin(), suspects.end(),
                   [](const suspect& left, const suspect& right) {
                     return left.deaths > right.deaths;
                   });
  suspects.resize(suspects_max);
}

} // namespace freehold::bridges::ledger::internal
