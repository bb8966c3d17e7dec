#pragma once

#include "runtime/base/ids.hpp"

namespace freehold::engine {

/// Where a shard stands in one of its inputs.
struct input_position {
  topic_partition source;
  /// The next offset to take; nothing lies before it that was not taken.
  next_offset next{0};
  /// Nothing is read, because the shard is at a bound.
  bool is_paused = false;
};

} // namespace freehold::engine
