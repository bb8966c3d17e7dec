#pragma once

#include "bridges/kafka/handles.hpp"
#include "bridges/kafka/kafka_error.hpp"
#include "runtime/base/result.hpp"

#include <string>
#include <vector>

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

/// Lets a client hear of topics before it needs them: one that meets a topic
/// with its first record or its first fetch looks for it once a second only
/// (2.0.2, rd_kafka_topic_scan_all).
/// @return handles; as long as one is kept its topic stays known
inline result<std::vector<topic_ptr>>
learn_topics(rd_kafka_t& client, const std::vector<std::string>& names,
             int within_ms) {
  std::vector<topic_ptr> known;
  for (const std::string& name : names)
    known.emplace_back(rd_kafka_topic_new(&client, name.c_str(), nullptr));
  const rd_kafka_metadata_t* read = nullptr;
  const auto code = rd_kafka_metadata(&client, 0, nullptr, &read, within_ms);
  const metadata_ptr kept{read};
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: a client looks for its topics");
  return known;
}

} // namespace freehold::bridges::kafka
