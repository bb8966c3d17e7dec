#pragma once

#include <string>
#include <utility>
#include <vector>

namespace freehold::simulation {

/// A record that somebody outside sends.
struct command {
  std::string topic;
  std::string key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers{};
};

} // namespace freehold::simulation
