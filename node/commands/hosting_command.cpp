#include "node/commands/hosting_command.hpp"

#include "node/csv_sales.hpp"
#include "node/logging.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace freehold::node::commands {

std::optional<hosted> host_as_told(const hosting_flags& flags,
                                   hosting_options how) {
  auto loaded = flags.configuration.load();
  if (!loaded)
    return std::nullopt;
  start_logging(loaded->values);
  for (const auto& warning : loaded->warnings)
    logger_of("configuration")->warn("{}", warning);
  if (!flags.import_file.empty()) {
    // A file that cannot be read should not leave a data directory behind.
    if (auto sales = csv_sales::open(flags.import_file, flags.mapping);
        !sales) {
      complain(sales.error());
      return std::nullopt;
    }
    how.import = import_request{flags.import_file, flags.mapping};
  }
  // Before any thread: all of them leave the signals to it.
  stop_signals signals;
  auto wired = wire(loaded->values);
  if (!wired) {
    complain(wired.error());
    return std::nullopt;
  }
  how.stop_timeout = loaded->values.stop_timeout;
  how.lag_interval = loaded->values.lag_interval;
  how.lag = {.warning_records = loaded->values.lag_warning_records,
             .stuck_after = loaded->values.lag_stuck_after};
  auto report = host(*wired, signals, how);
  if (!report) {
    complain(report.error());
    return std::nullopt;
  }
  return hosted{std::move(loaded->values), *std::move(wired),
                *std::move(report)};
}

exit_status tell_failure(const hosting_report& report) {
  if (report.failure) {
    complain("the engine stopped by itself: " + report.failure->context
             + ". What was committed stands; mend the cause and start again");
    return exit_status::failed;
  }
  if (report.import_failure) {
    complain(*report.import_failure);
    return exit_status::failed;
  }
  if (report.stop_failure) {
    complain("the stop was cut short: " + report.stop_failure->context
             + ". What was not committed is done again at the next start");
    return exit_status::failed;
  }
  return exit_status::done;
}

} // namespace freehold::node::commands
