#include "bridges/log/lmdb_store.hpp"

#include "bridges/log/batch_format.hpp"
#include "bridges/log/durable_files.hpp"
#include "bridges/log/lmdb_check.hpp"
#include "bridges/log/lmdb_values.hpp"

#include <lmdb.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace freehold::bridges::log {

using internal::decode_bounds;
using internal::decode_number;
using internal::decode_topic;

namespace {

constexpr unsigned readers_max = 256;
constexpr unsigned tables_max = 4;
/// Five sizes of one byte each.
constexpr std::size_t record_bytes_min = 5;
/// What LMDB writes before its first transaction: two pages.
constexpr off_t first_file_bytes_min = 2 * 4096;
constexpr std::string_view marker_text = "freehold embedded log, format 1\n";

std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

template <class Key>
std::string_view view_of(const Key& key) {
  return {key.data(), key.size()};
}

/// The environments of this process, by the identity of their directory. One
/// that nobody holds any more stays here until it is closed: closing it beside
/// a second one would take away the lock by which other processes see us.
struct open_stores {
  using identity = std::pair<dev_t, ino_t>;

  std::mutex gate;
  std::condition_variable closed;
  std::map<identity, std::weak_ptr<lmdb_store>> by_directory;

  void close(lmdb_store* store, identity which) {
    const std::lock_guard lock{gate};
    const std::unique_ptr<lmdb_store> last{store};
    by_directory.erase(which);
    closed.notify_all();
  }
};

open_stores& stores_of_process() {
  static open_stores stores;
  return stores;
}

/// Ends a read transaction.
class read_guard {
public:
  explicit read_guard(MDB_txn* transaction) : transaction_(transaction) {}
  read_guard(const read_guard&) = delete;
  read_guard& operator=(const read_guard&) = delete;
  ~read_guard() { mdb_txn_abort(transaction_); }

private:
  MDB_txn* transaction_;
};

class cursor_guard {
public:
  explicit cursor_guard(MDB_cursor* cursor) : cursor_(cursor) {}
  cursor_guard(const cursor_guard&) = delete;
  cursor_guard& operator=(const cursor_guard&) = delete;
  ~cursor_guard() { mdb_cursor_close(cursor_); }

private:
  MDB_cursor* cursor_;
};

int get(MDB_txn* transaction, unsigned table, std::string_view key,
        std::string_view& into) {
  MDB_val wanted = value_of(key);
  MDB_val found{};
  const int code = mdb_get(transaction, table, &wanted, &found);
  if (code == 0)
    into = view(found);
  return code;
}

int put(MDB_txn* transaction, unsigned table, std::string_view key,
        std::string_view value) {
  MDB_val at = value_of(key);
  MDB_val what = value_of(value);
  return mdb_put(transaction, table, &at, &what, 0);
}

/// The memory behind the records that a read hands out.
struct owned_batch final : ports::record_batch {
  std::unique_ptr<char[]> bytes;
};

} // namespace

// -- opening -----------------------------------------------------------------

result<std::shared_ptr<lmdb_store>>
lmdb_store::open(const store_options& options) {
  struct stat found {};
  if (::stat(options.directory.c_str(), &found) != 0)
    return error{errc::not_found, "there is no directory "
                                      + options.directory.string()
                                      + ": name the node's log directory"};
  open_stores& stores = stores_of_process();
  const open_stores::identity which{found.st_dev, found.st_ino};
  // Goes after the lock: dropping the last one takes the gate.
  std::shared_ptr<lmdb_store> present;
  std::unique_lock lock{stores.gate};
  stores.closed.wait(lock, [&] {
    const auto entry = stores.by_directory.find(which);
    if (entry == stores.by_directory.end())
      return true;
    present = entry->second.lock();
    return present != nullptr;
  });
  if (present != nullptr) {
    if (options.mode == store_mode::read)
      return present;
    return error{errc::in_use, "this process already uses the log in "
                                   + options.directory.string()
                                   + ": close that reader or log first"};
  }
  std::unique_ptr<lmdb_store> made{new lmdb_store{options}};
  if (auto opened = made->open_environment(); !opened)
    return opened.error();
  std::shared_ptr<lmdb_store> store{
      made.release(),
      [&stores, which](lmdb_store* last) { stores.close(last, which); }};
  stores.by_directory[which] = store;
  return store;
}

lmdb_store::~lmdb_store() {
  if (environment_ != nullptr)
    mdb_env_close(environment_);
}

result<void> lmdb_store::check_file(bool& fresh) const {
  std::error_code ignored;
  const bool marked = std::filesystem::exists(marker_file(), ignored);
  struct stat found {};
  const bool present = ::stat(data_file().c_str(), &found) == 0;
  // The marker is made after the first transaction: with it an empty store
  // means a loss, without it that no node has come that far yet.
  const auto empty = [&]() -> result<void> {
    if (marked)
      return corrupt("its content is gone");
    if (options_.mode == store_mode::read)
      return error{errc::not_found, "there is no log in "
                                        + options_.directory.string()
                                        + ": start a node there first"};
    fresh = true;
    return {};
  };
  if (!present || found.st_size == 0)
    return empty();
  // A reader may come between the steps of a writer's very first start.
  if (!marked && options_.mode == store_mode::read
      && found.st_size < first_file_bytes_min)
    return empty();
  if (marked) {
    std::string text;
    std::ifstream in{marker_file()};
    std::getline(in, text, '\0');
    // An empty one is what a loss of power may have left; it is made again.
    if (!text.empty() && text != marker_text)
      return error{errc::corrupt,
                   marker_file().string()
                       + " names a format that this version does not know: "
                         "use the version of freehold that wrote it"};
  }
  const auto last = check_lmdb_file(data_file());
  if (!last)
    return last.error().code == errc::corrupt
               ? corrupt(last.error().context)
               : error{last.error().code,
                       data_file().string() + ": " + last.error().context};
  if (*last == 0)
    return empty();
  return {};
}

result<void> lmdb_store::open_environment() {
  bool fresh = false;
  if (auto checked = check_file(fresh); !checked)
    return checked;
  const auto fail = [this](int code) {
    mdb_env_close(environment_);
    environment_ = nullptr;
    return describe(code, "opening the log");
  };
  if (const int code = mdb_env_create(&environment_); code != 0)
    return describe(code, "opening the log");
  mdb_env_set_maxdbs(environment_, tables_max);
  mdb_env_set_maxreaders(environment_, readers_max);
  unsigned flags = MDB_NOTLS;
  if (options_.mode == store_mode::read) {
    flags |= MDB_RDONLY;
  } else {
    if (const int code =
            mdb_env_set_mapsize(environment_, options_.map_bytes_max);
        code != 0)
      return fail(code);
    if (!options_.fsync)
      flags |= MDB_NOSYNC;
  }
  if (const int code =
          mdb_env_open(environment_, options_.directory.c_str(), flags, 0644);
      code != 0)
    return fail(code);
  drop_stale_readers();
  auto tables =
      options_.mode == store_mode::read ? open_tables() : make_tables(fresh);
  if (!tables) {
    mdb_env_close(environment_);
    environment_ = nullptr;
  }
  return tables;
}

result<void> lmdb_store::open_tables() {
  MDB_txn* transaction = nullptr;
  int code = begin_read(&transaction);
  // A writer may raise the map's size under our hands. Nobody else has the
  // environment yet.
  while (code == MDB_MAP_RESIZED)
    if (code = mdb_env_set_mapsize(environment_, 0); code == 0)
      code = begin_read(&transaction);
  if (code != 0)
    return describe(code, "opening the log");
  // Table handles outlive the transaction only if it is committed.
  std::string_view format;
  code = mdb_dbi_open(transaction, "meta", 0, &meta_);
  for (auto [name, table] :
       {std::pair{"topics", &topics_}, std::pair{"bounds", &bounds_},
        std::pair{"batches", &batches_}})
    if (code == 0)
      code = mdb_dbi_open(transaction, name, 0, table);
  if (code == 0)
    code = get(transaction, meta_, "format", format);
  const auto number = code == 0 ? decode_number(format) : std::nullopt;
  if (code != 0 || number != internal::store_format) {
    mdb_txn_abort(transaction);
    if (code != 0 && code != MDB_NOTFOUND)
      return describe(code, "opening the log");
    return corrupt("it holds no freehold log, or one of another version");
  }
  if (code = mdb_txn_commit(transaction); code != 0)
    return describe(code, "opening the log");
  return {};
}

result<void> lmdb_store::make_tables(bool fresh) {
  if (!fresh) {
    if (auto opened = open_tables(); !opened)
      return opened;
  } else {
    MDB_txn* transaction = nullptr;
    int code = mdb_txn_begin(environment_, nullptr, 0, &transaction);
    if (code != 0)
      return describe(code, "making the log");
    for (auto [name, table] :
         {std::pair{"meta", &meta_}, std::pair{"topics", &topics_},
          std::pair{"bounds", &bounds_}, std::pair{"batches", &batches_}})
      if (code == 0)
        code = mdb_dbi_open(transaction, name, MDB_CREATE, table);
    if (code == 0)
      code = put(transaction, meta_, "format",
                 internal::encode_number(internal::store_format));
    if (code == 0)
      code = put(transaction, meta_, transaction_key,
                 internal::encode_number(mdb_txn_id(transaction)));
    if (code != 0)
      mdb_txn_abort(transaction);
    else
      code = mdb_txn_commit(transaction);
    if (code != 0)
      return describe(code, "making the log");
  }
  // Written last: from here on an empty data file means a loss.
  std::error_code missing;
  if (std::filesystem::file_size(marker_file(), missing) > 0 && !missing)
    return {};
  return write_durable_file(marker_file(), marker_text);
}

result<void> lmdb_store::sync() {
  const std::shared_lock shared{environment_gate_};
  if (environment_ == nullptr)
    return describe(MDB_PANIC, "writing to the disk");
  if (const int code = mdb_env_sync(environment_, 1); code != 0)
    return describe(code, "writing to the disk");
  return {};
}

result<void> lmdb_store::reopen() {
  const std::unique_lock alone{environment_gate_};
  mdb_env_close(environment_);
  environment_ = nullptr;
  return open_environment();
}

int lmdb_store::begin_read(MDB_txn** into) {
  if (environment_ == nullptr)
    return MDB_PANIC;
  return mdb_txn_begin(environment_, nullptr, MDB_RDONLY, into);
}

int lmdb_store::begin_read(MDB_txn** into,
                           std::shared_lock<std::shared_mutex>& held) {
  int code = begin_read(into);
  while (code == MDB_MAP_RESIZED) {
    held.unlock();
    {
      const std::unique_lock alone{environment_gate_};
      // Without the gate somebody may have closed it, to open it again.
      code = environment_ == nullptr ? MDB_PANIC
                                     : mdb_env_set_mapsize(environment_, 0);
    }
    held.lock();
    if (code == 0)
      code = begin_read(into);
  }
  return code;
}

void lmdb_store::drop_stale_readers() {
  int dropped = 0;
  if (environment_ != nullptr)
    (void)mdb_reader_check(environment_, &dropped);
}

// -- errors ------------------------------------------------------------------

error lmdb_store::corrupt(std::string_view what) const {
  return {errc::corrupt,
          data_file().string() + " is damaged or foreign (" + std::string{what}
              + "): restore the directory from a copy, or move it away to "
                "begin an empty log"};
}

error lmdb_store::describe(int code, std::string_view doing) const {
  const std::string where =
      std::string{doing} + " in " + options_.directory.string();
  switch (code) {
  case MDB_MAP_FULL:
    return {errc::no_space,
            where + ": the log reached its largest size of "
                + std::to_string(options_.map_bytes_max)
                + " bytes; raise that limit or let more be deleted"};
  case ENOSPC:
  case EDQUOT:
    return {errc::no_space,
            where + ": the disk is full; free some space and start again"};
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_INVALID:
  case MDB_VERSION_MISMATCH:
  case MDB_INCOMPATIBLE:
  case MDB_BAD_VALSIZE:
    return corrupt(mdb_strerror(code));
  case MDB_READERS_FULL:
    return {errc::limit_reached, where + ": " + std::to_string(readers_max)
                                     + " readers are open; close some"};
  default:
    return {errc::unavailable, where + ": " + mdb_strerror(code)};
  }
}

// -- reading -----------------------------------------------------------------

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

// NOLINTNEXTLINE(readability-function-size): one transaction, step by step
namespace {

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
