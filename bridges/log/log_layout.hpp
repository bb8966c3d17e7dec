#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/event_log.hpp"

namespace freehold::bridges::log {

/// Whether a layout makes sense by itself: names, partition counts, at most
/// one changelog. Errors: `invalid_argument`, `mismatch`.
[[nodiscard]] result<void> check_layout(const ports::log_layout& layout);

} // namespace freehold::bridges::log
