#include "node/application_wiring.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/html_report.hpp"
#include "node/market_report.hpp"
#include "node/market_results.hpp"
#include "node/whole_file.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
The page has a price curve for every neighborhood, the anomalies marked and
listed, and the whole market's trend. It is one file that loads nothing else.
Works beside a running node and without one. A window is there when it is
closed.

Examples:
  freehold report --html report.html --data data/demo
  freehold report --html /var/www/market.html --config configs/market.yaml

)";

struct report_flags {
  configuration_flags configuration;
  std::string html;
};

/// A report in place of one of the log's own files would destroy the data.
bool lies_in(const std::filesystem::path& file, const std::string& directory) {
  std::error_code code;
  const auto folder = std::filesystem::weakly_canonical(directory, code);
  const auto place = std::filesystem::weakly_canonical(file, code);
  for (auto up = place; !code && up.has_relative_path(); up = up.parent_path())
    if (up == folder)
      return true;
  return false;
}

exit_status report(const report_flags& flags) {
  const auto loaded = flags.configuration.load();
  if (!loaded)
    return exit_status::cannot_run;
  if (lies_in(flags.html, loaded->values.log_directory)) {
    complain(flags.html + " lies in the data directory "
             + loaded->values.log_directory + "; name a file outside of it");
    return exit_status::cannot_run;
  }
  const auto reader = open_reader(loaded->values);
  if (!reader) {
    complain(reader.error());
    return exit_status::cannot_run;
  }
  const auto results = read_results(**reader);
  if (!results) {
    complain(results.error());
    return exit_status::failed;
  }
  const market_report market = report_of(*results);
  if (const auto done = write_whole_file(flags.html, html_report(market));
      !done) {
    complain(done.error());
    return exit_status::cannot_run;
  }
  const auto counted = [](std::size_t count, const std::string& noun) {
    return with_commas(count) + " " + noun + (count == 1 ? "" : "s");
  };
  print(flags.html + ": " + counted(market.neighborhoods.size(), "neighborhood")
        + ", " + counted(market.curve_count(), "curve") + "\n");
  if (market.curve_count() == 0)
    complain("no window is closed yet, so there is no curve; `freehold run "
             "--close-windows` closes them all");
  return exit_status::done;
}

} // namespace

void add_report(CLI::App& app, chosen_command& chosen) {
  auto* const command = app.add_subcommand(
      "report", "Write what the analytics published as a page to look at");
  const auto flags = std::make_shared<report_flags>();
  command
      ->add_option("--html", flags->html,
                   "The file to write; an existing one is replaced")
      ->type_name("FILE")
      ->required();
  flags->configuration.add_to(*command);
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return report(*flags); }; });
}

} // namespace freehold::node::commands
