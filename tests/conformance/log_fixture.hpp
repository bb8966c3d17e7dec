#pragma once

#include "runtime/ports/event_log.hpp"
#include "runtime/ports/log_reader.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace freehold::conformance {

/// What a suite may ask of a log's surroundings; see `log_fixture`.
enum class planned : std::uint8_t {
  failed,
  unknown_applied,
  unknown_lost,
};

/// What becomes of the sessions of nodes whose cluster is away.
enum class sessions_in_outage : std::uint8_t {
  /// They last longer.
  last,
  end,
};

/// One implementation of the log with a fresh place to keep its records. Each
/// implementation links the suite with its own `make_log_fixture`. Cases that
/// not every log can be put through have files of their own, and only binaries
/// of logs that can link them: none passes without having been tried.
///
/// | file                              | needs                           |
/// |-----------------------------------|---------------------------------|
/// | `log_ownership_conformance.cpp`   | `revoke`, `lose`, `grant`       |
/// | `log_gap_conformance.cpp`         | offsets that have gaps          |
/// | `log_retention_conformance.cpp`   | `advance_clock`                 |
/// | `log_topic_order_conformance.cpp` | topics in the order of making   |
/// | `log_outage_conformance.cpp`      | `take_cluster_away`, and back   |
/// | `log_copy_conformance.cpp`        | `open_elsewhere`, and a cluster |
/// |                                   | that can be replaced            |
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
  virtual void plan_commit(planned how) = 0;
  /// The same for the next produced records.
  virtual void plan_produce(planned how) = 0;

  /// Begins to take shards away from the last log opened.
  virtual void revoke(std::vector<partition_index>) { cannot(); }
  virtual void lose(std::vector<partition_index>) { cannot(); }
  virtual void grant(std::vector<partition_index>) { cannot(); }
  /// Comes before the first `open`.
  virtual void plan_outage(sessions_in_outage) { cannot(); }
  /// Nothing of the cluster answers until it is brought back.
  virtual void take_cluster_away() { cannot(); }
  virtual void bring_cluster_back() { cannot(); }
  /// By an empty one at the same place.
  virtual void replace_cluster() { cannot(); }
  /// Like `open`, on a machine that has nothing of the log on its disk.
  virtual std::unique_ptr<ports::event_log> open_elsewhere() { cannot(); }
  /// Moves the clock that retention goes by.
  virtual void advance_clock(std::chrono::milliseconds) { cannot(); }

  /// The time that a record of that time comes back with.
  [[nodiscard]] virtual timestamp kept_time(timestamp when) const {
    return when;
  }
  /// How many random scripts it is put through.
  [[nodiscard]] virtual int script_count() const { return 40; }
  /// Whether offsets count on without gaps.
  [[nodiscard]] virtual bool contiguous() const { return true; }

private:
  [[noreturn]] static void cannot() {
    throw std::logic_error("a case was linked that this log cannot be put to");
  }
};

/// Defined once by each implementation's test binary.
std::unique_ptr<log_fixture> make_log_fixture();

} // namespace freehold::conformance
