#include "node/application_wiring.hpp"

#include "actors/market.hpp"
#include "actors/market_application.hpp"
#include "actors/neighborhood.hpp"
#include "actors/property.hpp"
#include "actors/valuation.hpp"
#include "bridges/kafka/kafka_log.hpp"
#include "bridges/kafka/kafka_log_reader.hpp"
#include "bridges/ledger/file_crash_ledger.hpp"
#include "bridges/ledger/memory_crash_ledger.hpp"
#include "bridges/log/embedded_log.hpp"
#include "bridges/log/embedded_log_reader.hpp"
#include "bridges/log/lmdb_changelog_copy.hpp"
#include "bridges/log/memory_log.hpp"
#include "bridges/log/memory_log_storage.hpp"
#include "node/logging.hpp"
#include "runtime/engine/changelog_view.hpp"
#include "runtime/engine/engine_options.hpp"

#include <filesystem>
#include <optional>
#include <utility>

namespace freehold::node {

namespace {

engine::engine_options options_of(const configuration& values) {
  engine::engine_options options;
  options.shard_count = values.shards;
  options.worker_count = values.workers;
  options.commit_interval = values.commit_interval;
  options.unit_bytes_max = values.unit_bytes_max;
  options.fetch_bytes = static_cast<std::uint32_t>(values.fetch_bytes);
  options.direct_delivery = values.direct_delivery;
  options.held_bytes_max = values.held_bytes_max;
  options.timer_bytes_max = values.timer_bytes_max;
  options.entity_bytes_max_of = {
      {std::string{market::property::traits.type}, values.property_bytes_max},
      {std::string{market::neighborhood::traits.type},
       values.neighborhood_bytes_max},
      {std::string{market::valuation::traits.type}, values.valuation_bytes_max},
      {std::string{market::market::traits.type}, values.market_bytes_max}};
  options.retry_attempts_max = values.retry_attempts_max;
  options.retry_first_delay = values.retry_first_delay;
  options.retry_delay_factor = values.retry_delay_factor;
  options.retry_jitter_percent = values.retry_jitter_percent;
  options.dedupe_window = values.dedupe_window;
  options.dedupe_entries_max =
      static_cast<std::size_t>(values.dedupe_entries_max);
  options.dedupe_bytes_max = values.dedupe_bytes_max;
  options.changelog_live_factor = values.changelog_live_factor;
  options.changelog_slack_bytes = values.changelog_slack_bytes;
  options.crash_attempts_max = values.crash_attempts_max;
  options.inbox_topic = values.topics_prefix + "-inbox";
  options.changelog_topic = values.topics_prefix + "-changelog";
  return options;
}

market::market_settings settings_of(const configuration& values) {
  return {.grace = values.analytics_grace,
          .ahead_max = values.analytics_ahead_max,
          .idle_after = values.analytics_idle_after,
          .mean_deviation_percent = values.mean_deviation_percent,
          .mean_sales_min = values.mean_sales_min,
          .unit_price_yardsticks = values.unit_price_yardsticks,
          .unit_price_sales_min = values.unit_price_sales_min};
}

application application_of(const configuration& values) {
  if (values.application_source == application_source::events)
    return market::following_market_application(
        values.application_name, settings_of(values), values.events_topic);
  return market::market_application(values.application_name,
                                    settings_of(values));
}

/// A topic that properties follow is for others to write. None: it is.
std::optional<error> own_topic_fault(const configuration& values,
                                     const application& made,
                                     const engine::engine_options& options) {
  if (values.application_source != application_source::events)
    return std::nullopt;
  const std::string& topic = values.events_topic;
  bool is_own = topic == options.inbox_topic || topic == options.changelog_topic
                || topic == options.dead_letter_topic;
  for (const auto& output : made.outputs())
    is_own = is_own || output.topic == topic;
  if (!is_own)
    return std::nullopt;
  return error{errc::invalid_argument,
               "application.events-topic is " + topic
                   + ", which the application writes itself; name the topic "
                     "that other services write"};
}

/// The configuration with the source that a log was made with; as it is for a
/// log that has none.
configuration with_source_of(configuration values,
                             const std::vector<ports::topic_description>& log) {
  const auto source = engine::topic_of_role(log, ports::topic_role::source);
  if (!source)
    return values;
  const std::string& topic = log[source->value()].spec.name;
  const bool is_commands = topic == market::commands_topic;
  values.application_source =
      is_commands ? application_source::commands : application_source::events;
  values.events_topic = is_commands ? configuration{}.events_topic : topic;
  return values;
}

/// What a log was made with and what it is opened with must be the same: the
/// journals, and the states, are of other properties.
result<void> check_source(const configuration& values,
                          ports::log_reader& reader) {
  const auto topics = reader.topics();
  if (!topics)
    return topics.error();
  const configuration made = with_source_of(values, *topics);
  if (made.application_source == values.application_source
      && made.events_topic == values.events_topic)
    return {};
  const auto named = [](const configuration& which) -> std::string {
    if (which.application_source == application_source::commands)
      return "application.source: commands";
    return "application.source: events and application.events-topic: "
           + which.events_topic;
  };
  return error{errc::mismatch,
               values.log_directory + " was made with " + named(made)
                   + ", and the configuration has " + named(values)
                   + ": configure the former, or name another log.directory"};
}

bool is_journal(const engine::application_plan& plan, std::string_view topic) {
  for (const auto& type : plan.types)
    if (type->traits().journal_topic == topic)
      return true;
  return false;
}

void set_retention(const configuration& values,
                   engine::application_plan& plan) {
  for (std::uint32_t i = 0; i < plan.layout.topics.size(); ++i) {
    auto& topic = plan.layout.topics[i];
    switch (topic.role) {
    case ports::topic_role::source:
      topic.retention = values.retention_sources;
      break;
    case ports::topic_role::inbox:
    case ports::topic_role::changelog:
      break; // the engine itself cuts them, when they are not needed any more
    case ports::topic_role::output:
      if (topic_index{i} == plan.dead_letters)
        topic.retention = values.retention_dead_letters;
      else if (is_journal(plan, topic.name))
        topic.retention = values.retention_journal;
      else
        topic.retention = values.retention_outputs;
    }
  }
}

} // namespace

result<std::shared_ptr<const engine::application_plan>>
make_plan(const configuration& values) {
  const application what = application_of(values);
  const engine::engine_options options = options_of(values);
  if (auto fault = own_topic_fault(values, what, options))
    return *std::move(fault);
  const auto made = engine::application_plan::make(what, options);
  if (!made)
    return made.error();
  auto plan = std::make_shared<engine::application_plan>(**made);
  set_retention(values, *plan);
  return std::shared_ptr<const engine::application_plan>{std::move(plan)};
}

result<std::shared_ptr<const engine::application_plan>>
make_plan_for(const configuration& values,
              const std::vector<ports::topic_description>& topics) {
  configuration adapted = with_source_of(values, topics);
  if (const auto changelog =
          engine::topic_of_role(topics, ports::topic_role::changelog))
    adapted.shards = topics[changelog->value()].spec.partition_count;
  return make_plan(adapted);
}

std::filesystem::path locked_directory(const configuration& values) {
  const std::filesystem::path directory{values.log_directory};
  return values.log_kind == log_kind::kafka ? directory / "changelog-copy"
                                            : directory;
}

namespace {

void wire_memory(wiring& made) {
  const auto storage = std::make_shared<bridges::log::memory_log_storage>();
  made.log = std::make_unique<bridges::log::memory_log>(storage);
  made.ledger = std::make_unique<bridges::ledger::memory_crash_ledger>();
  made.ledger_warnings = [] { return std::vector<std::string>{}; };
  made.open_reader = [storage]() -> result<std::unique_ptr<ports::log_reader>> {
    return std::unique_ptr<ports::log_reader>{
        std::make_unique<bridges::log::memory_log_reader>(storage)};
  };
}

result<void> open_embedded(const configuration& values, wiring& made) {
  bridges::log::embedded_log_options how;
  how.directory = values.log_directory;
  how.fsync = values.log_fsync;
  how.map_bytes_max = values.log_map_bytes_max;
  how.clock = made.time.get();
  how.warn = [](const error& what) {
    logger_of("log")->warn("{}", to_string(what));
  };
  auto log = bridges::log::embedded_log::open(std::move(how));
  if (!log)
    return log.error();
  made.log = *std::move(log);
  auto reader = node::open_reader(values);
  if (!reader)
    return reader.error();
  return check_source(values, **reader);
}

bridges::kafka::kafka_settings cluster_of(const configuration& values) {
  return {.bootstrap_servers = values.kafka_bootstrap_servers,
          .application = values.application_name,
          .node_id = values.node_id,
          .replication_factor =
              static_cast<std::int32_t>(values.kafka_replication_factor),
          .session_timeout = values.kafka_session_timeout,
          .transaction_timeout = values.kafka_transaction_timeout,
          .common = values.kafka_client,
          .consumer = values.kafka_consumer,
          .producer = values.kafka_producer};
}

result<void> open_kafka(const configuration& values, wiring& made) {
  auto copy = bridges::log::lmdb_changelog_copy::open(
      {.directory = locked_directory(values),
       .changelog = made.plan->topic_name(made.plan->changelog),
       .shard_count = made.plan->options.shard_count,
       .map_bytes_max = values.log_map_bytes_max,
       .clock = made.time.get(),
       .warn = [](const error& what) {
         logger_of("log")->warn("{}", to_string(what));
       }});
  if (!copy)
    return copy.error();
  made.log = std::make_unique<bridges::kafka::kafka_log>(
      cluster_of(values), *made.time, *std::move(copy));
  return {};
}

} // namespace

result<wiring> wire(const configuration& values) {
  wiring made;
  auto plan = make_plan(values);
  if (!plan)
    return plan.error();
  made.plan = *std::move(plan);
  made.time = std::make_unique<system_clock>();
  if (values.log_kind == log_kind::memory) {
    wire_memory(made);
    return made;
  }
  auto opened = values.log_kind == log_kind::kafka
                    ? open_kafka(values, made)
                    : open_embedded(values, made);
  if (!opened)
    return opened.error();
  // The log's lock is ours by now, and with it the ledger beside it.
  auto ledger = bridges::ledger::file_crash_ledger::open(values.log_directory);
  if (!ledger)
    return ledger.error();
  made.ledger_warnings = [from = ledger->get()] { return from->warnings(); };
  made.ledger = *std::move(ledger);
  made.open_reader = [values] { return node::open_reader(values); };
  return made;
}

result<std::unique_ptr<ports::log_reader>>
open_reader(const configuration& values) {
  switch (values.log_kind) {
  case log_kind::memory:
    return error{errc::invalid_argument,
                 "log.kind is memory: such a log ends with its process, and "
                 "nothing can look into it from beside. Use log.kind: "
                 "embedded"};
  case log_kind::kafka: {
    const auto plan = make_plan(values);
    if (!plan)
      return plan.error();
    auto opened = bridges::kafka::kafka_log_reader::open(cluster_of(values),
                                                         (*plan)->layout);
    if (!opened)
      return opened.error();
    return std::unique_ptr<ports::log_reader>{*std::move(opened)};
  }
  case log_kind::embedded:
    break;
  }
  auto opened = bridges::log::embedded_log_reader::open(values.log_directory);
  if (!opened)
    return opened.error();
  return std::unique_ptr<ports::log_reader>{*std::move(opened)};
}

} // namespace freehold::node
