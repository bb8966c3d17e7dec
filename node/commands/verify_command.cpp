#include "node/commands/commands.hpp"
#include "node/commands/opened_log.hpp"
#include "node/market_audit.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
Compares what is kept with what it must have come from: the state of every
journaled entity with the fold of its journal, and every window of every
neighborhood, published or open, with a batch over the journaled sales. Beside
a running node the states are compared exactly, windows as of two moments: stop
the node for a verdict on those.

Examples:
  freehold verify --data data/demo

)";

exit_status verify(const configuration_flags& flags) {
  const auto log = open_log(flags);
  if (!log)
    return exit_status::cannot_run;
  audit_report report;
  auto done = audit_journals(*log->reader, log->plan, report);
  if (done)
    done = audit_windows(*log->reader, log->plan, report);
  if (!done) {
    complain(done.error());
    return exit_status::failed;
  }
  for (const std::string& each : report.faults)
    complain(each);
  if (report.fault_count > report.faults.size())
    complain("... and " + with_commas(report.fault_count - report.faults.size())
             + " more");
  print("Compared " + with_commas(report.states) + " states with the fold of "
        + with_commas(report.events) + " events, "
        + with_commas(report.closed_windows) + " closed and "
        + with_commas(report.open_windows)
        + " open windows with the sales in the journal ("
        + with_commas(report.left_out) + " left out, see market-late).\n");
  if (report.newer_events > 0)
    print(with_commas(report.newer_events)
          + " events are newer than the states: a node is running.\n");
  print(report.fault_count == 0
            ? "All of it agrees.\n"
            : with_commas(report.fault_count) + " do not agree.\n");
  return report.fault_count == 0 ? exit_status::done : exit_status::failed;
}

} // namespace

void add_verify(CLI::App& app, chosen_command& chosen) {
  auto* const command = app.add_subcommand(
      "verify", "Compare states and windows with the journals they come from");
  const auto flags = std::make_shared<configuration_flags>();
  flags->add_to(*command);
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return verify(*flags); }; });
}

} // namespace freehold::node::commands
