#include "bridges/kafka/kafka_log_reader.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/leaders.hpp"
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
  auto made = open_client(how, client_role::reader);
  if (!made)
    return made.error();
  std::shared_ptr<rd_kafka_t> client{made->release(), destroy_client};
  const rd_kafka_metadata_t* read = nullptr;
  const auto code =
      rd_kafka_metadata(client.get(), 0, nullptr, &read, answer_ms_max);
  const metadata_ptr kept{read};
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return unreachable(how, code);
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
      const auto code = ask_bounds(spec.name, p, low, high);
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(code, "kafka: how far " + spec.name + " "
                                  + std::to_string(p) + " goes");
      made.partitions.push_back({next_offset{low}, next_offset{high}});
    }
    all.push_back(std::move(made));
  }
  return all;
}

/// With read_committed the end is the last stable offset. A partition that was
/// just made may have no leader yet.
rd_kafka_resp_err_t kafka_log_reader::ask_bounds(const std::string& topic,
                                                 std::uint32_t partition,
                                                 std::int64_t& begin,
                                                 std::int64_t& end) {
  for (int waited_ms = 0;; waited_ms += poll_ms) {
    const auto code = rd_kafka_query_watermark_offsets(
        client_.get(), topic.c_str(), static_cast<std::int32_t>(partition),
        &begin, &end, answer_ms_max);
    const bool comes_soon = code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
                            || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (!comes_soon || waited_ms >= answer_ms_max)
      return code;
    look_for_leaders(*client_);
    const message_ptr none{rd_kafka_consumer_poll(client_.get(), poll_ms)};
  }
}

partitions_ptr kafka_log_reader::one(topic_partition source,
                                     next_offset from) const {
  partitions_ptr made = new_partitions();
  rd_kafka_topic_partition_list_add(
      made.get(), layout_.topics[source.topic.value()].name.c_str(),
      static_cast<std::int32_t>(source.partition.value()))
      ->offset = from.value();
  return made;
}

result<void> kafka_log_reader::begin_at(topic_partition source,
                                        partition_entry& entry,
                                        next_offset from) {
  forget(source, entry);
  const partitions_ptr which = one(source, from);
  entry.queue.reset(rd_kafka_queue_get_partition(
      client_.get(), which->elems[0].topic, which->elems[0].partition));
  rd_kafka_queue_forward(entry.queue.get(), nullptr);
  const error_ptr failed{
      rd_kafka_incremental_assign(client_.get(), which.get())};
  if (failed != nullptr)
    return to_error(*failed,
                    std::string{"kafka: reads "} + which->elems[0].topic);
  return {};
}

void kafka_log_reader::forget(topic_partition source, partition_entry& entry) {
  entry.held = nullptr;
  if (entry.queue == nullptr)
    return;
  const error_ptr ignored{rd_kafka_incremental_unassign(
      client_.get(), one(source, entry.next).get())};
  // What was read ahead is old by now, and dropped as it is taken.
  while (const message_ptr old{rd_kafka_consume_queue(entry.queue.get(), 0)}) {
  }
  entry.queue = nullptr;
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
  auto& entry = partitions_[source];
  if (entry.queue == nullptr || entry.next != from)
    if (auto begun = begin_at(source, entry, from); !begun)
      return begun.error();
  auto found = std::make_shared<message_batch>(client_);
  found->source = source;
  found->next = from;
  int silent_ms = 0;
  for (std::uint64_t bytes = 0;;) {
    message_ptr next =
        entry.held != nullptr
            ? std::move(entry.held)
            : message_ptr{rd_kafka_consume_queue(entry.queue.get(), poll_ms)};
    if (next == nullptr) {
      if ((silent_ms += poll_ms) >= answer_ms_max)
        return error{errc::unavailable, "kafka: " + name + " is not read"};
      continue;
    }
    if (next->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      found->next = std::max(found->next, next_offset{next->offset});
      found->end = found->next;
      forget(source, entry); // an end is told once
      return ports::record_batch_ptr{std::move(found)};
    }
    if (next->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const error why =
          to_error(next->err, "kafka: reads " + name + ", partition "
                                  + std::to_string(source.partition.value())
                                  + ", offset " + std::to_string(from.value()));
      forget(source, entry);
      return why;
    }
    const std::uint64_t size = next->len + next->key_len;
    if (bytes > 0 && bytes + size > bytes_max) {
      entry.held = std::move(next);
      entry.next = found->next;
      found->end = next_offset{found->next.value() + 1};
      return ports::record_batch_ptr{std::move(found)};
    }
    bytes += std::max<std::uint64_t>(size, 1);
    found->next = after(record_offset{next->offset});
    found->add(std::move(next));
  }
}

} // namespace freehold::bridges::kafka
