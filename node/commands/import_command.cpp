#include "node/commands/appending.hpp"
#include "node/commands/commands.hpp"
#include "node/hosting.hpp"
#include "node/sale_import.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
Appends, for each sale, a ListProperty and a RecordSale command to the topic
property-commands, or with application.source: events one event, as other
services write it, to application.events-topic. Records of a sale have the same
ids every time, so what is there already is recognised and left out: an import
that was cut off is simply run again. A bad line is reported on stderr as
FILE:LINE: column NAME: reason, and the rest goes on. No node may run on the
same data; use `freehold node --import` to feed a running one.

Examples:
  freehold import configs/demo/king_county_sales.csv --config configs/demo.yaml
  freehold import sales.csv --data data/market
      --map time=date,property=id,neighborhood=district,price=amount

)";

struct import_flags {
  configuration_flags configuration;
  std::string file;
  std::string mapping = map_default;
};

exit_status finish(const import_flags& flags, const sale_import::counts& counts,
                   bool stopped) {
  print(flags.file + ": " + with_commas(counts.rows) + " rows, "
        + with_commas(counts.already_there) + " already there, "
        + with_commas(counts.appended) + " appended, "
        + with_commas(counts.bad_lines)
        + (counts.bad_lines == 1 ? " bad line\n" : " bad lines\n"));
  if (stopped)
    complain("stopped before the end of the file; run it again to go on");
  return stopped || counts.bad_lines > 0 ? exit_status::partly
                                         : exit_status::done;
}

exit_status pump(const import_flags& flags, wiring& on, stop_signals& signals) {
  const auto bell = std::make_shared<doorbell>();
  appending_log log{bell};
  if (auto done = log.start(on); !done) {
    complain(done.error());
    return exit_status::cannot_run;
  }
  const auto reader = on.open_reader();
  if (!reader) {
    complain(reader.error());
    return exit_status::cannot_run;
  }
  const auto import = sale_import::open({flags.file, flags.mapping},
                                        {.log = *on.log,
                                         .reader = **reader,
                                         .plan = *on.plan,
                                         .report = bad_line_printer{flags.file},
                                         .wake = [bell] { bell->ring(); }});
  if (!import) {
    complain(import.error());
    return exit_status::cannot_run;
  }
  progress_line progress{*on.time};
  for (bool stop = false;;) {
    std::uint64_t taken = 0;
    // After a signal only what is under way is waited for.
    const auto state = (*import)->pump(stop ? 0 : ~std::uint64_t{0}, taken);
    const auto counts = (*import)->count();
    const auto failure =
        (*import)->failure() ? (*import)->failure() : log.failure();
    if (failure) {
      progress.clear();
      complain(*failure);
      return exit_status::failed;
    }
    const bool all_in = counts.appended + counts.already_there == counts.rows;
    if (state == sale_import::state::finished || (stop && all_in)) {
      progress.clear();
      return finish(flags, counts,
                    stop && state != sale_import::state::finished);
    }
    if (progress.is_due())
      progress.show(with_commas(counts.rows) + " sales read, "
                    + with_commas(counts.appended) + " appended");
    const bool busy = state == sale_import::state::busy && !stop;
    stop = signals.wait(*bell, std::chrono::milliseconds{busy ? 0 : 100});
  }
}

exit_status run(const import_flags& flags) {
  const auto values = load_for_appending(flags.configuration);
  if (!values)
    return exit_status::cannot_run;
  // A file that cannot be read should not leave a data directory behind.
  if (auto sales = csv_sales::open(flags.file, flags.mapping); !sales) {
    complain(sales.error());
    return exit_status::cannot_run;
  }
  stop_signals signals;
  auto wired = wire(*values);
  if (!wired) {
    complain(wired.error());
    return exit_status::cannot_run;
  }
  return pump(flags, *wired, signals);
}

} // namespace

void add_import(CLI::App& app, chosen_command& chosen) {
  auto* const command =
      app.add_subcommand("import", "Append the sales of a CSV file to the log");
  const auto flags = std::make_shared<import_flags>();
  command->add_option("FILE", flags->file, "CSV file (RFC 4180, with a header)")
      ->required()
      ->type_name("");
  command->add_option("--map", flags->mapping, map_help)
      ->type_name("PAIRS")
      ->capture_default_str();
  flags->configuration.add_to(*command);
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return run(*flags); }; });
}

} // namespace freehold::node::commands
