#include "node/lag_watch.hpp"

#include "node/console.hpp"

#include <algorithm>

namespace freehold::node {

using std::chrono::milliseconds;

namespace {

std::string seconds_of(milliseconds time) {
  return with_commas(static_cast<std::uint64_t>(time.count()) / 1000) + " s";
}

std::string name_of(const partition_lag& which) {
  return which.topic + "/" + std::to_string(which.partition);
}

} // namespace

std::vector<lag_watch::finding>
lag_watch::look(const std::vector<partition_lag>& all, timestamp now) {
  std::vector<finding> found;
  std::uint64_t records = 0;
  const partition_lag* most = nullptr;
  milliseconds oldest{0};
  for (const auto& each : all) {
    records += each.records;
    oldest = std::max(oldest, each.behind);
    if (each.records > 0 && (most == nullptr || each.records > most->records))
      most = &each;
  }
  if (most != nullptr) {
    const bool is_above = records > how_.warning_records;
    std::string text = "lag: " + with_commas(records) + " records behind";
    if (is_above)
      text += ", above lag.warning-records ("
              + with_commas(how_.warning_records) + ")";
    found.push_back({is_above, text + "; most of them in " + name_of(*most)
                                   + ": " + with_commas(most->records)
                                   + ", the oldest is " + seconds_of(oldest)
                                   + " old"});
  } else if (was_behind_) {
    found.push_back({false, "lag: none"});
  }
  was_behind_ = most != nullptr;
  look_for_standing(all, now, found);
  return found;
}

std::optional<milliseconds> lag_watch::stands_for(const standings& before,
                                                  const place& where,
                                                  next_offset position,
                                                  timestamp now,
                                                  standings& now_known) const {
  const auto known = before.find(where);
  if (known == before.end() || known->second.position != position) {
    now_known[where] = {position, now, milliseconds{0}};
    return std::nullopt;
  }
  standing& one = now_known[where] = known->second;
  const milliseconds lasted{now.value() - one.since.value()};
  if (lasted < how_.stuck_after || lasted < one.said * 2)
    return std::nullopt;
  one.said = lasted;
  return lasted;
}

void lag_watch::look_for_standing(const std::vector<partition_lag>& all,
                                  timestamp now, std::vector<finding>& into) {
  standings still;
  for (const auto& each : all) {
    if (each.records == 0)
      continue;
    const auto lasted = stands_for(standing_, {each.topic, each.partition},
                                   each.position, now, still);
    if (lasted)
      into.push_back(
          {true, "shard " + std::to_string(each.partition)
                     + " stands still: " + name_of(each) + " at offset "
                     + std::to_string(each.position.value()) + " for "
                     + seconds_of(*lasted) + ", with "
                     + with_commas(each.records) + " records to take"
                     + (each.is_paused
                            ? "; it reads nothing, because its held messages "
                              "or timers are at their bound (engine."
                              "held-bytes-max, engine.timer-bytes-max)"
                            : "; does a handler not return, or does no unit "
                              "succeed? The lines before this one say")});
  }
  standing_ = std::move(still);
}

std::vector<lag_watch::finding>
lag_watch::look_at_restores(const std::vector<engine::restore_position>& all,
                            timestamp now) {
  std::vector<finding> found;
  standings still;
  for (const auto& each : all) {
    const auto lasted = stands_for(standing_restores_, {"", each.shard.value()},
                                   each.next, now, still);
    if (lasted)
      found.push_back(
          {true, "shard " + std::to_string(each.shard.value())
                     + " is not served: its changelog is read to offset "
                     + std::to_string(each.next.value()) + " of "
                     + std::to_string(each.end.value())
                     + ", and no further for " + seconds_of(*lasted)
                     + "; on Kafka a transaction that was never ended keeps "
                       "what lies behind it from all readers "
                       "(kafka-transactions.sh find-hanging)"});
  }
  standing_restores_ = std::move(still);
  return found;
}

} // namespace freehold::node
