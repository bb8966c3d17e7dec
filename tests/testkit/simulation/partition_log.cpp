#include "tests/testkit/simulation/partition_log.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace freehold::simulation {

namespace {

std::string_view keep(char*& out, std::string_view from) {
  if (from.data() == nullptr)
    return {};
  std::memcpy(out, from.data(), from.size());
  const std::string_view kept{out, from.size()};
  out += from.size();
  return kept;
}

std::uint64_t size_of(const record& one) {
  return one.key.size() + one.value.size() + one.headers.packed().size();
}

} // namespace

std::shared_ptr<producer_batch>
producer_batch::copy(const std::vector<const ports::append*>& all) {
  auto made = std::make_shared<producer_batch>();
  for (const auto* each : all)
    made->size_bytes +=
        each->key.size() + each->value.size() + each->headers.packed().size();
  // One byte more: empty is not null, even where nothing was copied.
  made->bytes = std::make_unique_for_overwrite<char[]>(made->size_bytes + 1);
  made->records.reserve(all.size());
  char* out = made->bytes.get();
  for (const auto* each : all) {
    const std::string_view key = keep(out, each->key);
    const std::string_view value = keep(out, each->value);
    const std::string_view headers = keep(out, each->headers.packed());
    made->records.push_back(
        {record_offset{0}, each->time, key, value, header_list{headers}});
  }
  return made;
}

/// Records of several batches, with their memory.
struct partition_log::view final : ports::record_batch {
  std::vector<std::shared_ptr<const producer_batch>> kept;
};

next_offset partition_log::stable_end() const noexcept {
  next_offset end = end_;
  for (const auto& [producer, first] : open_)
    end = std::min(end, first);
  return end;
}

void partition_log::adopt(producer_state& known, std::int32_t epoch) {
  if (epoch <= known.epoch)
    return;
  known = {};
  known.epoch = epoch;
}

partition_log::appended
partition_log::append(producer_session who, std::int32_t sequence,
                      const std::shared_ptr<const producer_batch>& what,
                      record_offset& first) {
  auto& known = producers_[who.id];
  if (who.epoch < known.epoch)
    return appended::fenced;
  adopt(known, who.epoch);
  for (const auto& [seen, place] : known.recent)
    if (seen == sequence) {
      first = place;
      return appended::duplicate;
    }
  if (sequence != known.next_sequence)
    return appended::out_of_order;
  ++known.next_sequence;
  first = first_at(end_);
  known.recent.emplace_back(sequence, first);
  if (known.recent.size() > recent_max)
    known.recent.pop_front();
  open_.try_emplace(who.id, end_);
  entries_.push_back({end_, what, who, false});
  end_ = next_offset{end_.value()
                     + static_cast<std::int64_t>(what->records.size())};
  return appended::done;
}

record_offset
partition_log::append(const std::shared_ptr<const producer_batch>& what) {
  const record_offset first = first_at(end_);
  entries_.push_back({end_, what, {}, false});
  end_ = next_offset{end_.value()
                     + static_cast<std::int64_t>(what->records.size())};
  return first;
}

void partition_log::end_transaction(producer_session who, bool commit) {
  adopt(producers_[who.id], who.epoch);
  const auto open = open_.find(who.id);
  if (open != open_.end()) {
    if (!commit)
      for (auto it = entries_.rbegin();
           it != entries_.rend() && it->base >= open->second; ++it)
        if (it->who.id == who.id)
          it->aborted = true;
    open_.erase(open);
  }
  end_ = next_offset{end_.value() + 1};
}

void partition_log::truncate(next_offset before) {
  begin_ = std::max(begin_, std::min(before, end_));
  while (!entries_.empty()
         && entries_.front().base.value()
                    + static_cast<std::int64_t>(
                        entries_.front().what->records.size())
                <= begin_.value())
    entries_.pop_front();
}

std::deque<partition_log::entry>::const_iterator
partition_log::at(next_offset from) const {
  return std::partition_point(
      entries_.begin(), entries_.end(), [from](const entry& each) {
        return each.base.value()
                   + static_cast<std::int64_t>(each.what->records.size())
               <= from.value();
      });
}

result<ports::record_batch_ptr> partition_log::read(next_offset from,
                                                    std::uint32_t bytes_max,
                                                    topic_partition as) const {
  if (!is_kept(from))
    return error{errc::not_found,
                 "topic number " + std::to_string(as.topic.value())
                     + ", partition " + std::to_string(as.partition.value())
                     + ", offset " + std::to_string(from.value())
                     + " lies outside of what is kept: ["
                     + std::to_string(begin_.value()) + ", "
                     + std::to_string(end_.value()) + ")"};
  auto found = std::make_shared<view>();
  const next_offset stable = stable_end();
  found->source = as;
  found->end = stable;
  found->next = std::max(from, stable);
  std::uint64_t left = bytes_max;
  for (auto it = at(from); it != entries_.end() && it->base < stable; ++it) {
    if (it->aborted)
      continue;
    bool taken = false;
    for (std::size_t i = 0; i < it->what->records.size(); ++i) {
      const record_offset offset{it->base.value()
                                 + static_cast<std::int64_t>(i)};
      if (offset < first_at(from))
        continue;
      record one = it->what->records[i];
      const std::uint64_t size = size_of(one);
      if (size > left && !found->records.empty()) {
        found->next = after(found->records.back().offset);
        return ports::record_batch_ptr{std::move(found)};
      }
      left -= std::min(left, size);
      one.offset = offset;
      found->records.push_back(one);
      if (!std::exchange(taken, true))
        found->kept.push_back(it->what);
    }
  }
  return ports::record_batch_ptr{std::move(found)};
}

bool partition_log::look_up(ports::lookup& what) const {
  const next_offset stable = stable_end();
  for (const record_offset wanted : what.offsets)
    if (const next_offset from{wanted.value()}; from >= stable && from < end_)
      return false;
  for (const record_offset wanted : what.offsets) {
    const next_offset from{wanted.value()};
    if (from < begin_ || from >= end_)
      continue;
    const auto it = at(from);
    if (it == entries_.end() || it->base > from || it->aborted)
      continue;
    record one = it->what->records[static_cast<std::size_t>(
        wanted.value() - it->base.value())];
    one.offset = wanted;
    what.found(one);
  }
  return true;
}

} // namespace freehold::simulation
