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

/// How far a shard that is not served yet has read its changelog.
struct restore_position {
  partition_index shard{0};
  next_offset next{0};
  /// What it has to read before it is served.
  next_offset end{0};
};

} // namespace freehold::engine
