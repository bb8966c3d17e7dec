#pragma once

#include "node/configuration.hpp"

#include <spdlog/logger.h>

#include <memory>
#include <string>

namespace freehold::node {

/// Sends all logging to stderr, with the configured level and form. Before
/// anything else logs; once more changes the loggers made from then on.
void start_logging(const configuration& values);

/// The logger of a component; made at its first use.
[[nodiscard]] std::shared_ptr<spdlog::logger>
logger_of(const std::string& component);

} // namespace freehold::node
