#pragma once

#include "node/application_wiring.hpp"
#include "node/lag_watch.hpp"
#include "node/sale_import.hpp"
#include "node/stop_signals.hpp"
#include "runtime/engine/counters.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace freehold::node {

struct hosting_options {
  /// A file to feed in while the engine runs.
  std::optional<import_request> import{};
  /// Rows of it per second; 0: as fast as the log takes them.
  std::uint32_t import_rate = 0;
  /// Stop when everything is done; otherwise run until a signal comes.
  bool until_idle = false;
  /// Then close the windows that are open, as nothing more comes.
  bool close_windows = false;
  bool show_progress = false;
  std::chrono::milliseconds stop_timeout{10'000};
  /// Between two looks at the lag.
  std::chrono::milliseconds lag_interval{30'000};
  lag_watch::settings lag{};
};

/// What came of it.
struct hosting_report {
  engine::counters counts;
  sale_import::counts imported;
  /// From the start to the end of the work; without the stop.
  std::chrono::milliseconds elapsed{0};
  /// User and system time of the whole process.
  std::chrono::microseconds cpu{0};
  /// A signal ended it.
  bool stopped_by_signal = false;
  /// The import is through.
  bool import_finished = false;
  /// Why it ended by itself, if it did.
  std::optional<error> failure;
  /// The import could not go on; everything else is in order.
  std::optional<error> import_failure;
  /// The stop did not come to its end in time.
  std::optional<error> stop_failure;
};

/// Runs the application on what was wired, on this thread, until it is told
/// to stop, is done or fails; then stops it in an orderly way. `signals` was
/// made before `on`. Errors: what keeps it from starting.
[[nodiscard]] result<hosting_report> host(wiring& on, stop_signals& signals,
                                          const hosting_options& how);

/// Prints a bad line to stderr: file, line, column and reason. The first 100;
/// then a person has seen enough.
class bad_line_printer {
public:
  explicit bad_line_printer(std::string file) : file_(std::move(file)) {}
  void operator()(const bad_line& bad);

private:
  std::string file_;
  std::uint64_t printed_ = 0;
};

} // namespace freehold::node
