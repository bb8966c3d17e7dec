#pragma once

#include "bridges/kafka/handles.hpp"

namespace freehold::bridges::kafka {

/// Lets a client ask who leads which partition now. librdkafka goes by what it
/// has heard for a quarter of an hour (metadata.max.age.ms) where partitions
/// are named in a call and never subscribed or assigned, and such a call fails
/// as long once they are led by another broker (2.0.2,
/// rd_kafka_metadata_refresh_known_topics).
/// @param within_ms  how long it may wait for the answer, which counts when it
///                   comes later, too
inline void look_for_leaders(rd_kafka_t& client, int within_ms = 1'000) {
  const rd_kafka_metadata_t* read = nullptr;
  if (rd_kafka_metadata(&client, 1, nullptr, &read, within_ms)
      == RD_KAFKA_RESP_ERR_NO_ERROR)
    rd_kafka_metadata_destroy(read);
}

} // namespace freehold::bridges::kafka
