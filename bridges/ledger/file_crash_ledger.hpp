#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/crash_ledger.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::bridges::ledger {

/// A crash ledger in a small file that is mapped into memory: what a worker
/// writes into its slot is there after `kill -9`, because the page belongs to
/// the kernel, and costs no system call. It need not survive a loss of power:
/// that is no record's fault.
///
/// `begin` writes the whole file anew beside the old one and renames it; from
/// then on only slots and the suspects change, in place. The layout is in
/// docs/formats/crash-ledger.md.
///
/// One process at a time: whoever opens it holds the lock of the log beside
/// it. `slot` and `acquit` from any thread, once `begin` has returned.
class file_crash_ledger final : public ports::crash_ledger {
public:
  /// The file's name in the data directory.
  static constexpr std::string_view file_name = "crash-ledger";

  /// Reads what the life before left in `directory`. A file that cannot be
  /// understood is a warning, not an error: its suspects are forgotten.
  /// Errors: `unavailable` when the directory cannot be made.
  static result<std::unique_ptr<file_crash_ledger>>
  open(const std::filesystem::path& directory);

  ~file_crash_ledger() override;

  std::vector<suspect> begin(const std::vector<std::string>& topics,
                             std::uint32_t worker_count) override;
  ports::crash_slot& slot(worker_index worker) override;
  void acquit(const suspect& whom) override;

  /// What `open` and `begin` met, for the log; full sentences.
  [[nodiscard]] const std::vector<std::string>& warnings() const {
    return warnings_;
  }

private:
  explicit file_crash_ledger(std::filesystem::path file)
      : file_(std::move(file)) {}
  void read();
  result<void> write(const std::vector<std::string>& topics,
                     std::uint32_t worker_count);
  void unmap() noexcept;

  const std::filesystem::path file_;
  std::vector<std::string> warnings_;
  std::mutex gate_;
  /// By their order in the file; acquitted ones stay, with 0 deaths.
  std::vector<suspect> suspects_;
  std::uint32_t slot_count_ = 0;
  char* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  /// In place of the file when that cannot be written.
  std::vector<std::unique_ptr<ports::crash_slot>> slots_in_memory_;
};

} // namespace freehold::bridges::ledger
