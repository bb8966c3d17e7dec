#pragma once

#include "bridges/kafka/kafka_settings.hpp"
#include "runtime/ports/log_reader.hpp"

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
  kafka_log_reader(std::shared_ptr<rd_kafka_t> client, ports::log_layout layout)
      : client_(std::move(client)), layout_(std::move(layout)) {}

  std::shared_ptr<rd_kafka_t> client_;
  const ports::log_layout layout_;
};

} // namespace freehold::bridges::kafka
