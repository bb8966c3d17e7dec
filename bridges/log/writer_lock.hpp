#pragma once

#include "runtime/base/result.hpp"

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>

namespace freehold::bridges::log {

/// The right of one process to write the log of a directory, held until it is
/// destroyed or the process ends, however it ends. The file names the process.
///
/// Whoever deletes the file while it is held lets a second writer in. The log
/// notices that by its epoch; see `store_write::begin`.
class writer_lock {
public:
  /// Errors: `in_use` naming the directory and the other process,
  /// `unavailable`.
  static result<std::unique_ptr<writer_lock>>
  take(const std::filesystem::path& directory);

  /// The process that holds it, if one does. Errors: `unavailable`.
  static result<std::optional<pid_t>>
  holder(const std::filesystem::path& directory);

  writer_lock(const writer_lock&) = delete;
  writer_lock& operator=(const writer_lock&) = delete;
  ~writer_lock();

private:
  explicit writer_lock(int fd) : fd_(fd) {}
  static result<std::unique_ptr<writer_lock>>
  take_file(const std::filesystem::path& directory,
            const std::filesystem::path& file);
  /// Whether the file that is locked still has its name.
  [[nodiscard]] bool is_of(const std::filesystem::path& file) const;

  int fd_;
};

} // namespace freehold::bridges::log
