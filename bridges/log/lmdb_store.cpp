#include "bridges/log/lmdb_store.hpp"

#include "bridges/log/durable_files.hpp"
#include "bridges/log/lmdb_calls.hpp"
#include "bridges/log/lmdb_check.hpp"
#include "bridges/log/lmdb_values.hpp"

#include <lmdb.h>
#include <sys/stat.h>

#include <cerrno>
#include <condition_variable>
#include <fstream>
#include <map>
#include <string>
#include <utility>

namespace freehold::bridges::log {

using internal::decode_number;
using internal::get;
using internal::put;

namespace {

constexpr unsigned readers_max = 256;
constexpr unsigned tables_max = 4;
/// What LMDB writes before its first transaction: two pages.
constexpr off_t first_file_bytes_min = 2 * 4096;
constexpr std::string_view marker_text = "freehold embedded log, format 1\n";

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

} // namespace freehold::bridges::log
