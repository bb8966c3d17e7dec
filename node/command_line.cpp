#include "node/command_line.hpp"

#include "node/commands/commands.hpp"
#include "node/configuration.hpp"
#include "node/console.hpp"
#include "node/logging.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <string>

namespace freehold::node {

namespace {

constexpr const char* version = "freehold 0.1.0";
constexpr const char* introduction =
    "freehold hosts durable, keyed actors on an event log.\n"
    "Try `freehold run --demo --data data/demo`, then look around with\n"
    "`freehold topic list --data data/demo`.";

int status_of(exit_status status) { return static_cast<int>(status); }

/// Whether the first argument is meant to be a command and is none; CLI11
/// itself would only say that one is required.
bool names_no_command(const CLI::App& app, int argument_count,
                      char** arguments) {
  if (argument_count < 2 || arguments[1][0] == '-')
    return false;
  std::string names;
  for (const CLI::App* each : app.get_subcommands({})) {
    if (each->get_name() == arguments[1])
      return false;
    names.append(names.empty() ? "" : ", ").append(each->get_name());
  }
  complain("there is no command \"" + std::string{arguments[1]}
           + "\"; there are: " + names);
  return true;
}

} // namespace

int run_command_line(int argument_count, char** arguments) {
  // What a command prints is read by programs: nothing is logged there.
  start_logging(configuration{});
  CLI::App app{introduction, "freehold"};
  commands::chosen_command chosen;
  app.require_subcommand(1);
  app.set_version_flag("--version", version);
  app.footer("`freehold COMMAND --help` explains each with examples.\n"
             + std::string{exit_status_help});
  commands::add_run(app, chosen);
  commands::add_node(app, chosen);
  commands::add_import(app, chosen);
  commands::add_topic(app, chosen);
  commands::add_entity(app, chosen);
  commands::add_stop(app, chosen);
  commands::add_lag(app, chosen);
  commands::add_verify(app, chosen);
  commands::add_report(app, chosen);
  commands::add_config(app, chosen);
  if (names_no_command(app, argument_count, arguments))
    return status_of(exit_status::cannot_run);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& why) {
    // `--help` and `--version` come this way as well, with status 0.
    return app.exit(why) == 0 ? status_of(exit_status::done)
                              : status_of(exit_status::cannot_run);
  }
  try {
    return status_of(chosen());
  } catch (const std::exception& why) {
    complain(std::string{"an error that nobody expected: "} + why.what());
    return status_of(exit_status::failed);
  }
}

} // namespace freehold::node
