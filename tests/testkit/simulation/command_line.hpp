#pragma once

#include "tests/testkit/simulation/campaign.hpp"

#include <functional>
#include <map>
#include <string>

namespace freehold::simulation {

/// Campaigns by the names they have on the command line.
using named_campaigns = std::map<std::string, std::function<campaign()>>;

/// The whole of a program that runs campaigns: by seeds or by time, with its
/// progress on the error output, and replays what a failure says. Gives the
/// exit code: 0 where all held, 1 where something did not, 2 for what cannot
/// be read.
///
///     int main(int argc, char** argv) {
///       return freehold::simulation::run_command_line(
///           argc, argv, {{"bank", bank_campaign}});
///     }
[[nodiscard]] int run_command_line(int argc, char** argv,
                                   const named_campaigns& all);

} // namespace freehold::simulation
