#include "bridges/kafka/lookup_service.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/leaders.hpp"
#include "bridges/kafka/message_batch.hpp"

#include <utility>

namespace freehold::bridges::kafka {

namespace {

/// Records that are read through rather than sought past.
constexpr std::int64_t gap_max = 500;
constexpr int poll_ms = 100;
constexpr int answer_ms_max = 5000;
/// Then it is the next one's turn.
constexpr int silence_ms_max = 5000;

bool is_out_of_range(const rd_kafka_message_t& what) noexcept {
  return what.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
         || what.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
}

bool is_of(const rd_kafka_message_t& what, topic_partition source,
           std::int64_t offset) noexcept {
  return what.partition == static_cast<std::int32_t>(source.partition.value())
         && what.offset == offset;
}

} // namespace

lookup_service::lookup_service(const kafka_settings& how,
                               std::vector<std::string> topic_names)
    : how_(how), topic_names_(std::move(topic_names)) {}

result<void> lookup_service::start() {
  auto made = open_client(how_, client_role::point_reader);
  if (!made)
    return made.error();
  client_ = *std::move(made);
  rd_kafka_poll_set_consumer(client_.get());
  thread_.post([this] {
    if (auto learnt = learn_topics(*client_, topic_names_, answer_ms_max))
      topics_ = *std::move(learnt);
  });
  return {};
}

void lookup_service::stop() {
  stopping_ = true;
  thread_.stop();
}

void lookup_service::look_up(std::shared_ptr<ports::lookup> what, answer then) {
  thread_.post([this, what = std::move(what), then = std::move(then)] {
    bool all_kept = true;
    auto outcome = read(*what, all_kept);
    rd_kafka_assign(client_.get(), nullptr);
    // What was read too much would count as read ahead of the next.
    const message_ptr none{rd_kafka_consumer_poll(client_.get(), 0)};
    if (!stopping_)
      then(std::move(outcome), all_kept);
  });
}

result<void> lookup_service::begin_at(topic_partition source,
                                      next_offset from) {
  const partitions_ptr which = new_partitions();
  rd_kafka_topic_partition_list_add(
      which.get(), topic_names_[source.topic.value()].c_str(),
      static_cast<std::int32_t>(source.partition.value()))
      ->offset = from.value();
  const auto code = rd_kafka_assign(client_.get(), which.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: reads single records");
  return {};
}

result<next_offset> lookup_service::kept_from(topic_partition source) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto code = rd_kafka_query_watermark_offsets(
      client_.get(), topic_names_[source.topic.value()].c_str(),
      static_cast<std::int32_t>(source.partition.value()), &low, &high,
      answer_ms_max);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    look_for_leaders(*client_);
    return to_error(code, "kafka: what a partition keeps");
  }
  return next_offset{low};
}

std::int64_t lookup_service::written_to(topic_partition source) const {
  std::int64_t low = 0;
  std::int64_t high = 0;
  rd_kafka_get_watermark_offsets(
      client_.get(), topic_names_[source.topic.value()].c_str(),
      static_cast<std::int32_t>(source.partition.value()), &low, &high);
  return high;
}

error lookup_service::not_yet(topic_partition source,
                              std::int64_t offset) const {
  return {errc::unavailable,
          "kafka: " + topic_names_[source.topic.value()] + ", partition "
              + std::to_string(source.partition.value()) + ", offset "
              + std::to_string(offset)
              + " cannot be read yet: no broker answers, or a transaction "
                "before it is open"};
}

result<void> lookup_service::read(ports::lookup& what, bool& all_kept) {
  // Before this none of the next is kept or left to read.
  next_offset from{-1};
  std::int64_t position = -1;
  int silence_ms = 0;
  for (std::size_t i = 0; i < what.offsets.size() && !stopping_;) {
    const std::int64_t wanted = what.offsets[i].value();
    if (wanted < from.value()) {
      all_kept = false;
      ++i;
      continue;
    }
    if (position < 0 || wanted - position > gap_max) {
      if (auto begun = begin_at(what.source, next_offset{wanted}); !begun)
        return begun;
      position = wanted;
    }
    message_ptr next{rd_kafka_consumer_poll(client_.get(), poll_ms)};
    if (next == nullptr) {
      silence_ms += poll_ms;
      if (silence_ms >= silence_ms_max)
        return not_yet(what.source, wanted);
      continue;
    }
    silence_ms = 0;
    if (next->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // A record of a unit that is known to be committed may be seen a moment
      // later; behind what was written there is none to wait for.
      if (next->offset > wanted || wanted >= written_to(what.source))
        ++i;
    } else if (is_out_of_range(*next)) {
      if (!is_of(*next, what.source, position)) {
        // It has no version in 2.0.2 (rd_kafka_offset_reset), and is of where
        // the client was before.
        position = -1;
        continue;
      }
      const auto kept = kept_from(what.source);
      if (!kept)
        return kept.error();
      if (kept->value() <= wanted)
        ++i; // behind the end
      from = std::max(from, *kept);
      position = -1;
    } else if (next->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return to_error(next->err, "kafka: reads single records");
    } else {
      const std::int64_t at = next->offset;
      position = at + 1;
      while (i < what.offsets.size() && what.offsets[i].value() < at)
        ++i;
      if (i < what.offsets.size() && what.offsets[i].value() == at) {
        message_batch one{nullptr};
        one.add(std::move(next));
        what.found(one.records.front());
        ++i;
      }
    }
  }
  return {};
}

} // namespace freehold::bridges::kafka
