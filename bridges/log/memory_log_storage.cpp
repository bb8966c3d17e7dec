#include "bridges/log/memory_log_storage.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace freehold::bridges::log {

namespace {

std::string_view keep(char*& out, std::string_view bytes) {
  if (bytes.data() == nullptr)
    return {};
  const char* const begin = out;
  if (!bytes.empty())
    std::memcpy(out, bytes.data(), bytes.size());
  out += bytes.size();
  return {begin, bytes.size()};
}

std::uint64_t size_of(const record& one) {
  return one.key.size() + one.value.size() + one.headers.packed().size();
}

} // namespace

/// Records of several runs, which it keeps alive.
struct memory_log_storage::view final : ports::record_batch {
  std::vector<std::shared_ptr<const run>> runs;
};

result<std::vector<std::uint32_t>>
memory_log_storage::ensure(const ports::log_layout& layout) {
  std::vector<std::uint32_t> numbers;
  std::vector<const ports::topic_spec*> missing;
  for (const ports::topic_spec& spec : layout.topics) {
    const auto found =
        std::find_if(topics_.begin(), topics_.end(), [&](const auto& each) {
          return each.spec.name == spec.name;
        });
    if (found == topics_.end()) {
      numbers.push_back(
          static_cast<std::uint32_t>(topics_.size() + missing.size()));
      missing.push_back(&spec);
      continue;
    }
    if (found->spec.partition_count != spec.partition_count)
      return error{errc::mismatch,
                   "topic " + spec.name + " has "
                       + std::to_string(found->spec.partition_count)
                       + " partitions and "
                       + std::to_string(spec.partition_count)
                       + " in the configuration: configure the former number"};
    numbers.push_back(static_cast<std::uint32_t>(found - topics_.begin()));
  }
  for (const ports::topic_spec* const spec : missing) {
    topic_entry& made = topics_.emplace_back();
    made.spec = *spec;
    made.partitions.resize(spec->partition_count);
  }
  return numbers;
}

ports::partition_bounds
memory_log_storage::bounds(std::uint32_t topic, std::uint32_t partition) const {
  const partition_entry& one = topics_[topic].partitions[partition];
  return {one.begin, one.end};
}

std::vector<memory_log_storage::addition>
memory_log_storage::sort_by_partition(const std::vector<addition>& all) {
  std::vector<addition> touched;
  for (std::size_t i = 0; i < all.size(); ++i) {
    partition_entry& one = at(all[i]);
    if (one.pending.empty())
      touched.push_back(all[i]);
    one.pending.push_back(i);
  }
  return touched;
}

std::vector<record_offset>
memory_log_storage::apply(const std::vector<addition>& all) {
  std::vector<record_offset> offsets(all.size());
  for (const addition& target : sort_by_partition(all)) {
    partition_entry& one = at(target);
    auto made = std::make_shared<run>();
    for (const std::size_t i : one.pending)
      made->size_bytes += all[i].what->key.size() + all[i].what->value.size()
                          + all[i].what->headers.packed().size();
    // One byte more: empty is not null, even where nothing was copied.
    made->bytes = std::make_unique_for_overwrite<char[]>(made->size_bytes + 1);
    made->records.reserve(one.pending.size());
    char* out = made->bytes.get();
    for (const std::size_t i : one.pending) {
      const ports::append& what = *all[i].what;
      offsets[i] = first_at(one.end);
      one.end = after(offsets[i]);
      const std::string_view key = keep(out, what.key);
      const std::string_view value = keep(out, what.value);
      const std::string_view headers = keep(out, what.headers.packed());
      made->records.push_back(
          {offsets[i], what.time, key, value, header_list{headers}});
    }
    one.pending.clear();
    one.end = next_offset{one.end.value() + settings_.offsets_skipped_per_unit};
    made->next = one.end;
    made->end = one.end;
    // As the layout of whoever appended it calls the partition.
    made->source = target.what->target;
    one.runs.push_back(std::move(made));
  }
  return offsets;
}

void memory_log_storage::abandon(const std::vector<addition>& all) {
  if (settings_.offsets_skipped_per_unit == 0)
    return;
  for (const addition& target : sort_by_partition(all)) {
    partition_entry& one = at(target);
    one.end = next_offset{one.end.value()
                          + static_cast<std::int64_t>(one.pending.size())
                          + settings_.offsets_skipped_per_unit};
    one.pending.clear();
  }
}

void memory_log_storage::hold_late(std::vector<addition> all,
                                   std::shared_ptr<const void> owner) {
  late_.push_back({std::move(all), std::move(owner)});
}

std::vector<memory_log_storage::addition> memory_log_storage::land_late() {
  std::vector<addition> landed;
  for (const late_unit& each : std::exchange(late_, {})) {
    (void)apply(each.additions);
    for (addition one : each.additions) {
      one.what = nullptr; // gone with its owner
      landed.push_back(one);
    }
  }
  return landed;
}

void memory_log_storage::truncate(std::uint32_t topic, std::uint32_t partition,
                                  next_offset before) {
  partition_entry& one = topics_[topic].partitions[partition];
  one.begin = std::max(one.begin, std::min(before, one.end));
  while (!one.runs.empty()
         && after(one.runs.front()->records.back().offset) <= one.begin)
    one.runs.pop_front();
}

result<ports::record_batch_ptr>
memory_log_storage::read(std::uint32_t topic, std::uint32_t partition,
                         next_offset from, std::uint32_t bytes_max,
                         topic_partition as) const {
  const partition_entry& one = topics_[topic].partitions[partition];
  if (from < one.begin || from > one.end)
    return error{errc::not_found, "topic " + topics_[topic].spec.name
                                      + ", partition "
                                      + std::to_string(partition) + ", offset "
                                      + std::to_string(from.value())
                                      + " lies outside of what is kept: ["
                                      + std::to_string(one.begin.value()) + ", "
                                      + std::to_string(one.end.value()) + ")"};
  auto at = std::partition_point(
      one.runs.begin(), one.runs.end(), [from](const auto& each) {
        return each->records.back().offset < first_at(from);
      });
  // The last run as a whole is what most fetches at the end want: as it is.
  if (at != one.runs.end() && at + 1 == one.runs.end() && (*at)->source == as
      && (*at)->end == one.end && (*at)->size_bytes <= bytes_max
      && (*at)->records.front().offset >= first_at(from))
    return ports::record_batch_ptr{*at};

  auto found = std::make_shared<view>();
  found->source = as;
  found->end = one.end;
  found->next = one.end;
  std::uint64_t left = bytes_max;
  for (; at != one.runs.end(); ++at) {
    const auto& records = (*at)->records;
    auto first = records.begin();
    if (first->offset < first_at(from))
      first = std::partition_point(first, records.end(), [from](const auto& r) {
        return r.offset < first_at(from);
      });
    const bool whole = first == records.begin() && (*at)->size_bytes <= left;
    auto last = records.end();
    if (whole) {
      left -= (*at)->size_bytes;
    } else {
      for (last = first; last != records.end(); ++last) {
        const std::uint64_t size = size_of(*last);
        if (size > left && !(found->records.empty() && last == first))
          break;
        left -= std::min(left, size);
      }
    }
    if (first != last) {
      found->records.insert(found->records.end(), first, last);
      found->runs.push_back(*at);
    }
    if (last != records.end()) {
      found->next = after(found->records.back().offset);
      break;
    }
  }
  return ports::record_batch_ptr{std::move(found)};
}

void memory_log_storage::look_up(std::uint32_t topic, std::uint32_t partition,
                                 ports::lookup& what) const {
  const partition_entry& one = topics_[topic].partitions[partition];
  for (const record_offset wanted : what.offsets) {
    if (next_offset{wanted.value()} < one.begin)
      continue;
    const auto holder = std::partition_point(
        one.runs.begin(), one.runs.end(), [wanted](const auto& each) {
          return each->records.back().offset < wanted;
        });
    if (holder == one.runs.end())
      continue;
    const auto& records = (*holder)->records;
    const auto at = std::partition_point(
        records.begin(), records.end(),
        [wanted](const record& each) { return each.offset < wanted; });
    if (at->offset == wanted)
      what.found(*at);
  }
}

// -- reader ------------------------------------------------------------------

result<std::vector<ports::topic_description>> memory_log_reader::topics() {
  const std::lock_guard lock{storage_->gate()};
  std::vector<ports::topic_description> all;
  for (std::uint32_t t = 0; t < storage_->topic_count(); ++t) {
    ports::topic_description& one = all.emplace_back();
    one.spec = storage_->spec(t);
    for (std::uint32_t p = 0; p < one.spec.partition_count; ++p)
      one.partitions.push_back(storage_->bounds(t, p));
  }
  return all;
}

result<ports::record_batch_ptr>
memory_log_reader::read(topic_partition source, next_offset from,
                        std::uint32_t bytes_max) {
  const std::lock_guard lock{storage_->gate()};
  const std::uint32_t topic = source.topic.value();
  const std::uint32_t partition = source.partition.value();
  if (topic >= storage_->topic_count()
      || partition >= storage_->spec(topic).partition_count)
    return error{errc::not_found,
                 "topic number " + std::to_string(topic) + ", partition "
                     + std::to_string(partition) + ": no such"};
  return storage_->read(topic, partition, from, bytes_max, source);
}

} // namespace freehold::bridges::log
