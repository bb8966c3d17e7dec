#include "node/application_wiring.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/hosting.hpp"
#include "node/logging.hpp"
#include "node/market_summary.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
Examples:
  # The demonstration: 21,613 sales of King County. Again: it is all there.
  freehold run --demo --data data/demo
  # The same, written out; --map has the columns of that file as its default.
  freehold run --config configs/demo.yaml --data data/demo
      --import configs/demo/king_county_sales.csv
  # Handle what others have produced since the last time.
  freehold run --config configs/market.yaml

)";

struct run_flags {
  configuration_flags configuration;
  bool demo = false;
  std::string import_file;
  std::string mapping = map_default;
};

exit_status report_end(const hosting_report& report) {
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
  if (report.stopped_by_signal) {
    complain("stopped before all was done; run it again to go on");
    return exit_status::partly;
  }
  return report.imported.bad_lines > 0 ? exit_status::partly
                                       : exit_status::done;
}

exit_status run(run_flags flags) {
  if (flags.demo) {
    if (flags.configuration.file.empty())
      flags.configuration.file = "configs/demo.yaml";
    if (flags.import_file.empty())
      flags.import_file = "configs/demo/king_county_sales.csv";
  }
  const auto loaded = flags.configuration.load();
  if (!loaded)
    return exit_status::cannot_run;
  start_logging(loaded->values);
  for (const auto& warning : loaded->warnings)
    logger_of("configuration")->warn("{}", warning);
  // A file that cannot be read should not leave a data directory behind.
  if (!flags.import_file.empty())
    if (auto sales = csv_sales::open(flags.import_file, flags.mapping);
        !sales) {
      complain(sales.error());
      return exit_status::cannot_run;
    }
  // Before any thread: all of them leave the signals to it.
  stop_signals signals;
  auto wired = wire(loaded->values);
  if (!wired) {
    complain(wired.error());
    return exit_status::cannot_run;
  }
  hosting_options how;
  if (!flags.import_file.empty())
    how.import = import_request{flags.import_file, flags.mapping};
  how.until_idle = true;
  how.show_progress = true;
  how.stop_timeout = loaded->values.stop_timeout;
  const auto report = host(*wired, signals, how);
  if (!report) {
    complain(report.error());
    return exit_status::cannot_run;
  }
  const auto status = report_end(*report);
  if (status == exit_status::failed)
    return status;

  const auto reader = wired->open_reader();
  if (!reader) {
    complain(reader.error());
    return exit_status::failed;
  }
  const auto market = read_market(**reader, wired->plan);
  if (!market) {
    complain(market.error());
    return exit_status::failed;
  }
  const bool on_disk = loaded->values.log_kind == log_kind::embedded;
  print(summary_text(*market, *report, how.import.has_value(),
                     on_disk ? loaded->values.log_directory : ""));
  return status;
}

} // namespace

void add_run(CLI::App& app, chosen_command& chosen) {
  auto* const command = app.add_subcommand(
      "run", "Handle everything there is, print a summary, and stop");
  const auto flags = std::make_shared<run_flags>();
  flags->configuration.add_to(*command);
  command
      ->add_option("--import", flags->import_file,
                   "CSV file with sales to feed in; those that are there "
                   "already are left out")
      ->type_name("FILE");
  command->add_option("--map", flags->mapping, map_help)
      ->type_name("PAIRS")
      ->capture_default_str();
  command->add_flag("--demo", flags->demo,
                    "Use the demonstration's configuration and file, from the "
                    "repository's root");
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return run(*flags); }; });
}

} // namespace freehold::node::commands
