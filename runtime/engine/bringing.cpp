#include "runtime/engine/bringing.hpp"

#include <algorithm>
#include <tuple>

namespace freehold::engine {

namespace {

auto order_of(const bringing::wanted& one) {
  return std::tuple{one.place.pack, std::string_view{one.key},
                    one.table->type_index()};
}

} // namespace

void bringing::want(entity_table& table, std::string_view key,
                    std::uint64_t hash, stored_place place) {
  wanted& one = all_.emplace_back();
  one.table = &table;
  one.key = key;
  one.hash = hash;
  one.place = place;
  bytes_wanted_ += place.bytes;
}

void bringing::seal(const changelog_index& index) {
  std::sort(all_.begin(), all_.end(), [](const wanted& a, const wanted& b) {
    return order_of(a) < order_of(b);
  });
  all_.erase(std::unique(all_.begin(), all_.end(),
                         [](const wanted& a, const wanted& b) {
                           return order_of(a) == order_of(b);
                         }),
             all_.end());
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (i == 0 || all_[i].place.pack != all_[i - 1].place.pack) {
      offsets.push_back(index.at(all_[i].place.pack - 1).offset);
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
  for (std::size_t i = first; i < last; ++i)
    all_[i].has_pack = true;
  auto reader = changelog::pack_reader::open(what.value);
  if (!reader) {
    fault_ = reader.error();
    return;
  }
  for (;;) {
    const auto next = reader->next();
    if (!next) {
      fault_ = next.error();
      return;
    }
    if (!*next)
      return;
    if (!changelog::is_state((*next)->kind))
      continue;
    if (const auto entry = changelog::pack_reader::state((*next)->payload))
      take(*entry, (*next)->bytes, first, last);
  }
}

void bringing::take(const changelog::state_entry& entry,
                    std::uint32_t entry_bytes, std::size_t first,
                    std::size_t last) {
  const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = all_.begin() + static_cast<std::ptrdiff_t>(last);
  auto at = begin;
  if (last - first > 1)
    at = std::lower_bound(begin, end, entry.key,
                          [](const wanted& each, std::string_view key) {
                            return each.key < key;
                          });
  for (; at != end && at->key == entry.key; ++at) {
    const auto type = types_.find(entry.schema);
    if (type == types_.end() || type->second != at->table->type_index())
      continue;
    at->has_entry = true;
    at->schema = entry.schema;
    at->sequence = entry.sequence;
    at->entry_bytes = entry_bytes;
    at->begin = bytes_.size();
    bytes_.append(entry.bytes);
    at->end = bytes_.size();
  }
}

} // namespace freehold::engine
