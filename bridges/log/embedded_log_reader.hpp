#pragma once

#include "bridges/log/lmdb_store.hpp"
#include "runtime/ports/log_reader.hpp"

#include <filesystem>
#include <memory>

namespace freehold::bridges::log {

/// Reads an embedded log, beside a running writer or without one. Holds no
/// state of the log between two calls, so that it never keeps the writer from
/// using deleted space again.
class embedded_log_reader final : public ports::log_reader {
public:
  /// Errors: `not_found` (no log there), `corrupt`, `unavailable`.
  static result<std::unique_ptr<embedded_log_reader>>
  open(const std::filesystem::path& directory);

  result<std::vector<ports::topic_description>> topics() override;
  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override;

private:
  explicit embedded_log_reader(std::shared_ptr<lmdb_store> store)
      : store_(std::move(store)) {}

  /// Shared with the writer where that lives in the same process.
  std::shared_ptr<lmdb_store> store_;
};

} // namespace freehold::bridges::log
