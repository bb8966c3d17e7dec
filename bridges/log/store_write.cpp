// The writing half of `lmdb_store`.
#include "bridges/log/batch_format.hpp"
#include "bridges/log/lmdb_calls.hpp"
#include "bridges/log/lmdb_check.hpp"
#include "bridges/log/lmdb_store.hpp"
#include "bridges/log/lmdb_values.hpp"
#include "runtime/base/assert.hpp"

#include <lmdb.h>

#include <cstring>
#include <string>
#include <utility>

namespace freehold::bridges::log {

using internal::put;
using internal::value_of;
using internal::view;

namespace {

/// A cursor over the batches of one partition, from the front.
class front_cursor {
public:
  front_cursor(MDB_txn* transaction, unsigned table, stored_partition where)
      : where_(where), start_(internal::make_batch_key(where, 0)) {
    code_ = mdb_cursor_open(transaction, table, &cursor_);
    key_ = value_of({start_.data(), start_.size()});
    step(MDB_SET_RANGE);
  }
  front_cursor(const front_cursor&) = delete;
  front_cursor& operator=(const front_cursor&) = delete;
  ~front_cursor() {
    if (cursor_ != nullptr)
      mdb_cursor_close(cursor_);
  }

  /// Whether it stands on a batch of the partition.
  [[nodiscard]] bool on_batch() const {
    return code_ == 0 && internal::key_is_of(view(key_), where_);
  }
  /// An error other than having come to the end.
  [[nodiscard]] int failure() const {
    return code_ == MDB_NOTFOUND ? 0 : code_;
  }
  [[nodiscard]] std::string_view value() const { return view(value_); }
  [[nodiscard]] std::int64_t base() const {
    return internal::offset_in(view(key_));
  }
  void next() { step(MDB_NEXT); }
  void erase() { code_ = mdb_cursor_del(cursor_, 0); }

private:
  void step(MDB_cursor_op how) {
    if (code_ == 0)
      code_ = mdb_cursor_get(cursor_, &key_, &value_, how);
  }

  stored_partition where_;
  internal::batch_key start_;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
  int code_ = 0;
};

} // namespace

store_write::mapping store_write::find_mapping() const {
  MDB_envinfo info{};
  mdb_env_info(store_.environment_, &info);
  MDB_stat form{};
  mdb_stat(transaction_, store_.meta_, &form);
  MDB_val key = value_of("format");
  MDB_val found{};
  if (mdb_get(transaction_, store_.meta_, &key, &found) != 0)
    return {};
  const auto address = reinterpret_cast<std::uintptr_t>(found.mv_data);
  const std::uintptr_t page = address - address % form.ms_psize;
  std::uint64_t number = 0;
  std::memcpy(&number, reinterpret_cast<const void*>(page), sizeof number);
  return {page - number * form.ms_psize, info.me_mapsize, form.ms_psize};
}

bool store_write::span_is_sound(std::string_view value) const {
  constexpr std::size_t header_bytes = 16;
  constexpr std::uint16_t overflow_page = 4; // and no bit more
  const auto address = reinterpret_cast<std::uintptr_t>(value.data());
  // What this transaction changed lies elsewhere and is its own work.
  if (address - map_.begin >= map_.size)
    return true;
  if (address % map_.page_size != header_bytes)
    return true; // lies within a leaf page
  std::uint64_t number = 0;
  std::uint16_t flags = 0;
  std::uint32_t pages = 0;
  const char* const page = value.data() - header_bytes;
  std::memcpy(&number, page, sizeof number);
  std::memcpy(&flags, page + 10, sizeof flags);
  std::memcpy(&pages, page + 12, sizeof pages);
  return number == (address - map_.begin) / map_.page_size
         && flags == overflow_page
         && pages
                == (header_bytes + value.size() + map_.page_size - 1)
                       / map_.page_size;
}

result<std::unique_ptr<store_write>>
store_write::begin(lmdb_store& store, std::optional<std::uint64_t> epoch) {
  std::shared_lock gate{store.environment_gate_};
  if (store.environment_ == nullptr)
    return error{errc::unavailable,
                 "the log in " + store.directory().string()
                     + " could not be opened again after a failure"};
  MDB_txn* transaction = nullptr;
  if (const int code =
          mdb_txn_begin(store.environment_, nullptr, 0, &transaction);
      code != 0)
    return store.describe(code, "beginning a transaction");
  std::unique_ptr<store_write> made{
      new store_write{store, std::move(gate), transaction}};
  if (epoch) {
    const auto stored = made->epoch();
    if (!stored)
      return stored.error();
    if (*stored != *epoch)
      return error{errc::fenced,
                   "another process writes the log in "
                       + store.directory().string() + ": its epoch is "
                       + std::to_string(*stored) + ", ours was "
                       + std::to_string(*epoch) + "; was writer.lock deleted?"};
  }
  made->map_ = made->find_mapping();
  if (const int code = put(transaction, store.meta_, transaction_key,
                           internal::encode_number(mdb_txn_id(transaction)));
      code != 0)
    return store.describe(code, "beginning a transaction");
  return made;
}

store_write::~store_write() {
  if (transaction_ != nullptr)
    mdb_txn_abort(transaction_);
}

result<void> store_write::put_batch(stored_partition where,
                                    std::string_view bytes) {
  batch_header header;
  FREEHOLD_ASSERT(read_batch_header(bytes, header), "a batch has a header");
  const auto key = internal::make_batch_key(where, header.base_offset);
  MDB_val at = value_of({key.data(), key.size()});
  MDB_val what = value_of(bytes);
  if (const int code =
          mdb_put(transaction_, store_.batches_, &at, &what, MDB_NOOVERWRITE);
      code != 0)
    return code == MDB_KEYEXIST
               ? store_.corrupt("records lie behind the end of a partition")
               : store_.describe(code, "appending");
  return {};
}

result<void> store_write::put_bounds(stored_partition where,
                                     ports::partition_bounds bounds) {
  FREEHOLD_ASSERT(bounds.begin <= bounds.end, "a partition begins at its end "
                                              "at the latest");
  const auto key = internal::make_partition_key(where);
  if (const int code =
          put(transaction_, store_.bounds_, {key.data(), key.size()},
              internal::encode_bounds(bounds));
      code != 0)
    return store_.describe(code, "appending");
  return {};
}

result<void> store_write::put_topic(std::uint32_t topic,
                                    const ports::topic_spec& spec) {
  const auto key = internal::make_topic_key(topic);
  if (const int code =
          put(transaction_, store_.topics_, {key.data(), key.size()},
              internal::encode_topic(spec));
      code != 0)
    return store_.describe(code, "making a topic");
  return {};
}

result<std::uint64_t> store_write::epoch() {
  MDB_val key = value_of("epoch");
  MDB_val found{};
  const int code = mdb_get(transaction_, store_.meta_, &key, &found);
  if (code == MDB_NOTFOUND)
    return std::uint64_t{0};
  if (code != 0)
    return store_.describe(code, "reading the epoch");
  const auto stored = internal::decode_number(view(found));
  if (!stored)
    return store_.corrupt("the counter of epochs");
  return *stored;
}

result<std::uint64_t> store_write::next_epoch() {
  auto last = epoch();
  if (!last)
    return last;
  const std::uint64_t next = *last + 1;
  if (const int code = put(transaction_, store_.meta_, "epoch",
                           internal::encode_number(next));
      code != 0)
    return store_.describe(code, "granting shards");
  return next;
}

result<store_write::deletion>
store_write::delete_front(stored_partition where, next_offset before,
                          std::uint32_t batch_count_max) {
  deletion done;
  front_cursor cursor{transaction_, store_.batches_, where};
  for (; cursor.on_batch(); cursor.next()) {
    batch_header header;
    if (!read_batch_header(cursor.value(), header)
        || header.base_offset != cursor.base()
        || !span_is_sound(cursor.value()))
      return store_.corrupt("a batch that is to be deleted, offset "
                            + std::to_string(cursor.base()));
    if (header.next() > before)
      break;
    if (done.batch_count == batch_count_max) {
      done.more = true;
      break;
    }
    cursor.erase();
    ++done.batch_count;
  }
  if (cursor.failure() != 0)
    return store_.describe(cursor.failure(), "deleting old records");
  return done;
}

result<timestamp> store_write::newest_append_time(stored_partition where) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(transaction_, store_.batches_, &cursor);
      code != 0)
    return store_.describe(code, "appending");
  // The largest key that the partition could have, then one back.
  const auto last = internal::make_batch_key(where, -1);
  MDB_val key = value_of({last.data(), last.size()});
  MDB_val value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  code = mdb_cursor_get(cursor, &key, &value,
                        code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
  timestamp newest{0};
  batch_header header;
  if (code == 0 && internal::key_is_of(view(key), where)
      && batch_is_sound(view(value)) && read_batch_header(view(value), header))
    newest = timestamp{header.append_time};
  mdb_cursor_close(cursor);
  if (code != 0 && code != MDB_NOTFOUND)
    return store_.describe(code, "appending");
  return newest;
}

result<store_write::aging>
store_write::aged_until(stored_partition where, next_offset begin,
                        timestamp cutoff, std::uint32_t batch_count_max) {
  aging found{begin, std::nullopt};
  front_cursor cursor{transaction_, store_.batches_, where};
  for (; cursor.on_batch() && batch_count_max > 0;
       cursor.next(), --batch_count_max) {
    batch_header header;
    if (!batch_is_sound(cursor.value())
        || !read_batch_header(cursor.value(), header)) {
      found.damaged_at = cursor.base();
      break;
    }
    if (header.append_time >= cutoff.value())
      break;
    found.until = std::max(found.until, header.next());
  }
  if (cursor.failure() != 0)
    return store_.describe(cursor.failure(), "deleting old records");
  return found;
}

result<void> store_write::commit() {
  if (const int code = mdb_txn_commit(std::exchange(transaction_, nullptr));
      code != 0)
    return store_.describe(code, "committing");
  return {};
}

} // namespace freehold::bridges::log
