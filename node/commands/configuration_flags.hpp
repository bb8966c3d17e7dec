#pragma once

#include "node/configuration.hpp"
#include "runtime/base/result.hpp"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace freehold::node::commands {

/// The flags that choose a configuration: `--config`, `--data`, `--set`.
struct configuration_flags {
  std::string file;
  std::string data;
  std::vector<std::string> settings;

  void add_to(CLI::App& command, bool with_data = true);

  /// Loads it. Prints what is wrong and gives nothing.
  [[nodiscard]] std::optional<loaded_configuration> load() const;
};

/// What is said about a `--map` wherever there is one.
extern const char* const map_help;
/// Fits configs/demo/king_county_sales.csv.
extern const char* const map_default;

} // namespace freehold::node::commands
