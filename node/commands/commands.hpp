#pragma once

#include "node/console.hpp"

#include <functional>

namespace CLI {
class App;
}

/// One file per command of `freehold`. Each adds itself to the command line;
/// the one that the arguments name sets what is to be run.
namespace freehold::node::commands {

using chosen_command = std::function<exit_status()>;

void add_run(CLI::App& app, chosen_command& chosen);
void add_node(CLI::App& app, chosen_command& chosen);
void add_import(CLI::App& app, chosen_command& chosen);
/// `stop` and `leave`.
void add_stop(CLI::App& app, chosen_command& chosen);
void add_topic(CLI::App& app, chosen_command& chosen);
void add_entity(CLI::App& app, chosen_command& chosen);
void add_lag(CLI::App& app, chosen_command& chosen);
void add_verify(CLI::App& app, chosen_command& chosen);
void add_report(CLI::App& app, chosen_command& chosen);
void add_config(CLI::App& app, chosen_command& chosen);

/// `entity history` and `topic produce`, parts of `entity` and `topic` in
/// files of their own.
void add_entity_history(CLI::App& entity, chosen_command& chosen);
void add_topic_produce(CLI::App& topic, chosen_command& chosen);

} // namespace freehold::node::commands
