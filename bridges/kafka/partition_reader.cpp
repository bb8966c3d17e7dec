#include "bridges/kafka/partition_reader.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/leaders.hpp"
#include "bridges/kafka/message_batch.hpp"
#include "runtime/ports/log_layout.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

/// Taken from a queue at once.
constexpr std::size_t messages_max = 1000;
constexpr int push_ms_max = 1000;
/// All fetches wait meanwhile.
constexpr int learning_ms_max = 1000;

/// A number of the client's own configuration, which may be its user's.
std::uint64_t configured(rd_kafka_t& client, const char* name) {
  std::array<char, 32> text{};
  std::size_t size = text.size();
  rd_kafka_conf_get(rd_kafka_conf(&client), name, text.data(), &size);
  return std::strtoull(text.data(), nullptr, 10);
}

} // namespace

partition_reader::partition_reader(const kafka_settings& how,
                                   serial_thread& home,
                                   const ports::log_layout& layout, answer tell)
    : how_(how),
      home_(home),
      layout_(layout),
      topic_names_(ports::names_of(layout)),
      tell_(std::move(tell)) {}

result<void> partition_reader::start() {
  auto made = open_client(how_, client_role::reader);
  if (!made)
    return made.error();
  client_ = *std::move(made);
  push_bytes_ = configured(*client_, "queued.max.messages.kbytes") * 1024 / 2;
  push_records_ = configured(*client_, "queued.min.messages") / 2;
  return {};
}

void partition_reader::learn_topics() {
  if (auto learnt =
          kafka::learn_topics(*client_, topic_names_, learning_ms_max))
    topics_ = *std::move(learnt);
}

void partition_reader::stop() {
  if (client_ == nullptr)
    return;
  pusher_.stop();
  topics_.clear();
  for (auto& [source, entry] : partitions_)
    if (entry.queue != nullptr)
      queue_waker::ignore(*entry.queue);
  for (auto& [source, entry] : partitions_) {
    entry.ahead.clear();
    entry.queue = nullptr;
  }
  client_ = nullptr;
  partitions_.clear();
}

partitions_ptr partition_reader::one(topic_partition source,
                                     next_offset from) const {
  partitions_ptr made = new_partitions();
  rd_kafka_topic_partition_list_add(
      made.get(), topic_names_[source.topic.value()].c_str(),
      static_cast<std::int32_t>(source.partition.value()))
      ->offset = from.value();
  return made;
}

void partition_reader::begin_at(topic_partition source, partition_entry& entry,
                                next_offset from) {
  forget(source);
  entry.next = from;
  entry.end.reset();
  entry.failed.reset();
  const partitions_ptr which = one(source, from);
  entry.queue.reset(rd_kafka_queue_get_partition(
      client_.get(), which->elems[0].topic, which->elems[0].partition));
  rd_kafka_queue_forward(entry.queue.get(), nullptr);
  if (entry.waker == nullptr)
    entry.waker =
        std::make_unique<queue_waker>(home_, [this, source] { serve(source); });
  entry.waker->watch(*entry.queue);
  const error_ptr failed{
      rd_kafka_incremental_assign(client_.get(), which.get())};
  if (failed != nullptr)
    entry.failed = to_error(*failed, "kafka: reads a partition");
}

void partition_reader::forget(topic_partition source) {
  const auto known = partitions_.find(source);
  if (known == partitions_.end() || known->second.queue == nullptr)
    return;
  auto& entry = known->second;
  queue_waker::ignore(*entry.queue);
  const error_ptr ignored{rd_kafka_incremental_unassign(
      client_.get(), one(source, entry.next).get())};
  // What was read ahead is dropped with its version as it is taken.
  std::array<rd_kafka_message_t*, messages_max> old{};
  for (;;) {
    const auto count = rd_kafka_consume_batch_queue(entry.queue.get(), 0,
                                                    old.data(), old.size());
    if (count <= 0)
      break;
    for (ssize_t i = 0; i < count; ++i)
      rd_kafka_message_destroy(old[static_cast<std::size_t>(i)]);
  }
  entry.ahead.clear();
  entry.queue = nullptr;
}

void partition_reader::fetch(const ports::fetch_request& what) {
  auto& entry = partitions_[what.source];
  if (entry.queue == nullptr || entry.next != what.from)
    begin_at(what.source, entry, what.from);
  entry.asked = what;
  serve(what.source);
}

void partition_reader::cancel(topic_partition source) {
  const auto known = partitions_.find(source);
  if (known != partitions_.end())
    known->second.asked.reset();
}

bool partition_reader::is_asked(topic_partition source) const {
  const auto known = partitions_.find(source);
  return known != partitions_.end() && known->second.asked.has_value();
}

void partition_reader::appended(topic_partition target, next_offset to) {
  auto& entry = partitions_[target]; // also before it is read
  entry.end.reset();
  entry.written_to = std::max(entry.written_to, to);
}

bool partition_reader::is_at_end(topic_partition source, next_offset at) const {
  const auto known = partitions_.find(source);
  return known != partitions_.end() && known->second.next == at
         && known->second.end == at && at >= known->second.written_to;
}

/// Takes from the queue what it has.
void partition_reader::take(partition_entry& entry) {
  std::array<rd_kafka_message_t*, messages_max> some{};
  const auto count = rd_kafka_consume_batch_queue(entry.queue.get(), 0,
                                                  some.data(), some.size());
  for (ssize_t i = 0; i < count; ++i)
    entry.ahead.emplace_back(some[static_cast<std::size_t>(i)]);
}

/// Where all that a broker leads was read ahead as far as it may be, the client
/// does not look for room until something comes from there, or for a second
/// (2.0.2, rd_kafka_broker_consumer_serve; from 2.2 on there is
/// fetch.queue.backoff.ms). Any request to that broker lets it look.
void partition_reader::push_on(topic_partition source, partition_entry& entry) {
  if (!entry.ahead.empty()
      || (entry.bytes_since < push_bytes_
          && entry.records_since < push_records_))
    return;
  entry.bytes_since = 0;
  entry.records_since = 0;
  pusher_.post([this, source] {
    std::int64_t low = 0;
    std::int64_t high = 0;
    rd_kafka_query_watermark_offsets(
        client_.get(), topic_names_[source.topic.value()].c_str(),
        static_cast<std::int32_t>(source.partition.value()), &low, &high,
        push_ms_max);
  });
}

void partition_reader::serve(topic_partition source) {
  const auto known = partitions_.find(source);
  if (known == partitions_.end())
    return;
  auto& entry = known->second;
  if (entry.waker != nullptr)
    entry.waker->looks();
  if (!entry.asked || (entry.queue == nullptr && !entry.failed))
    return;
  const ports::fetch_request what = *entry.asked;
  if (entry.ahead.empty() && entry.queue != nullptr)
    take(entry);
  const bool has_headers = layout_.topics[source.topic.value()].has_headers;
  auto found = std::make_shared<message_batch>(client_);
  found->source = source;
  std::uint64_t bytes = 0;
  while (!entry.ahead.empty() && !entry.failed) {
    message_ptr& next = entry.ahead.front();
    if (next->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      entry.next = std::max(entry.next, next_offset{next->offset});
      entry.end = entry.next;
    } else if (next->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const char* const said = rd_kafka_message_errstr(next.get());
      entry.failed = to_error(
          next->err, "kafka: " + topic_names_[source.topic.value()]
                         + ", partition "
                         + std::to_string(source.partition.value())
                         + ", offset " + std::to_string(entry.next.value())
                         + ": " + (said == nullptr ? "" : said));
    } else if (next_offset{next->offset} >= entry.next) {
      const std::uint64_t size = next->len + next->key_len;
      if (bytes > 0 && bytes + size > what.bytes_max)
        break;
      bytes += std::max<std::uint64_t>(size, 1);
      entry.bytes_since += size;
      ++entry.records_since;
      entry.next = after(record_offset{next->offset});
      if (entry.end && *entry.end < entry.next)
        entry.end.reset();
      found->add(std::move(next), has_headers);
    }
    entry.ahead.pop_front();
    if (entry.ahead.empty() && bytes < what.bytes_max)
      take(entry);
  }
  push_on(source, entry);
  if (entry.failed && found->records.empty()) {
    const error why = *std::exchange(entry.failed, std::nullopt);
    entry.asked.reset();
    forget(source);
    return tell_(what, why);
  }
  const bool moved = entry.next > what.from;
  const bool ends_here = is_at_end(source, entry.next);
  if (!moved && !(what.wait == ports::fetch_wait::no && ends_here))
    return; // its queue wakes us
  found->next = entry.next;
  // How far it goes is known only where it was read to the end.
  found->end = ends_here ? entry.next : next_offset{entry.next.value() + 1};
  entry.asked.reset();
  tell_(what, ports::record_batch_ptr{std::move(found)});
}

} // namespace freehold::bridges::kafka
