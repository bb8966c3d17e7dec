#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "runtime/ports/log_reader.hpp"

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace freehold::bridges::kafka {

/// Reads an application's topics on a Kafka cluster, beside its nodes.
class kafka_log_reader final : public ports::log_reader {
public:
  /// @param layout  the application's; which topic has which role is not
  ///   written on the cluster
  static result<std::unique_ptr<kafka_log_reader>>
  open(const kafka_settings& how, ports::log_layout layout);

  result<std::vector<ports::topic_description>> topics() override;
  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override;

private:
  [[nodiscard]] rd_kafka_resp_err_t ask_bounds(const std::string& topic,
                                               std::uint32_t partition,
                                               std::int64_t& begin,
                                               std::int64_t& end);
  kafka_log_reader(std::shared_ptr<rd_kafka_t> client, ports::log_layout layout)
      : client_(std::move(client)), layout_(std::move(layout)) {}

  /// A partition that is read, with a queue of its own: several may be read
  /// in turn.
  struct partition_entry {
    queue_ptr queue;
    next_offset next{0};
    /// Read, and had no room.
    message_ptr held;
  };
  result<void> begin_at(topic_partition source, partition_entry& entry,
                        next_offset from);
  void forget(topic_partition source, partition_entry& entry);
  [[nodiscard]] partitions_ptr one(topic_partition source,
                                   next_offset from) const;

  std::shared_ptr<rd_kafka_t> client_;
  const ports::log_layout layout_;
  std::map<topic_partition, partition_entry> partitions_;
};

} // namespace freehold::bridges::kafka
