#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/log_reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace freehold::engine {

/// Up to where a shard has taken each of its inputs, by topic name, as of its
/// last committed unit: the end of its changelog alone is read. Nothing where
/// it has committed none.
///
/// @param changelog  the shard's partition, with `bounds`
/// Errors: `corrupt`, those of the reader.
[[nodiscard]] result<std::vector<std::pair<std::string, next_offset>>>
last_positions(ports::log_reader& from, topic_partition changelog,
               ports::partition_bounds bounds);

} // namespace freehold::engine
