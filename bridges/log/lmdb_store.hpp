#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

struct MDB_env;
struct MDB_txn;

namespace freehold::bridges::log {

/// Where one partition is stored: the number its topic got when it was made,
/// which stays when the layout changes its order.
struct stored_partition {
  std::uint32_t topic = 0;
  std::uint32_t partition = 0;
};

enum class store_mode : std::uint8_t { write, read };

struct store_options {
  std::filesystem::path directory;
  store_mode mode = store_mode::write;
  bool fsync = true;
  /// The address space to reserve; the file grows up to it.
  std::uint64_t map_bytes_max = 0;
};

/// The file of batches: one LMDB environment in a directory, with the tables
///
/// | table     | key                                     | value            |
/// |-----------|-----------------------------------------|------------------|
/// | `meta`    | `format`, `epoch`, `transaction`        | u64, crc         |
/// | `topics`  | topic, u32                              | specification    |
/// | `bounds`  | topic, partition, u32 each              | begin, end, crc  |
/// | `batches` | topic, partition, u32; base offset, u64 | `batch_format`   |
///
/// `transaction` is the number of the transaction that wrote it, see
/// `check_lmdb_file`. Keys are big endian, so that a partition's batches lie
/// side by side.
///
/// Batches of all partitions share one table, of about 64 KiB each. Measured
/// with 8 partitions, 256 MiB live, 4 GiB passed through, no fsync; CPU
/// microseconds per 100 B, file size over what is live:
///
/// | batch, unit        | one table    | table per partition, `MDB_APPEND` |
/// |--------------------|--------------|-----------------------------------|
/// | 16 KiB, 1 MB       | 0.042, 1.04  | 0.037, 1.04                       |
/// | 64 KiB, 1 MB       | 0.045, 1.07  | 0.042, 1.07                       |
/// | 256 KiB, 1 MB      | 0.040, 1.10  | 0.073, 1.10                       |
/// | 64 KiB, 100 kB     | 0.108, 1.21  | 0.102, 1.20                       |
///
/// No difference beyond the spread, and one table needs no list of tables.
///
/// A process opens an environment once, as LMDB demands: readers in the
/// writer's process share its object. Safe to use from several threads; one
/// `store_write` at a time. Every call waits for the medium.
class lmdb_store {
public:
  /// Errors: `not_found` (reading what is not there), `corrupt`, `in_use`
  /// (this process has it open for reading only), `unavailable`, `no_space`.
  static result<std::shared_ptr<lmdb_store>> open(const store_options& options);

  lmdb_store(const lmdb_store&) = delete;
  lmdb_store& operator=(const lmdb_store&) = delete;
  ~lmdb_store();

  [[nodiscard]] const std::filesystem::path& directory() const noexcept {
    return options_.directory;
  }

  /// All topics with the bounds of their partitions, by stored number.
  result<std::vector<ports::topic_description>> topics();

  /// What lies from `from` on. The batch names `as` for its source.
  /// Errors: `not_found` outside of the bounds, `corrupt`.
  result<ports::record_batch_ptr> read(stored_partition where, next_offset from,
                                       std::uint32_t bytes_max,
                                       topic_partition as);

  /// Shows the records that are kept, in the store's own memory.
  /// Errors: `corrupt`.
  result<void> look_up(stored_partition where, ports::lookup& what);

  /// Frees what readers hold whose process was killed.
  void drop_stale_readers();

  /// Waits until the medium has everything that was committed; of use where
  /// `fsync` is off.
  result<void> sync();

  /// Closes and opens the environment after a commit that failed half-way.
  result<void> reopen();

  /// What to say about an LMDB or system error code.
  [[nodiscard]] error describe(int code, std::string_view doing) const;

private:
  friend class store_write;
  struct stored_batch;
  struct found_batches;

  explicit lmdb_store(const store_options& options) : options_(options) {}
  result<void> open_environment();
  result<void> open_tables();
  result<void> make_tables(bool fresh);
  result<void> check_file(bool& fresh) const;
  int begin_read(MDB_txn** into);
  /// The same, and follows a writer that has raised its map's size.
  int begin_read(MDB_txn** into, std::shared_lock<std::shared_mutex>& held);

  /// The batches to read from an offset that is kept: the first even if it is
  /// larger than the budget, then as far as the budget goes.
  [[nodiscard]] result<found_batches>
  find_batches(MDB_txn* transaction, stored_partition where, next_offset from,
               std::uint32_t bytes_max) const;

  [[nodiscard]] std::filesystem::path data_file() const {
    return options_.directory / "data.mdb";
  }
  [[nodiscard]] std::filesystem::path marker_file() const {
    return options_.directory / "freehold-log.format";
  }
  [[nodiscard]] error corrupt(std::string_view what) const;

  store_options options_;
  /// Shared by whoever uses the environment, alone by whoever replaces it.
  std::shared_mutex environment_gate_;
  MDB_env* environment_ = nullptr;
  unsigned meta_ = 0;
  unsigned topics_ = 0;
  unsigned bounds_ = 0;
  unsigned batches_ = 0;
};

/// One write transaction. Undone unless `commit` was reached; begun and ended
/// by the same thread.
class store_write {
public:
  /// Errors: `fenced` where `epoch` is given and not the one stored: another
  /// writer took over. `no_space`, `corrupt`, `unavailable`.
  static result<std::unique_ptr<store_write>>
  begin(lmdb_store& store, std::optional<std::uint64_t> epoch = std::nullopt);
  store_write(const store_write&) = delete;
  store_write& operator=(const store_write&) = delete;
  ~store_write();

  /// All of these: `no_space`, `corrupt`, `unavailable`. Nothing is visible
  /// before `commit`.
  result<void> put_batch(stored_partition where, std::string_view bytes);
  result<void> put_bounds(stored_partition where,
                          ports::partition_bounds bounds);
  result<void> put_topic(std::uint32_t topic, const ports::topic_spec& spec);
  /// The epoch that outlives restarts; 0 before the first life.
  result<std::uint64_t> epoch();
  /// Counts the epoch that outlives restarts up by one and returns it.
  result<std::uint64_t> next_epoch();

  struct deletion {
    std::uint32_t batch_count = 0;
    /// Whether batches are left that might be deleted as well.
    bool more = false;
  };
  /// Deletes up to `batch_count_max` batches wholly below `before`.
  result<deletion> delete_front(stored_partition where, next_offset before,
                                std::uint32_t batch_count_max);

  /// When the last batch of a partition was appended; 0 where there is none,
  /// or none that can be believed.
  result<timestamp> newest_append_time(stored_partition where);

  struct aging {
    /// Behind the batches at the front that were all appended before the
    /// cutoff.
    next_offset until{0};
    /// It ended in front of a damaged batch, at this offset: what that holds
    /// is not deleted on the word of its header.
    std::optional<std::int64_t> damaged_at;
  };
  /// Looks at no more than `batch_count_max` batches.
  result<aging> aged_until(stored_partition where, next_offset begin,
                           timestamp cutoff, std::uint32_t batch_count_max);

  /// After an error nobody knows whether the transaction is visible.
  result<void> commit();

private:
  store_write(lmdb_store& store, std::shared_lock<std::shared_mutex> gate,
              MDB_txn* transaction)
      : store_(store), gate_(std::move(gate)), transaction_(transaction) {}

  /// Where the file is mapped. @pre nothing was written yet
  struct mapping {
    std::uintptr_t begin = 0;
    std::uint64_t size = 0;
    std::size_t page_size = 1;
  };
  [[nodiscard]] mapping find_mapping() const;
  /// LMDB frees as many pages as the first one of a large value says, from the
  /// number on that it says. It must not be believed blindly: pages of
  /// somebody else would be given away.
  [[nodiscard]] bool span_is_sound(std::string_view value) const;

  lmdb_store& store_;
  std::shared_lock<std::shared_mutex> gate_;
  MDB_txn* transaction_;
  mapping map_;
};

} // namespace freehold::bridges::log
