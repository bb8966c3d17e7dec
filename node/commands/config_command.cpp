#include "node/application_wiring.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/configuration_flags.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
Values come in layers, each over the one before: defaults, the file, the
environment (FREEHOLD_ENGINE_WORKERS=4 for engine.workers), --data and --set.

Examples:
  freehold config check --config configs/market.yaml
  freehold config dump --config configs/demo.yaml --set engine.workers=4

)";

std::string path_text(const configuration_flags& flags) {
  return flags.file.empty() ? "defaults, environment and --set" : flags.file;
}

exit_status check(const configuration_flags& flags) {
  const auto loaded = flags.load();
  if (!loaded)
    return exit_status::cannot_run;
  const auto plan = make_plan(loaded->values);
  if (!plan) {
    complain(plan.error());
    return exit_status::cannot_run;
  }
  for (const auto& warning : loaded->warnings)
    complain("warning: " + warning);
  std::string topics;
  for (const auto& topic : (*plan)->layout.topics)
    topics.append(topics.empty() ? "" : ", ").append(topic.name);
  print(path_text(flags) + ": good. " + (*plan)->name + " has "
        + std::to_string((*plan)->options.shard_count) + " shards and the "
        + "topics " + topics + ".\n");
  return exit_status::done;
}

exit_status show(const configuration_flags& flags) {
  const auto loaded = flags.load();
  if (!loaded)
    return exit_status::cannot_run;
  print(dump(*loaded));
  return exit_status::done;
}

} // namespace

void add_config(CLI::App& app, chosen_command& chosen) {
  auto* const config =
      app.add_subcommand("config", "Check or print the configuration");
  config->require_subcommand(1);
  const auto add = [&](const char* name, const char* what,
                       exit_status (*action)(const configuration_flags&)) {
    auto* const command = config->add_subcommand(name, what);
    const auto flags = std::make_shared<configuration_flags>();
    flags->add_to(*command);
    command->footer(examples + std::string{exit_status_help});
    command->callback([flags, action, &chosen] {
      chosen = [flags, action] { return action(*flags); };
    });
  };
  add("check", "Report every fault, each with its place and what to do", check);
  add("dump", "Print all options in effect, as YAML, with their origins", show);
}

} // namespace freehold::node::commands
