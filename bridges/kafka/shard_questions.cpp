#include "bridges/kafka/shard_questions.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/topic_setup.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace freehold::bridges::kafka {

namespace {

constexpr int answer_ms_max = 5000;
constexpr std::chrono::milliseconds again_after{100};

} // namespace

shard_questions::shard_questions(const kafka_settings& how,
                                 std::string changelog)
    : how_(how), changelog_(std::move(changelog)) {}

result<void> shard_questions::start() {
  for (const auto& [client, role] :
       {std::pair{&positions_, client_role::reader},
        std::pair{&ends_, client_role::end_finder}}) {
    auto made = open_client(how_, role);
    if (!made)
      return made.error();
    *client = *std::move(made);
  }
  return {};
}

void shard_questions::bounds_of(std::set<std::uint32_t> shards,
                                std::function<void(all_bounds)> then) {
  thread_.post(
      [this, shards = std::move(shards), then = std::move(then)]() mutable {
        auto found = ask(shards);
        if (found)
          return then(*std::move(found));
        spdlog::info("{}; asking again", to_string(found.error()));
        thread_.post_after(again_after, [this, shards = std::move(shards),
                                         then = std::move(then)]() mutable {
          bounds_of(std::move(shards), std::move(then));
        });
      });
}

void shard_questions::begin_of(std::string topic, std::uint32_t partition,
                               std::function<void(next_offset)> then) {
  thread_.post([this, topic = std::move(topic), partition,
                then = std::move(then)]() mutable {
    if (const auto found = ask(topic, partition))
      return then(found->begin);
    thread_.post_after(again_after, [this, topic = std::move(topic), partition,
                                     then = std::move(then)]() mutable {
      begin_of(std::move(topic), partition, std::move(then));
    });
  });
}

result<shard_questions::all_bounds>
shard_questions::ask(const std::set<std::uint32_t>& shards) {
  const partitions_ptr list = new_partitions();
  const std::string topic = shards_topic(how_);
  for (const std::uint32_t each : shards)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(),
                                      static_cast<std::int32_t>(each));
  // With read_committed it waits for a transaction that is open.
  const auto code =
      rd_kafka_committed(positions_.get(), list.get(), answer_ms_max);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: how far shards were taken");
  for (int i = 0; i < list->cnt; ++i)
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(list->elems[i].err, "kafka: how far a shard was taken");
  all_bounds found;
  for (const std::uint32_t each : shards) {
    if (changelog_.empty()) {
      found[each] = {};
      continue;
    }
    const auto one = ask(changelog_, each);
    if (!one)
      return one.error();
    found[each] = *one;
  }
  return found;
}

result<shard_questions::bounds> shard_questions::ask(const std::string& topic,
                                                     std::uint32_t partition) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto code = rd_kafka_query_watermark_offsets(
      ends_.get(), topic.c_str(), static_cast<std::int32_t>(partition), &low,
      &high, answer_ms_max);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: how far " + topic + " "
                              + std::to_string(partition) + " goes");
  return bounds{next_offset{low}, next_offset{high}};
}

} // namespace freehold::bridges::kafka
