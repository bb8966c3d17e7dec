#include "node/commands/commands.hpp"
#include "node/commands/hosting_command.hpp"
#include "node/market_summary.hpp"

#include <CLI/CLI.hpp>

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

struct run_flags : hosting_flags {
  bool demo = false;
  bool close_windows = false;
};

exit_status run(run_flags flags) {
  if (flags.demo) {
    if (flags.configuration.file.empty())
      flags.configuration.file = "configs/demo.yaml";
    if (flags.import_file.empty()) {
      flags.import_file = "configs/demo/king_county_sales.csv";
      if (flags.mapping == map_default)
        flags.mapping += ",area=living_area_sqft,year=year_built";
    }
  }
  auto done =
      host_as_told(flags, {.until_idle = true,
                           .close_windows = flags.close_windows || flags.demo,
                           .show_progress = true});
  if (!done)
    return exit_status::cannot_run;
  const hosting_report& report = done->report;
  if (const auto status = tell_failure(report); status != exit_status::done)
    return status;
  if (report.stopped_by_signal)
    complain("stopped before all was done; run it again to go on");

  const auto reader = done->wired.open_reader();
  if (!reader) {
    complain(reader.error());
    return exit_status::failed;
  }
  const auto market = read_market(**reader, done->wired.plan);
  if (!market) {
    complain(market.error());
    return exit_status::failed;
  }
  const configuration& values = done->values;
  const bool on_disk = values.log_kind == log_kind::embedded;
  print(summary_text(*market, report, !flags.import_file.empty(),
                     on_disk ? values.log_directory : "", drawing_of_stdout()));
  if (values.log_kind == log_kind::memory)
    print("The log was in memory; nothing of it is left.\n");
  if (values.log_kind == log_kind::kafka)
    print("The data lies on the cluster at " + values.kafka_bootstrap_servers
          + ".\n");
  return report.stopped_by_signal || report.imported.bad_lines > 0
             ? exit_status::partly
             : exit_status::done;
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
  command->add_flag("--close-windows", flags->close_windows,
                    "At the end, publish the windows that are still open; "
                    "sales that come later correct them");
  command->add_flag("--demo", flags->demo,
                    "Use the demonstration's configuration and file, from the "
                    "repository's root, and close all windows");
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return run(*flags); }; });
}

} // namespace freehold::node::commands
