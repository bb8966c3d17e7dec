#include "runtime/engine/bringing.hpp"

#include <algorithm>

namespace freehold::engine {

void bringing::want(entity_table& table, std::string_view key,
                    std::uint64_t hash, stored_place place) {
  wanted& one = all_.emplace_back();
  one.table = &table;
  one.key = key;
  one.hash = hash;
  one.place = place;
  bytes_wanted_ += place.live_bytes();
}

void bringing::seal(const changelog_index& index) {
  // By place; two keys of one hash may want the same.
  std::sort(all_.begin(), all_.end(), [](const wanted& a, const wanted& b) {
    return a.place.word() != b.place.word() ? a.place.word() < b.place.word()
                                            : a.key < b.key;
  });
  all_.erase(std::unique(all_.begin(), all_.end(),
                         [](const wanted& a, const wanted& b) {
                           return a.place == b.place && a.key == b.key;
                         }),
             all_.end());
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (i == 0 || all_[i].place.pack() != all_[i - 1].place.pack()) {
      offsets.push_back(index.at(all_[i].place.pack()).offset);
      firsts_.push_back(i);
    }
}

void bringing::found(const record& what) {
  while (next_record_ < offsets.size() && offsets[next_record_] < what.offset)
    ++next_record_;
  if (next_record_ == offsets.size() || offsets[next_record_] != what.offset)
    return; // a record that nobody asked for
  const std::size_t first = firsts_[next_record_];
  const std::size_t last = next_record_ + 1 < firsts_.size()
                               ? firsts_[next_record_ + 1]
                               : all_.size();
  for (std::size_t i = first; i < last; ++i) {
    wanted& one = all_[i];
    const auto entry =
        changelog::pack_reader::state_at(what.value, one.place.at());
    if (!entry) {
      fault_ = entry.error();
      return;
    }
    one.found =
        entry->key == one.key ? wanted::outcome::state : wanted::outcome::other;
    if (one.found == wanted::outcome::other)
      continue;
    one.schema = entry->schema;
    one.sequence = entry->sequence;
    one.begin = bytes_.size();
    bytes_.append(entry->bytes);
    one.end = bytes_.size();
  }
}

} // namespace freehold::engine
