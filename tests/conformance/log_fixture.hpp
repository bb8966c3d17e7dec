#pragma once

#include "runtime/ports/event_log.hpp"
#include "runtime/ports/log_reader.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace freehold::conformance {

/// What a suite may ask of a log's surroundings; see `log_fixture`.
enum class planned : std::uint8_t {
  failed,
  unknown_applied,
  unknown_lost,
};

/// One implementation of the log with a fresh place to keep its records. Each
/// implementation links the suite with its own `make_log_fixture`; what it
/// cannot do it says, and the cases that need it pass it by.
class log_fixture {
public:
  log_fixture() = default;
  log_fixture(const log_fixture&) = delete;
  log_fixture& operator=(const log_fixture&) = delete;
  virtual ~log_fixture() = default;

  /// A new life of a node over the same records. The one before has ended.
  virtual std::unique_ptr<ports::event_log> open() = 0;
  virtual std::unique_ptr<ports::log_reader> open_reader() = 0;

  /// Lets the next commit of the last log opened end like this.
  virtual bool plan_commit(planned) { return false; }
  /// Begins to take shards away from the last log opened.
  virtual bool revoke(std::vector<partition_index>) { return false; }
  virtual bool lose(std::vector<partition_index>) { return false; }
  virtual bool grant(std::vector<partition_index>) { return false; }

  /// Whether offsets count on without gaps.
  [[nodiscard]] virtual bool contiguous() const { return true; }
};

/// Defined once by each implementation's test binary.
std::unique_ptr<log_fixture> make_log_fixture();

} // namespace freehold::conformance
