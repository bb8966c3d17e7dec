#include "bridges/kafka/topic_setup.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "runtime/ports/log_layout.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace freehold::bridges::kafka {

namespace {

/// How long a cluster may take to answer a question, and to show a new topic.
constexpr int answer_ms_max = 30'000;
/// How long one broker may: the library asks on one that went down.
constexpr int one_answer_ms_max = 3'000;
/// For an answer that the library gives itself.
constexpr int poll_margin_ms = 1'000;
constexpr int look_again_ms = 100;

using topic_config = std::map<std::string, std::string>;

struct wanted_topic {
  std::string name;
  int partition_count = 1;
  topic_config config;
  /// Whether what exists must have that configuration, too.
  bool is_ours = false;
};

std::vector<wanted_topic> wanted_topics(const kafka_settings& how,
                                        const ports::log_layout& layout) {
  std::vector<wanted_topic> all;
  for (const auto& each : layout.topics) {
    const bool is_ours = each.role == ports::topic_role::changelog
                         || each.role == ports::topic_role::inbox;
    wanted_topic made{
        each.name,
        static_cast<int>(each.partition_count),
        {{"cleanup.policy", "delete"},
         {"retention.bytes", "-1"},
         {"max.message.bytes", std::to_string(message_bytes_max)},
         {"message.timestamp.after.max.ms",
          std::to_string(std::numeric_limits<std::int64_t>::max())},
         {"retention.ms", each.retention.count() == 0 || is_ours
                              ? "-1"
                              : std::to_string(each.retention.count())}},
        is_ours};
    // Truncation deletes whole segments.
    if (is_ours)
      made.config["segment.bytes"] = std::to_string(64 << 20);
    all.push_back(std::move(made));
  }
  all.push_back({shards_topic(how),
                 static_cast<int>(layout.shard_count),
                 {{"cleanup.policy", "delete"}},
                 false});
  return all;
}

/// What a topic of ours would lose records without.
bool is_vital(const std::string& property) {
  return property == "cleanup.policy" || property.starts_with("retention.");
}

class setup {
public:
  setup(const kafka_settings& how, client_ptr client)
      : how_(how), client_(std::move(client)) {}

  result<void> run(const std::vector<wanted_topic>& wanted) {
    std::map<std::string, int> found;
    if (auto looked = look(found); !looked)
      return looked;
    std::vector<const wanted_topic*> missing;
    std::vector<const wanted_topic*> ours;
    for (const wanted_topic& each : wanted) {
      const auto known = found.find(each.name);
      if (known == found.end()) {
        missing.push_back(&each);
      } else if (known->second != each.partition_count) {
        return error{
            errc::mismatch,
            "topic " + each.name + " has " + std::to_string(known->second)
                + " partitions, and " + std::to_string(each.partition_count)
                + " are configured (application.shards): configure as many "
                  "as it has, or begin with new topics"};
      } else if (each.is_ours) {
        ours.push_back(&each);
      }
    }
    if (auto made = make(missing); !made)
      return made;
    for (const wanted_topic* each : ours)
      if (auto checked = check(*each); !checked)
        return checked;
    return await(missing);
  }

private:
  result<void> look(std::map<std::string, int>& found) {
    const rd_kafka_metadata_t* read = nullptr;
    const auto code =
        rd_kafka_metadata(client_.get(), 1, nullptr, &read, answer_ms_max);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return unreachable(how_, code);
    const metadata_ptr kept{read};
    for (int i = 0; i < read->topic_cnt; ++i)
      if (read->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
        found[read->topics[i].topic] = read->topics[i].partition_cnt;
    return {};
  }

  /// A topic that was just made is not known to every broker at once.
  result<void> await(const std::vector<const wanted_topic*>& missing) {
    const queue_ptr silent{rd_kafka_queue_new(client_.get())};
    for (int waited_ms = 0;; waited_ms += look_again_ms) {
      std::map<std::string, int> found;
      if (auto looked = look(found); !looked)
        return looked;
      const auto left =
          std::find_if(missing.begin(), missing.end(), [&](const auto* each) {
            return !found.contains(each->name);
          });
      if (left == missing.end())
        return {};
      if (waited_ms >= answer_ms_max)
        return error{errc::unavailable, "kafka: topic " + (*left)->name
                                            + " was made and is not seen"};
      // Nothing comes from there; this is how the library waits.
      const event_ptr none{rd_kafka_queue_poll(silent.get(), look_again_ms)};
    }
  }

  /// Asks until somebody answers: brokers come and go.
  /// @param send  may be called several times
  result<event_ptr> ask(rd_kafka_admin_op_t operation, const char* doing,
                        const std::function<void(const rd_kafka_AdminOptions_t*,
                                                 rd_kafka_queue_t*)>& send) {
    const admin_options_ptr options{
        rd_kafka_AdminOptions_new(client_.get(), operation)};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), one_answer_ms_max,
                                              nullptr, 0);
    for (int waited_ms = one_answer_ms_max;; waited_ms += one_answer_ms_max) {
      // A late answer to an older try goes nowhere.
      const queue_ptr queue{rd_kafka_queue_new(client_.get())};
      send(options.get(), queue.get());
      event_ptr event{
          rd_kafka_queue_poll(queue.get(), one_answer_ms_max + poll_margin_ms)};
      const auto code = event == nullptr ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                         : rd_kafka_event_error(event.get());
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
      error why = to_error(code, std::string{"kafka: "} + doing);
      if (why.code != errc::unavailable || waited_ms >= answer_ms_max)
        return why;
      spdlog::info("{}; asking again", to_string(why));
      // Which brokers there are is looked at anew, too.
      std::map<std::string, int> ignored;
      if (auto looked = look(ignored); !looked)
        return looked.error();
    }
  }

  result<void> make(const std::vector<const wanted_topic*>& missing) {
    if (missing.empty())
      return {};
    std::vector<new_topic_ptr> kept;
    std::vector<rd_kafka_NewTopic_t*> all;
    for (const wanted_topic* each : missing) {
      std::array<char, 256> why{};
      const int replicas =
          how_.replication_factor > 0 ? how_.replication_factor : -1;
      new_topic_ptr made{rd_kafka_NewTopic_new(each->name.c_str(),
                                               each->partition_count, replicas,
                                               why.data(), why.size())};
      if (made == nullptr)
        return error{errc::invalid_argument,
                     "kafka: topic " + each->name + ": " + why.data()};
      for (const auto& [name, value] : each->config)
        rd_kafka_NewTopic_set_config(made.get(), name.c_str(), value.c_str());
      all.push_back(made.get());
      kept.push_back(std::move(made));
    }
    const auto event =
        ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, "topics cannot be made",
            [&](const auto* options, auto* queue) {
              rd_kafka_CreateTopics(client_.get(), all.data(), all.size(),
                                    options, queue);
            });
    if (!event)
      return event.error();
    std::size_t count = 0;
    const auto* const told = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event->get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto code = rd_kafka_topic_result_error(told[i]);
      // Another node may have been faster.
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR
          && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return to_error(code, std::string{"kafka: topic "}
                                  + rd_kafka_topic_result_name(told[i])
                                  + " cannot be made");
    }
    return {};
  }

  result<void> check(const wanted_topic& which) {
    const config_resource_ptr resource{rd_kafka_ConfigResource_new(
        RD_KAFKA_RESOURCE_TOPIC, which.name.c_str())};
    rd_kafka_ConfigResource_t* one = resource.get();
    const auto event =
        ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "which settings a topic has",
            [&](const auto* options, auto* queue) {
              rd_kafka_DescribeConfigs(client_.get(), &one, 1, options, queue);
            });
    if (!event)
      return event.error();
    std::size_t count = 0;
    const auto* const told = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event->get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
      if (rd_kafka_ConfigResource_error(told[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return to_error(rd_kafka_ConfigResource_error(told[i]),
                        "kafka: the settings of " + which.name);
      std::size_t entries = 0;
      const auto* const entry =
          rd_kafka_ConfigResource_configs(told[i], &entries);
      for (std::size_t k = 0; k < entries; ++k) {
        const auto wanted =
            which.config.find(rd_kafka_ConfigEntry_name(entry[k]));
        if (wanted == which.config.end() || !is_vital(wanted->first))
          continue;
        const char* const is = rd_kafka_ConfigEntry_value(entry[k]);
        if (is == nullptr || wanted->second != is)
          return error{errc::mismatch,
                       "topic " + which.name + " has " + wanted->first + " = "
                           + (is == nullptr ? "nothing" : is)
                           + ", which would lose records: set it to "
                           + wanted->second};
      }
    }
    return {};
  }

  const kafka_settings& how_;
  client_ptr client_;
};

} // namespace

std::string shards_topic(const kafka_settings& how) {
  return how.application + "-shards";
}

result<void> set_up_topics(const kafka_settings& how,
                           const ports::log_layout& layout) {
  if (auto checked = ports::check_layout(layout); !checked)
    return checked;
  auto client = open_client(how, client_role::admin);
  if (!client)
    return client.error();
  return setup{how, *std::move(client)}.run(wanted_topics(how, layout));
}

} // namespace freehold::bridges::kafka
