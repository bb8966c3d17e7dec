#include "node/application_wiring.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/hosting.hpp"
#include "node/logging.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
SIGTERM or Ctrl-C stops it: it takes no more, finishes and commits what it
took, within engine.stop-timeout-ms, and exits with 0. It may be killed at any
time; the next start goes on where the last commit was. A record that kills
the process again and again becomes a dead letter.

Examples:
  freehold node --config configs/market.yaml
  # Feed 200 sales a second in while it runs; look from another terminal.
  freehold node --config configs/demo.yaml --rate 200
      --import configs/demo/king_county_sales.csv
  freehold entity show neighborhood 98103 --data data/demo

)";

struct node_flags {
  configuration_flags configuration;
  std::string import_file;
  std::string mapping = map_default;
  std::uint32_t rate = 0;
};

exit_status run(const node_flags& flags) {
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
  how.import_rate = flags.rate;
  how.stop_timeout = loaded->values.stop_timeout;
  const auto report = host(*wired, signals, how);
  if (!report) {
    complain(report.error());
    return exit_status::cannot_run;
  }
  if (report->failure) {
    complain("the node stopped by itself: " + report->failure->context
             + ". What was committed stands; mend the cause and start again");
    return exit_status::failed;
  }
  if (report->import_failure) {
    complain(*report->import_failure);
    return exit_status::failed;
  }
  if (report->stop_failure) {
    complain("the stop was cut short: " + report->stop_failure->context
             + ". What was not committed is done again at the next start");
    return exit_status::failed;
  }
  return exit_status::done;
}

} // namespace

void add_node(CLI::App& app, chosen_command& chosen) {
  auto* const command =
      app.add_subcommand("node", "Run the application until SIGTERM or Ctrl-C");
  const auto flags = std::make_shared<node_flags>();
  flags->configuration.add_to(*command);
  auto* const import =
      command
          ->add_option("--import", flags->import_file,
                       "CSV file with sales to feed in while it runs; after "
                       "a restart it goes on with the first that is missing")
          ->type_name("FILE");
  command->add_option("--map", flags->mapping, map_help)
      ->type_name("PAIRS")
      ->capture_default_str()
      ->needs(import);
  command
      ->add_option("--rate", flags->rate,
                   "Sales per second; 0: as fast as the log takes them")
      ->type_name("N")
      ->check(CLI::Range(0U, 1'000'000U))
      ->needs(import);
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return run(*flags); }; });
}

} // namespace freehold::node::commands
