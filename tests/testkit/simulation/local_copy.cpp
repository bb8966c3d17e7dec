#include "tests/testkit/simulation/local_copy.hpp"

#include <algorithm>
#include <iterator>

namespace freehold::simulation {

/// Records that others have the memory of.
struct local_copy::part final : ports::record_batch {
  std::vector<std::shared_ptr<const void>> memory;
};

namespace {

/// The first batch with a record from there on.
template <class Batches>
auto batch_from(Batches& batches, next_offset from) {
  return std::partition_point(
      batches.begin(), batches.end(), [from](const auto& each) {
        return after(each->records.back().offset) <= from;
      });
}

} // namespace

const local_copy::kept* local_copy::find(std::uint32_t shard) const {
  const auto known = shards_.find(shard);
  return known == shards_.end() ? nullptr : &known->second;
}

bool local_copy::open(std::uint32_t shard, next_offset begin, next_offset end,
                      bool trusts_all) {
  auto& of = shards_[shard];
  if (std::exchange(of.torn, false) && !of.batches.empty()) {
    of.end = next_offset{of.batches.back()->records.front().offset.value()};
    of.batches.pop_back();
  }
  if (trusts_all && of.end < begin && of.end > of.begin) {
    of.end = begin;
    return false;
  }
  if (of.end < begin || of.end > end) {
    const bool was_something = of.end > of.begin;
    of = {begin, begin, {}, false};
    return was_something;
  }
  truncate(shard, begin);
  return false;
}

void local_copy::append(std::uint32_t shard, record_offset first,
                        const std::shared_ptr<const producer_batch>& what) {
  auto& of = shards_[shard];
  auto made = std::make_shared<part>();
  made->records = what->records;
  made->memory.push_back(what);
  for (std::size_t i = 0; i < made->records.size(); ++i)
    made->records[i].offset =
        record_offset{first.value() + static_cast<std::int64_t>(i)};
  of.end = after(made->records.back().offset);
  of.batches.push_back(std::move(made));
}

void local_copy::append(std::uint32_t shard, next_offset from,
                        const ports::record_batch_ptr& what) {
  const auto known = shards_.find(shard);
  if (known == shards_.end() || known->second.end != from)
    return;
  known->second.end = what->next;
  if (!what->records.empty())
    known->second.batches.push_back(what);
}

void local_copy::truncate(std::uint32_t shard, next_offset before) {
  const auto known = shards_.find(shard);
  if (known == shards_.end() || before <= known->second.begin)
    return;
  auto& of = known->second;
  of.begin = std::min(before, of.end);
  of.batches.erase(of.batches.begin(), batch_from(of.batches, of.begin));
}

next_offset local_copy::begin(std::uint32_t shard) const {
  const kept* const of = find(shard);
  return of == nullptr ? next_offset{0} : of->begin;
}

bool local_copy::has(std::uint32_t shard, next_offset from) const {
  const kept* const of = find(shard);
  return of != nullptr && from >= of->begin && from < of->end;
}

ports::record_batch_ptr local_copy::read(std::uint32_t shard, next_offset from,
                                         std::uint32_t bytes_max,
                                         topic_partition as) const {
  const kept& of = *find(shard);
  auto found = std::make_shared<part>();
  found->source = as;
  found->next = of.end;
  // Where the log ends is not for a copy to say.
  found->end = next_offset{of.end.value() + 1};
  std::uint64_t bytes = 0;
  for (auto it = batch_from(of.batches, from); it != of.batches.end(); ++it) {
    found->memory.push_back(*it);
    for (const record& each : (*it)->records) {
      if (next_offset{each.offset.value()} < from)
        continue;
      if (bytes > 0 && bytes + each.value.size() > bytes_max) {
        found->next = after(found->records.back().offset);
        return found;
      }
      bytes += std::max<std::uint64_t>(each.value.size(), 1);
      found->records.push_back(each);
    }
  }
  return found;
}

bool local_copy::look_up(std::uint32_t shard, ports::lookup& what) const {
  const kept* const of = find(shard);
  if (of == nullptr)
    return false;
  for (const record_offset each : what.offsets)
    if (next_offset{each.value()} < of->begin
        || next_offset{each.value()} >= of->end)
      return false;
  for (const record_offset wanted : what.offsets) {
    const auto in = batch_from(of->batches, next_offset{wanted.value()});
    if (in == of->batches.end())
      continue;
    const auto one = std::partition_point(
        (*in)->records.begin(), (*in)->records.end(),
        [wanted](const record& each) { return each.offset < wanted; });
    if (one != (*in)->records.end() && one->offset == wanted)
      what.found(*one);
  }
  return true;
}

void local_copy::tear() {
  for (auto& [shard, of] : shards_)
    of.torn = true;
}

} // namespace freehold::simulation
