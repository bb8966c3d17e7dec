#pragma once

#include "node/commands/configuration_flags.hpp"
#include "node/console.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace freehold::node::commands {

/// A log that a command looks into, beside a running node or without one.
struct opened_log {
  std::unique_ptr<ports::log_reader> reader;
  std::shared_ptr<const engine::application_plan> plan;
};

/// Says why not, if it cannot be opened.
[[nodiscard]] std::optional<opened_log>
open_log(const configuration_flags& flags);

/// The index of an entity type; says what there is where there is none.
[[nodiscard]] std::optional<std::uint32_t>
find_type(const engine::application_plan& plan, const std::string& name);

} // namespace freehold::node::commands
