#pragma once

#include "bridges/log/batch_format.hpp"
#include "bridges/log/lmdb_store.hpp"
#include "bridges/log/writer_lock.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/ports/changelog_copy.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace freehold::bridges::log {

/// A copy of changelogs in a store of its own, the embedded log's. It never
/// waits for the disk's cache to be written: the kernel does that, and keeps
/// what a killed process wrote. What it kept when the machine itself stopped
/// without warning cannot be told from what it lost, so that the copy is
/// thrown away then: `freehold-copy.boot` names the kernel's boot while
/// somebody writes, and is gone where somebody has closed it in order.
class lmdb_changelog_copy final : public ports::changelog_copy {
public:
  struct options {
    std::filesystem::path directory;
    /// Whose it is: one of another changelog is thrown away.
    std::string changelog;
    std::uint32_t shard_count = 1;
    std::uint64_t map_bytes_max = 0;
    const freehold::clock* clock = nullptr;
    /// Why a copy was thrown away.
    std::function<void(const error&)> warn;
    /// Names the present run of the machine.
    std::filesystem::path boot_id = "/proc/sys/kernel/random/boot_id";
  };

  /// Makes what is missing. Errors: `in_use` for a second process,
  /// `unavailable`, `no_space`.
  static result<std::unique_ptr<lmdb_changelog_copy>> open(options how);
  ~lmdb_changelog_copy() override;

  [[nodiscard]] ports::partition_bounds
  bounds(partition_index shard) const override;
  result<void> append(std::span<const addition> all) override;
  result<void> begin_anew(partition_index shard, next_offset at) override;
  result<void> truncate(partition_index shard, next_offset before) override;
  result<std::shared_ptr<ports::record_batch>>
  read(const ports::fetch_request& what) override;
  result<void> look_up(ports::lookup& what) override;

private:
  explicit lmdb_changelog_copy(options how) : how_(std::move(how)) {}
  result<void> open_store();
  /// Where what is there cannot be trusted or is not ours.
  result<void> throw_away(const error& why);
  [[nodiscard]] bool was_cut_off() const;
  [[nodiscard]] std::string boot() const;
  [[nodiscard]] std::filesystem::path boot_file() const {
    return how_.directory / "freehold-copy.boot";
  }
  result<void> put(store_write& into, const addition& what);

  const options how_;
  std::unique_ptr<writer_lock> lock_;
  std::shared_ptr<lmdb_store> store_;
  std::vector<ports::partition_bounds> bounds_;
  batch_writer batch_;
};

} // namespace freehold::bridges::log
