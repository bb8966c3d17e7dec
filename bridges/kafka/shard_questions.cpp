#include "bridges/kafka/shard_questions.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/leaders.hpp"
#include "bridges/kafka/topic_setup.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace freehold::bridges::kafka {

namespace {

constexpr int answer_ms_max = 5000;
constexpr std::chrono::milliseconds again_after{100};

} // namespace

shard_questions::shard_questions(const kafka_settings& how,
                                 const ports::log_layout& layout,
                                 std::string changelog)
    : how_(how), layout_(layout), changelog_(std::move(changelog)) {}

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

void shard_questions::range_of(std::string topic, std::uint32_t partition,
                               std::function<void(bounds)> then) {
  thread_.post([this, topic = std::move(topic), partition,
                then = std::move(then)]() mutable {
    if (const auto found = ask(topic, partition))
      return then(*found);
    thread_.post_after(again_after, [this, topic = std::move(topic), partition,
                                     then = std::move(then)]() mutable {
      range_of(std::move(topic), partition, std::move(then));
    });
  });
}

result<shard_questions::all_bounds>
shard_questions::ask_positions(const std::set<std::uint32_t>& shards) {
  const partitions_ptr list = new_partitions();
  const std::string of_shards = shards_topic(how_);
  const auto add = [&](const std::string& topic, std::uint32_t partition) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(),
                                      static_cast<std::int32_t>(partition));
  };
  all_bounds found;
  std::vector<topic_partition> inputs;
  for (const std::uint32_t each : shards) {
    found[each] = {};
    for (std::uint32_t t = 0; t < layout_.topics.size(); ++t) {
      const auto role = layout_.topics[t].role;
      if (role != ports::topic_role::source && role != ports::topic_role::inbox)
        continue;
      add(layout_.topics[t].name, each);
      inputs.push_back({topic_index{t}, partition_index{each}});
    }
  }
  for (const std::uint32_t each : shards)
    add(of_shards, each);
  // With read_committed it waits for a transaction that is open.
  const auto code =
      rd_kafka_committed(positions_.get(), list.get(), answer_ms_max);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: how far shards were taken (no broker "
                          "answers, or a transaction that says so is open)");
  for (int i = 0; i < list->cnt; ++i)
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return to_error(list->elems[i].err, "kafka: how far a shard was taken");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (list->elems[i].offset >= 0)
      found[inputs[i].partition.value()].taken.emplace_back(
          inputs[i], next_offset{list->elems[i].offset});
  return found;
}

result<shard_questions::all_bounds>
shard_questions::ask(const std::set<std::uint32_t>& shards) {
  auto found = ask_positions(shards);
  if (!found || changelog_.empty())
    return found;
  for (auto& [shard, of] : *found) {
    const auto one = ask(changelog_, shard);
    if (!one)
      return one.error();
    of.begin = one->begin;
    of.end = one->end;
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
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    look_for_leaders(*ends_);
    return to_error(code, "kafka: how far " + topic + " "
                              + std::to_string(partition) + " goes");
  }
  return bounds{next_offset{low}, next_offset{high}};
}

} // namespace freehold::bridges::kafka
