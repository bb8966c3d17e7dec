#pragma once

#include "bridges/kafka/kafka_settings.hpp"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace freehold::bridges::kafka {

/// Of a node on the Kafka of FREEHOLD_BOOTSTRAP, with an application that no
/// other test has.
inline kafka_settings cluster_settings(const std::string& application) {
  const char* const servers = std::getenv("FREEHOLD_BOOTSTRAP");
  if (servers == nullptr)
    throw std::runtime_error("FREEHOLD_BOOTSTRAP names no broker");
  kafka_settings how;
  how.bootstrap_servers = servers;
  how.application = application + "-" + std::to_string(getpid());
  how.node_id = "node";
  return how;
}

} // namespace freehold::bridges::kafka
