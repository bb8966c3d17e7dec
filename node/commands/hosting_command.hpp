#pragma once

#include "node/application_wiring.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/console.hpp"
#include "node/hosting.hpp"

#include <optional>
#include <string>

/// What the commands that host the application have in common.
namespace freehold::node::commands {

struct hosting_flags {
  configuration_flags configuration;
  /// A file with sales to feed in; empty for none.
  std::string import_file;
  std::string mapping = map_default;
};

/// An application that was hosted, as it was left.
struct hosted {
  configuration values;
  wiring wired;
  hosting_report report;
};

/// Loads the configuration, wires the application and hosts it to its end.
/// Prints why it could not begin, and gives nothing.
[[nodiscard]] std::optional<hosted> host_as_told(const hosting_flags& flags,
                                                 hosting_options how);

/// Prints what went wrong while it ran. `done`: nothing did.
[[nodiscard]] exit_status tell_failure(const hosting_report& report);

} // namespace freehold::node::commands
