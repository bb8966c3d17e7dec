#include "runtime/engine/dedupe_table.hpp"

#include "runtime/base/hash.hpp"

#include <algorithm>
#include <utility>

namespace freehold::engine {

changelog::message_fingerprint
fingerprint_of(std::string_view entity, std::string_view key,
               std::string_view event_id) noexcept {
  // Two independent 64-bit chains over the three texts.
  const std::uint64_t e = key_hash(entity);
  const std::uint64_t k = key_hash(key);
  const std::uint64_t i = key_hash(event_id);
  std::uint64_t high = 0x243F6A8885A308D3ULL;
  for (const std::uint64_t each : {i, k, e}) {
    high = (high ^ each) * 0xBF58476D1CE4E5B9ULL;
    high ^= high >> 31;
  }
  const std::uint32_t first = murmur2(event_id);
  const std::uint32_t second = crc32c(event_id, crc32c(key, crc32c(entity)));
  const std::uint64_t low = ((std::uint64_t{first} << 32U) | second)
                            ^ (k * 0x9E3779B97F4A7C15ULL)
                            ^ (e * 0x94D049BB133111EBULL);
  return {high, low * 0xD6E8FEB86659FD93ULL};
}

dedupe_table::kept_answer*
dedupe_table::find(const changelog::message_fingerprint& id, timestamp now) {
  const auto found = answers_.find(id);
  if (found == answers_.end() || is_past(found->second.time, now))
    return nullptr;
  return &found->second;
}

std::uint64_t dedupe_table::insert(const changelog::message_fingerprint& id,
                                   kept_answer answer) {
  order_.emplace_back(answer.time, id);
  const auto [at, is_new] = answers_.try_emplace(id);
  kept_answer& here = at->second;
  const std::uint64_t replaced_bytes = here.packed_bytes;
  if (!is_new)
    bytes_ -= bytes_of(here);
  here = std::move(answer);
  bytes_ += bytes_of(here);
  return replaced_bytes;
}

void dedupe_table::erase(const changelog::message_fingerprint& id) {
  const auto found = answers_.find(id);
  if (found == answers_.end())
    return;
  bytes_ -= bytes_of(found->second);
  answers_.erase(found);
}

std::uint64_t dedupe_table::expire(timestamp now) {
  std::uint64_t bytes = 0;
  while (!order_.empty()) {
    const auto [time, id] = order_.front();
    const auto found = answers_.find(id);
    const bool present = found != answers_.end() && found->second.time == time;
    if (present) {
      const bool past = is_past(time, now);
      if (!past && answers_.size() <= entries_max_ && bytes_ <= bytes_max_)
        break;
      if (!past)
        ++forgotten_;
      bytes += found->second.packed_bytes;
      bytes_ -= bytes_of(found->second);
      answers_.erase(found);
    }
    order_.pop_front();
  }
  return bytes;
}

void dedupe_table::clear() {
  answers_.clear();
  order_.clear();
  bytes_ = 0;
}

void dedupe_table::sort_by_time() {
  std::stable_sort(
      order_.begin(), order_.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
}

} // namespace freehold::engine
