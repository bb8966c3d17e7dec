#include "bridges/log/writer_lock.hpp"
#include "node/application_wiring.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/console.hpp"

#include <CLI/CLI.hpp>
#include <poll.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* stop_examples = R"(
Stops the node that runs on this machine with this configuration, and waits for
its end: it finishes and commits what it took. On Kafka its shards wait for it
for kafka.session-timeout-ms, so that a restart disturbs nobody; a node that is
not to come back is better told to leave. The same as SIGTERM.

Examples:
  freehold stop --config configs/kafka.yaml

)";
constexpr const char* leave_examples = R"(
Stops the node that runs on this machine with this configuration for good, and
waits for its end: it finishes and commits what it took and leaves the group, so
that the other nodes take its shards at once. The same as SIGUSR1.

Examples:
  freehold leave --config configs/kafka.yaml

)";

/// Beyond what the node itself takes for a stop.
constexpr int margin_ms = 20'000;
constexpr int look_again_ms = 50;

exit_status end_node(const configuration_flags& flags, int signal) {
  const auto loaded = flags.load();
  if (!loaded)
    return exit_status::cannot_run;
  const configuration& values = loaded->values;
  if (values.log_kind == log_kind::memory
      || (signal == SIGUSR1 && values.log_kind != log_kind::kafka)) {
    complain(values.log_kind == log_kind::memory
                 ? "log.kind is memory: end such a node with Ctrl-C"
                 : "log.kind is embedded: nobody could take the shards of a "
                   "node that leaves; use `freehold stop`");
    return exit_status::cannot_run;
  }
  const auto directory = locked_directory(values);
  const auto holder = bridges::log::writer_lock::holder(directory);
  if (!holder) {
    complain(holder.error());
    return exit_status::failed;
  }
  if (!*holder) {
    complain("no node runs in " + directory.string());
    return exit_status::failed;
  }
  const std::string process = std::to_string(**holder);
  if (::kill(**holder, signal) != 0) {
    complain("process " + process
             + " cannot be told to stop: " + std::strerror(errno));
    return exit_status::failed;
  }
  const auto wait_ms =
      static_cast<int>(values.stop_timeout.count()) + margin_ms;
  for (int waited_ms = 0; waited_ms < wait_ms; waited_ms += look_again_ms) {
    const auto now = bridges::log::writer_lock::holder(directory);
    if (now && (!*now || **now != **holder)) {
      print("The node, process " + process + ", has stopped.\n");
      return exit_status::done;
    }
    (void)::poll(nullptr, 0, look_again_ms);
  }
  complain("process " + process + " was told to stop and has not ended in "
           + std::to_string(wait_ms / 1000) + " s; its log says why");
  return exit_status::failed;
}

void add(CLI::App& app, chosen_command& chosen, const char* name,
         const char* what, const char* examples, int signal) {
  auto* const command = app.add_subcommand(name, what);
  const auto flags = std::make_shared<configuration_flags>();
  flags->add_to(*command);
  command->footer(examples + std::string{exit_status_help});
  command->callback([flags, signal, &chosen] {
    chosen = [flags, signal] { return end_node(*flags, signal); };
  });
}

} // namespace

void add_stop(CLI::App& app, chosen_command& chosen) {
  add(app, chosen, "stop", "Stop the node of this machine, for a restart",
      stop_examples, SIGTERM);
  add(app, chosen, "leave",
      "Stop the node of this machine for good: others take its shards",
      leave_examples, SIGUSR1);
}

} // namespace freehold::node::commands
