#include "node/commands/commands.hpp"
#include "node/commands/hosting_command.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
SIGTERM, Ctrl-C or `freehold stop` stops it: it takes no more, finishes and
commits what it took, within engine.stop-timeout-ms, and exits with 0. It may be
killed at any time; the next start goes on where the last commit was. A record
that kills the process again and again becomes a dead letter.

Examples:
  freehold node --config configs/market.yaml
  # Feed 200 sales a second in while it runs; look from another terminal.
  freehold node --config configs/demo.yaml --rate 200
      --import configs/demo/king_county_sales.csv
  freehold entity show neighborhood 98103 --data data/demo

)";

struct node_flags : hosting_flags {
  std::uint32_t rate = 0;
};

exit_status run(const node_flags& flags) {
  const auto done = host_as_told(flags, {.import_rate = flags.rate});
  return done ? tell_failure(done->report) : exit_status::cannot_run;
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
