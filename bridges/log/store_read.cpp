// The reading half of `lmdb_store`.
#include "bridges/log/batch_format.hpp"
#include "bridges/log/lmdb_calls.hpp"
#include "bridges/log/lmdb_store.hpp"
#include "bridges/log/lmdb_values.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace freehold::bridges::log {

using internal::cursor_guard;
using internal::decode_bounds;
using internal::decode_topic;
using internal::get;
using internal::read_guard;
using internal::value_of;
using internal::view;
using internal::view_of;

result<std::vector<ports::topic_description>> lmdb_store::topics() {
  std::shared_lock shared{environment_gate_};
  MDB_txn* transaction = nullptr;
  if (const int code = begin_read(&transaction, shared); code != 0)
    return describe(code, "reading the topics");
  const read_guard guard{transaction};
  std::vector<ports::topic_description> all;
  for (std::uint32_t topic = 0;; ++topic) {
    std::string_view bytes;
    int code = get(transaction, topics_,
                   view_of(internal::make_topic_key(topic)), bytes);
    if (code == MDB_NOTFOUND)
      break;
    if (code != 0)
      return describe(code, "reading the topics");
    auto spec = decode_topic(bytes);
    if (!spec)
      return corrupt("topic " + std::to_string(topic));
    ports::topic_description described{std::move(*spec), {}};
    for (std::uint32_t p = 0; p < described.spec.partition_count; ++p) {
      code = get(transaction, bounds_,
                 view_of(internal::make_partition_key({topic, p})), bytes);
      const auto bounds = code == 0 ? decode_bounds(bytes) : std::nullopt;
      if (!bounds)
        return corrupt("bounds of " + described.spec.name + "/"
                       + std::to_string(p));
      described.partitions.push_back(*bounds);
    }
    all.push_back(std::move(described));
  }
  MDB_stat counted{};
  mdb_stat(transaction, topics_, &counted);
  if (counted.ms_entries != all.size())
    return corrupt("a topic is missing");
  return all;
}

namespace {

/// Five sizes of one byte each.
constexpr std::size_t record_bytes_min = 5;

/// The memory behind the records that a read hands out.
struct owned_batch final : ports::record_batch {
  std::unique_ptr<char[]> bytes;
};

/// Moves to the batch that has the offset, or to the last one before it; the
/// partition of what is found is for the caller to check.
int seek_batch(MDB_cursor* cursor, stored_partition where, std::int64_t offset,
               MDB_val& key, MDB_val& value) {
  const auto start = internal::make_batch_key(where, offset);
  key = value_of(view_of(start));
  const int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  if (code == MDB_NOTFOUND)
    return mdb_cursor_get(cursor, &key, &value, MDB_LAST);
  if (code == 0 && view(key) != view_of(start))
    return mdb_cursor_get(cursor, &key, &value, MDB_PREV);
  return code;
}

/// For messages.
std::string name_of(stored_partition where, std::int64_t offset) {
  return "topic number " + std::to_string(where.topic) + ", partition "
         + std::to_string(where.partition) + ", offset "
         + std::to_string(offset);
}

} // namespace

struct lmdb_store::stored_batch {
  /// Of the transaction that found it.
  std::string_view bytes;
  std::int64_t base = 0;
};

struct lmdb_store::found_batches {
  std::vector<stored_batch> batches;
  /// Of all of them.
  std::size_t bytes = 0;
  std::size_t records = 0;
  /// After the last of them.
  next_offset next;
};

result<lmdb_store::found_batches>
lmdb_store::find_batches(MDB_txn* transaction, stored_partition where,
                         next_offset from, std::uint32_t bytes_max) const {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(transaction, batches_, &cursor);
      code != 0)
    return describe(code, "reading");
  const cursor_guard close{cursor};
  MDB_val key{};
  MDB_val value{};
  int code = seek_batch(cursor, where, from.value(), key, value);
  found_batches found;
  found.next = from;
  std::size_t wanted = bytes_max;
  while (code == 0 && internal::key_is_of(view(key), where)) {
    batch_header header;
    const std::int64_t base = internal::offset_in(view(key));
    if (!read_batch_header(view(value), header) || header.base_offset != base
        || header.topic != where.topic || header.partition != where.partition
        || base > found.next.value() || header.next() <= found.next
        || header.count > header.last_delta + std::uint64_t{1})
      return corrupt("the batch before or at "
                     + name_of(where, found.next.value()));
    found.batches.push_back({view(value), base});
    found.bytes += value.mv_size;
    found.records += header.count;
    found.next = header.next();
    if (value.mv_size >= wanted)
      break;
    wanted -= value.mv_size;
    code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
  }
  if (code != 0 && code != MDB_NOTFOUND)
    return describe(code, "reading");
  if (found.batches.empty())
    return corrupt("nothing is stored at " + name_of(where, from.value()));
  return found;
}

result<ports::record_batch_ptr> lmdb_store::read(stored_partition where,
                                                 next_offset from,
                                                 std::uint32_t bytes_max,
                                                 topic_partition as) {
  std::shared_lock shared{environment_gate_};
  MDB_txn* transaction = nullptr;
  if (const int code = begin_read(&transaction, shared); code != 0)
    return describe(code, "reading");
  const read_guard guard{transaction};
  std::string_view bytes;
  if (const int code = get(transaction, bounds_,
                           view_of(internal::make_partition_key(where)), bytes);
      code != 0)
    return code == MDB_NOTFOUND
               ? error{errc::not_found,
                       name_of(where, from.value()) + ": no such"}
               : describe(code, "reading");
  const auto bounds = decode_bounds(bytes);
  if (!bounds)
    return corrupt("bounds of " + name_of(where, from.value()));
  if (from < bounds->begin || from > bounds->end)
    return error{errc::not_found,
                 name_of(where, from.value())
                     + " lies outside of what is kept: ["
                     + std::to_string(bounds->begin.value()) + ", "
                     + std::to_string(bounds->end.value()) + ")"};
  auto batch = std::make_shared<owned_batch>();
  batch->source = as;
  batch->next = from;
  batch->end = bounds->end;
  if (from == bounds->end)
    return ports::record_batch_ptr{std::move(batch)};

  const auto found = find_batches(transaction, where, from, bytes_max);
  if (!found)
    return found.error();
  batch->bytes = std::make_unique_for_overwrite<char[]>(found->bytes);
  char* out = batch->bytes.get();
  batch->records.reserve(
      std::min(found->records, found->bytes / record_bytes_min));
  batch->next = found->next;
  std::uint64_t left = bytes_max;
  for (const stored_batch& each : found->batches) {
    std::memcpy(out, each.bytes.data(), each.bytes.size());
    const std::string_view copied{out, each.bytes.size()};
    out += each.bytes.size();
    const auto status = batch_is_sound(copied)
                            ? decode_records(copied, from, left, batch->records)
                            : decode_status::malformed;
    if (status == decode_status::malformed)
      return corrupt("checksum of the batch at " + name_of(where, each.base));
    if (status == decode_status::budget_used) {
      batch->next = after(batch->records.back().offset);
      break;
    }
  }
  return ports::record_batch_ptr{std::move(batch)};
}

result<void> lmdb_store::look_up(stored_partition where, ports::lookup& what) {
  std::shared_lock shared{environment_gate_};
  MDB_txn* transaction = nullptr;
  if (const int code = begin_read(&transaction, shared); code != 0)
    return describe(code, "reading");
  const read_guard guard{transaction};
  std::string_view bytes;
  if (const int code = get(transaction, bounds_,
                           view_of(internal::make_partition_key(where)), bytes);
      code != 0)
    return describe(code, "reading");
  const auto bounds = decode_bounds(bytes);
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(transaction, batches_, &cursor);
      code != 0)
    return describe(code, "reading");
  const cursor_guard close{cursor};
  std::vector<record> records;
  std::int64_t batch_at = -1;
  for (const record_offset wanted : what.offsets) {
    const auto unreadable = [&] {
      return corrupt("topic number " + std::to_string(where.topic)
                     + ", partition " + std::to_string(where.partition)
                     + ": the batch with offset "
                     + std::to_string(wanted.value()));
    };
    if (!bounds)
      return unreadable();
    const next_offset from{wanted.value()};
    if (from < bounds->begin || from >= bounds->end)
      continue;
    MDB_val key{};
    MDB_val value{};
    const int code = seek_batch(cursor, where, wanted.value(), key, value);
    if (code != 0 && code != MDB_NOTFOUND)
      return describe(code, "reading");
    if (code != 0 || !internal::key_is_of(view(key), where))
      return unreadable();
    if (const std::int64_t base = internal::offset_in(view(key));
        base != batch_at) {
      records.clear();
      batch_at = base;
      auto all = std::numeric_limits<std::uint64_t>::max();
      if (!batch_is_sound(view(value))
          || decode_records(view(value), next_offset{base}, all, records)
                 != decode_status::complete)
        return unreadable();
    }
    const auto found =
        std::lower_bound(records.begin(), records.end(), wanted,
                         [](const record& each, record_offset offset) {
                           return each.offset < offset;
                         });
    if (found != records.end() && found->offset == wanted)
      what.found(*found);
  }
  return {};
}

} // namespace freehold::bridges::log
