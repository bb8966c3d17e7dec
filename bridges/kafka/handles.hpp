#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

/// librdkafka's objects with their ends.
namespace freehold::bridges::kafka {

template <auto Destroy>
struct destroy_with {
  template <class T>
  void operator()(T* what) const noexcept {
    Destroy(what);
  }
};

template <class T, auto Destroy>
using owned = std::unique_ptr<T, destroy_with<Destroy>>;

/// A consumer is not closed: a static member keeps its membership, a reader has
/// none, and closing may wait for somebody who is gone.
inline void destroy_client(rd_kafka_t* client) noexcept {
  rd_kafka_destroy_flags(client, rd_kafka_type(client) == RD_KAFKA_CONSUMER
                                     ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE
                                     : 0);
}

using client_ptr = owned<rd_kafka_t, destroy_client>;
using conf_ptr = owned<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using queue_ptr = owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using event_ptr = owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using error_ptr = owned<rd_kafka_error_t, rd_kafka_error_destroy>;
using message_ptr = owned<rd_kafka_message_t, rd_kafka_message_destroy>;
using headers_ptr = owned<rd_kafka_headers_t, rd_kafka_headers_destroy>;
using partitions_ptr = owned<rd_kafka_topic_partition_list_t,
                             rd_kafka_topic_partition_list_destroy>;
using group_ptr = owned<rd_kafka_consumer_group_metadata_t,
                        rd_kafka_consumer_group_metadata_destroy>;
using new_topic_ptr = owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using config_resource_ptr =
    owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using delete_records_ptr =
    owned<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
using admin_options_ptr =
    owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using topic_ptr = owned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using metadata_ptr =
    owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;

[[nodiscard]] inline partitions_ptr new_partitions() {
  return partitions_ptr{rd_kafka_topic_partition_list_new(8)};
}

} // namespace freehold::bridges::kafka
