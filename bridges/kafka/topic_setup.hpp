#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "runtime/ports/event_log.hpp"

#include <string>

namespace freehold::bridges::kafka {

/// The topic whose assignment is the ownership of shards; nobody writes it.
[[nodiscard]] std::string shards_topic(const kafka_settings& how);

/// Makes the topics of a layout that are missing, and that of shards, with the
/// settings that each role needs; checks the others. Waits for the cluster.
/// Errors: `mismatch` naming the topic, what is and what should be; otherwise
/// those of the cluster.
[[nodiscard]] result<void> set_up_topics(const kafka_settings& how,
                                         const ports::log_layout& layout);

} // namespace freehold::bridges::kafka
