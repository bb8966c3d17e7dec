#pragma once

namespace freehold::node {

/// Runs the command that the arguments name. Returns the exit status of the
/// process.
[[nodiscard]] int run_command_line(int argument_count, char** arguments);

} // namespace freehold::node
