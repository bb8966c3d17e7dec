#include "bridges/log/unit_writer.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace freehold::bridges::log {

namespace {

/// How many batches a transaction deletes at the least, and how many for each
/// one that it writes: deleting keeps up, and no unit waits long for it.
constexpr std::uint32_t deletes_min = 64;
constexpr std::uint32_t deletes_per_write = 4;
/// How far retention looks ahead in one partition at a time.
constexpr std::uint32_t aged_batches_max = 256;

} // namespace

unit_writer::unit_writer(const ports::log_layout& layout,
                         const std::vector<std::uint32_t>& stored_topics,
                         settings limits)
    : limits_(limits) {
  for (std::uint32_t t = 0; t < layout.topics.size(); ++t) {
    const ports::topic_spec& spec = layout.topics[t];
    topics_.push_back({spec.name, stored_topics[t], spec.partition_count,
                       partitions_.size(), spec.role, spec.retention});
    for (std::uint32_t p = 0; p < spec.partition_count; ++p) {
      partition_entry one;
      one.name = {topic_index{t}, partition_index{p}};
      one.stored = {stored_topics[t], p};
      partitions_.push_back(std::move(one));
    }
  }
}

result<void>
unit_writer::load(const std::vector<ports::topic_description>& stored) {
  undo();
  for (const partition_entry& one : partitions_)
    if (one.stored.topic >= stored.size()
        || one.stored.partition >= stored[one.stored.topic].partitions.size())
      return error{errc::corrupt, "the log has lost topic number "
                                      + std::to_string(one.stored.topic)
                                      + ", partition "
                                      + std::to_string(one.stored.partition)
                                      + ": restore its directory from a copy"};
  for (partition_entry& one : partitions_) {
    one.bounds = stored[one.stored.topic].partitions[one.stored.partition];
    one.next_bounds = one.bounds;
    // Never more than is there: what comes next takes the same offsets.
    one.unwanted_below = std::min(one.unwanted_below, one.bounds.end);
    // Whatever a former life left in front of the begin.
    want_deleted(one, one.bounds.begin);
  }
  return {};
}

result<void> unit_writer::check(const ports::unit_part& part,
                                bool changelog_allowed) const {
  for (const ports::append& each : part.appends) {
    if (!exists(each.target))
      return error{errc::not_found,
                   "topic " + std::to_string(each.target.topic.value())
                       + ", partition "
                       + std::to_string(each.target.partition.value())
                       + " is not in the layout"};
    if (!changelog_allowed
        && topics_[each.target.topic.value()].role
               == ports::topic_role::changelog)
      return error{errc::invalid_argument,
                   "only a commit unit may write to the changelog"};
    const std::size_t size =
        each.key.size() + each.value.size() + each.headers.packed().size();
    if (size > limits_.record_bytes_max)
      return error{errc::limit_reached,
                   "a record of " + std::to_string(size)
                       + " bytes is larger than the log's limit of "
                       + std::to_string(limits_.record_bytes_max)};
  }
  return {};
}

result<void> unit_writer::add(store_write& into, const ports::unit_part& part,
                              std::vector<record_offset>* changelog_offsets) {
  for (const ports::append& each : part.appends) {
    partition_entry& one = partitions_[place(each.target)];
    touch(one);
    const std::size_t size = each.key.size() + each.value.size()
                             + each.headers.packed().size()
                             + record_overhead_bytes_max;
    const bool is_changelog =
        topics_[each.target.topic.value()].role == ports::topic_role::changelog;
    if (!one.batch.empty()
        && one.batch.size_bytes() + size > (is_changelog
                                                ? limits_.changelog_batch_bytes
                                                : limits_.batch_bytes))
      if (auto flushed = flush(into, one); !flushed)
        return flushed;
    const record_offset offset = first_at(one.next_bounds.end);
    one.batch.add(offset, each);
    one.next_bounds.end = after(offset);
    if (changelog_offsets != nullptr && is_changelog)
      changelog_offsets->push_back(offset);
  }
  return {};
}

void unit_writer::take_positions(const ports::unit_part& part) {
  for (const auto& [source, next] : part.positions)
    if (exists(source)
        && topics_[source.topic.value()].role == ports::topic_role::source)
      positions_.emplace_back(place(source), next);
}

void unit_writer::truncate(topic_partition target, next_offset before) {
  want_deleted(partitions_[place(target)], before);
}

void unit_writer::touch(partition_entry& one) {
  if (std::exchange(one.touched, true))
    return;
  one.next_bounds = one.bounds;
  touched_.push_back(place(one.name));
}

void unit_writer::want_deleted(partition_entry& one, next_offset before) {
  // What the transaction adds is not there before it came through: a mark on
  // it would outlive an undone unit and delete what takes its offsets.
  before = std::min(before, one.bounds.end);
  if (before <= one.unwanted_below)
    return;
  one.unwanted_below = before;
  if (!std::exchange(one.deleting, true))
    deleting_.push_back(place(one.name));
}

result<void> unit_writer::age(store_write& within) {
  for (partition_entry& one : partitions_) {
    const topic_entry& topic = topics_[one.name.topic.value()];
    const bool source = topic.role == ports::topic_role::source;
    if ((!source && topic.role != ports::topic_role::output)
        || topic.retention.count() <= 0 || one.bounds.begin == one.bounds.end
        || (source && !one.taken))
      continue;
    const auto found = within.aged_until(
        one.stored, one.bounds.begin,
        timestamp{now_.value() - topic.retention.count()}, aged_batches_max);
    if (!found)
      return found.error();
    want_deleted(one,
                 source ? std::min(found->until, *one.taken) : found->until);
    if (found->damaged_at && !std::exchange(one.damage_told, true))
      warnings_.push_back(
          {errc::corrupt,
           "topic " + topic.name + ", partition "
               + std::to_string(one.name.partition.value())
               + ": the batch at offset " + std::to_string(*found->damaged_at)
               + " is damaged, so that retention deletes nothing from there "
                 "on; restore the log's directory from a copy"});
  }
  return {};
}

result<void> unit_writer::flush(store_write& into, partition_entry& one) {
  if (!one.append_time) {
    const auto newest = into.newest_append_time(one.stored);
    if (!newest)
      return newest.error();
    one.append_time = *newest;
  }
  one.append_time = std::max(*one.append_time, now_);
  const std::string_view bytes = one.batch.finish(
      one.stored.topic, one.stored.partition, *one.append_time);
  ++batches_written_;
  auto written = into.put_batch(one.stored, bytes);
  one.batch.clear();
  return written;
}

result<void> unit_writer::delete_some(store_write& into) {
  std::uint32_t left = deletes_min + batches_written_ * deletes_per_write;
  for (const std::size_t which : deleting_) {
    partition_entry& one = partitions_[which];
    if (one.unwanted_below > one.bounds.begin) {
      touch(one);
      one.next_bounds.begin = one.unwanted_below;
    }
    if (left == 0)
      continue;
    const auto deleted =
        into.delete_front(one.stored, one.unwanted_below, left);
    if (!deleted)
      return deleted.error();
    left -= deleted->batch_count;
    if (!deleted->more)
      deleted_.push_back(which);
  }
  return {};
}

result<void> unit_writer::finish(store_write& into) {
  for (const std::size_t which : touched_)
    if (!partitions_[which].batch.empty())
      if (auto flushed = flush(into, partitions_[which]); !flushed)
        return flushed;
  if (auto deleted = delete_some(into); !deleted)
    return deleted;
  for (const std::size_t which : touched_) {
    const partition_entry& one = partitions_[which];
    if (auto put = into.put_bounds(one.stored, one.next_bounds); !put)
      return put;
  }
  return {};
}

std::vector<topic_partition> unit_writer::accept() {
  std::vector<topic_partition> changed;
  changed.reserve(touched_.size());
  for (const std::size_t which : touched_) {
    partition_entry& one = partitions_[which];
    one.bounds = one.next_bounds;
    changed.push_back(one.name);
  }
  for (const auto& [which, next] : positions_)
    partitions_[which].taken = next;
  for (const std::size_t which : deleted_) {
    partitions_[which].deleting = false;
    std::erase(deleting_, which);
  }
  undo();
  return changed;
}

void unit_writer::undo() {
  for (const std::size_t which : touched_) {
    partitions_[which].touched = false;
    partitions_[which].batch.clear();
    partitions_[which].next_bounds = partitions_[which].bounds;
  }
  touched_.clear();
  deleted_.clear();
  positions_.clear();
  batches_written_ = 0;
}

} // namespace freehold::bridges::log
