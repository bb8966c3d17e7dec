#include "bridges/kafka/kafka_log_reader.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/message_batch.hpp"

#include <algorithm>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

constexpr int answer_ms_max = 10'000;
constexpr int poll_ms = 100;

} // namespace

result<std::unique_ptr<kafka_log_reader>>
kafka_log_reader::open(const kafka_settings& how, ports::log_layout layout) {
  auto conf = make_conf(how, client_role::reader, {});
  if (!conf)
    return conf.error();
  auto made = make_client(*std::move(conf), client_role::reader);
  if (!made)
    return made.error();
  std::shared_ptr<rd_kafka_t> client{made->release(), destroy_client};
  rd_kafka_poll_set_consumer(client.get());
  return std::unique_ptr<kafka_log_reader>{
      new kafka_log_reader{std::move(client), std::move(layout)}};
}

result<std::vector<ports::topic_description>> kafka_log_reader::topics() {
  std::vector<ports::topic_description> all;
  for (const auto& spec : layout_.topics) {
    ports::topic_description made{spec, {}};
    for (std::uint32_t p = 0; p < spec.partition_count; ++p) {
      std::int64_t low = 0;
      std::int64_t high = 0;
      // With read_committed the end is the last stable offset.
      const auto code = rd_kafka_query_watermark_offsets(
          client_.get(), spec.name.c_str(), static_cast<std::int32_t>(p), &low,
          &high, answer_ms_max);
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(code, "kafka: how far " + spec.name + " "
                                  + std::to_string(p) + " goes");
      made.partitions.push_back({next_offset{low}, next_offset{high}});
    }
    all.push_back(std::move(made));
  }
  return all;
}

result<ports::record_batch_ptr>
kafka_log_reader::read(topic_partition source, next_offset from,
                       std::uint32_t bytes_max) {
  if (source.topic.value() >= layout_.topics.size()
      || source.partition.value()
             >= layout_.topics[source.topic.value()].partition_count)
    return error{errc::not_found,
                 "topic " + std::to_string(source.topic.value())
                     + ", partition " + std::to_string(source.partition.value())
                     + " does not exist"};
  const std::string& name = layout_.topics[source.topic.value()].name;
  const partitions_ptr which = new_partitions();
  rd_kafka_topic_partition_list_add(
      which.get(), name.c_str(),
      static_cast<std::int32_t>(source.partition.value()))
      ->offset = from.value();
  const auto code = rd_kafka_assign(client_.get(), which.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: reads " + name);
  auto found = std::make_shared<message_batch>(client_);
  found->source = source;
  found->next = from;
  int silent_ms = 0;
  for (std::uint64_t bytes = 0;;) {
    message_ptr next{rd_kafka_consumer_poll(client_.get(), poll_ms)};
    if (next == nullptr) {
      if ((silent_ms += poll_ms) >= answer_ms_max)
        return error{errc::unavailable, "kafka: " + name + " is not read"};
      continue;
    }
    if (next->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      found->next = std::max(found->next, next_offset{next->offset});
      found->end = found->next;
      return ports::record_batch_ptr{std::move(found)};
    }
    if (next->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(next->err, "kafka: reads " + name + ", partition "
                                     + std::to_string(source.partition.value())
                                     + ", offset "
                                     + std::to_string(from.value()));
    const std::uint64_t size = next->len + next->key_len;
    if (bytes > 0 && bytes + size > bytes_max) {
      // It comes again.
      found->end = next_offset{found->next.value() + 1};
      return ports::record_batch_ptr{std::move(found)};
    }
    bytes += std::max<std::uint64_t>(size, 1);
    found->next = after(record_offset{next->offset});
    found->add(std::move(next));
  }
}

} // namespace freehold::bridges::kafka
