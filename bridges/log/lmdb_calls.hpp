#pragma once

#include <lmdb.h>

#include <string_view>

/// LMDB's calls with views for its values, and its handles with an end. For
/// the store's own files.
namespace freehold::bridges::log::internal {

inline std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

inline MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

template <class Key>
std::string_view view_of(const Key& key) {
  return {key.data(), key.size()};
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

inline int get(MDB_txn* transaction, unsigned table, std::string_view key,
               std::string_view& into) {
  MDB_val wanted = value_of(key);
  MDB_val found{};
  const int code = mdb_get(transaction, table, &wanted, &found);
  if (code == 0)
    into = view(found);
  return code;
}

inline int put(MDB_txn* transaction, unsigned table, std::string_view key,
               std::string_view value) {
  MDB_val at = value_of(key);
  MDB_val what = value_of(value);
  return mdb_put(transaction, table, &at, &what, 0);
}

} // namespace freehold::bridges::log::internal
