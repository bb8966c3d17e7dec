#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/event_log.hpp"

#include <optional>
#include <string>
#include <vector>

namespace freehold::ports {

/// Whether a layout makes sense by itself: names, partition counts, at most
/// one changelog. Errors: `invalid_argument`, `mismatch`.
[[nodiscard]] result<void> check_layout(const log_layout& layout);

/// Of its topics, by their index.
[[nodiscard]] std::vector<std::string> names_of(const log_layout& layout);

/// The changelog of a layout that has one.
[[nodiscard]] std::optional<topic_index> changelog_of(const log_layout& layout);

} // namespace freehold::ports
