#pragma once

#include "node/configuration.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/ports/crash_ledger.hpp"
#include "runtime/ports/event_log.hpp"
#include "runtime/ports/log_reader.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The composition root: the only place that knows which application runs on
/// which log. Everything else gets interfaces.
namespace freehold::node {

/// The application as configured, checked. Errors: `invalid_argument`.
[[nodiscard]] result<std::shared_ptr<const engine::application_plan>>
make_plan(const configuration& values);

/// The same application with the shard count and the source that a log was
/// made with, so that a tool reads any data directory without its
/// configuration file.
[[nodiscard]] result<std::shared_ptr<const engine::application_plan>>
make_plan_for(const configuration& values,
              const std::vector<ports::topic_description>& topics);

/// What an engine needs, in the order in which it is made. The engine is
/// destroyed before any of it.
struct wiring {
  std::shared_ptr<const engine::application_plan> plan;
  std::unique_ptr<clock> time;
  std::unique_ptr<ports::event_log> log;
  std::unique_ptr<ports::crash_ledger> ledger;
  /// Reads the log from beside, while it runs or after. Lives no longer.
  std::function<result<std::unique_ptr<ports::log_reader>>()> open_reader;
  /// What the ledger met so far, in full sentences.
  std::function<std::vector<std::string>()> ledger_warnings;
};

/// The directory whose lock a node holds while it runs.
/// @pre the log is not in memory
[[nodiscard]] std::filesystem::path
locked_directory(const configuration& values);

/// Opens what is configured, for writing. Errors: `in_use` for a second
/// writer, `mismatch` for a log that was made with another source, those of
/// the log and of `make_plan`.
[[nodiscard]] result<wiring> wire(const configuration& values);

/// Opens the log for looking, beside a running node or without one. Errors:
/// `not_found` for a directory without a log, `invalid_argument` for a log in
/// memory.
[[nodiscard]] result<std::unique_ptr<ports::log_reader>>
open_reader(const configuration& values);

} // namespace freehold::node
