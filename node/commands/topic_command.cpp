#include "node/application_wiring.hpp"
#include "node/commands/commands.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/record_json.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/ports/log_reader.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace freehold::node::commands {

namespace {

constexpr const char* list_examples = R"(
Works beside a running node and without one.

Examples:
  freehold topic list --data data/demo
  freehold topic list --config configs/market.yaml --json

)";
constexpr const char* cat_examples = R"(
Prints committed records, partition after partition. With --json one object
per line: partition, offset, key, timestamp (milliseconds since 1970), headers,
and value, or valueText or valueBase64 where the value is no JSON. The topics
of the engine itself (inbox, changelog) are decoded. Works beside a running
node.

Examples:
  freehold topic cat property-events --data data/demo --limit 5
  freehold topic cat property-commands --data data/demo --partition 2
      --from 1000 --limit 1 --json
  freehold topic cat dead-letter-events --config configs/market.yaml --json

)";

constexpr std::uint32_t read_bytes = 1U << 20U;

struct topic_flags {
  configuration_flags configuration;
  bool json = false;
  std::string topic;
  std::optional<std::uint32_t> partition;
  std::int64_t from = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

const char* name_of(ports::topic_role role) {
  switch (role) {
  case ports::topic_role::source:
    return "source";
  case ports::topic_role::inbox:
    return "inbox";
  case ports::topic_role::changelog:
    return "changelog";
  case ports::topic_role::output:
    return "output";
  }
  return "unknown";
}

struct opened_log {
  std::unique_ptr<ports::log_reader> reader;
  std::vector<ports::topic_description> topics;
};

std::optional<opened_log> open(const configuration_flags& flags) {
  const auto loaded = flags.load();
  if (!loaded)
    return std::nullopt;
  auto reader = open_reader(loaded->values);
  if (!reader) {
    complain(reader.error());
    return std::nullopt;
  }
  auto topics = (*reader)->topics();
  if (!topics) {
    complain(topics.error());
    return std::nullopt;
  }
  return opened_log{*std::move(reader), *std::move(topics)};
}

exit_status list(const topic_flags& flags) {
  const auto log = open(flags.configuration);
  if (!log)
    return exit_status::cannot_run;
  std::size_t width = 5;
  for (const auto& topic : log->topics)
    width = std::max(width, topic.spec.name.size());
  const auto padded = [](std::string text, std::size_t size) {
    text.resize(std::max(size, text.size()), ' ');
    return text;
  };
  if (!flags.json)
    print(padded("TOPIC", width) + "  ROLE       PARTITIONS  RECORDS\n");
  for (const auto& topic : log->topics) {
    std::int64_t records = 0;
    codec::dynamic_value::array partitions;
    for (const auto& each : topic.partitions) {
      records += each.end.value() - each.begin.value();
      codec::dynamic_value bounds;
      bounds.set("begin", each.begin.value());
      bounds.set("end", each.end.value());
      partitions.push_back(std::move(bounds));
    }
    if (!flags.json) {
      print(padded(topic.spec.name, width) + "  "
            + padded(name_of(topic.spec.role), 9) + "  "
            + padded(std::to_string(topic.partitions.size()), 10) + "  "
            + with_commas(static_cast<std::uint64_t>(records)) + "\n");
      continue;
    }
    codec::dynamic_value shown;
    shown.set("topic", topic.spec.name);
    shown.set("role", name_of(topic.spec.role));
    shown.set("records", records);
    shown.set("retentionMs", std::int64_t{topic.spec.retention.count()});
    shown.set("partitions", std::move(partitions));
    std::string text;
    codec::to_json(text, shown);
    print(text + "\n");
  }
  return exit_status::done;
}

/// Prints at most `left` records of one partition and counts them off.
result<void> cat_partition(opened_log& log, const topic_flags& flags,
                           topic_partition source, std::uint64_t& left) {
  const auto& topic = log.topics[source.topic.value()];
  const auto bounds = topic.partitions[source.partition.value()];
  const auto renderer = record_renderer::make(*log.reader, topic, source);
  if (!renderer)
    return renderer.error();
  next_offset at = std::max(bounds.begin, next_offset{flags.from});
  while (at < bounds.end && left > 0) {
    const auto batch = log.reader->read(source, at, read_bytes);
    if (!batch)
      return batch.error();
    std::string text;
    for (const record& each : (*batch)->records) {
      if (left == 0)
        break;
      --left;
      if (flags.json)
        codec::to_json(text, renderer->json(each));
      else
        text.append(renderer->line(each));
      text.push_back('\n');
    }
    print(text);
    if ((*batch)->next <= at)
      break;
    at = (*batch)->next;
  }
  return {};
}

exit_status cat(const topic_flags& flags) {
  auto log = open(flags.configuration);
  if (!log)
    return exit_status::cannot_run;
  std::string names;
  for (std::uint32_t t = 0; t < log->topics.size(); ++t) {
    const auto& topic = log->topics[t];
    names.append(names.empty() ? "" : ", ").append(topic.spec.name);
    if (topic.spec.name != flags.topic)
      continue;
    if (flags.partition && *flags.partition >= topic.partitions.size()) {
      complain("the topic " + flags.topic + " has no partition "
               + std::to_string(*flags.partition) + "; it has 0 to "
               + std::to_string(topic.partitions.size() - 1));
      return exit_status::partly;
    }
    std::uint64_t left = flags.limit;
    for (std::uint32_t p = 0; p < topic.partitions.size(); ++p) {
      if (flags.partition && *flags.partition != p)
        continue;
      const auto done = cat_partition(
          *log, flags, {topic_index{t}, partition_index{p}}, left);
      if (!done) {
        complain(done.error());
        return exit_status::failed;
      }
    }
    return exit_status::done;
  }
  complain("there is no topic \"" + flags.topic + "\"; there "
           + (names.empty() ? "is none yet" : "are: " + names));
  return exit_status::partly;
}

} // namespace

void add_topic(CLI::App& app, chosen_command& chosen) {
  auto* const topic =
      app.add_subcommand("topic", "Look at the records of topics, or append");
  topic->require_subcommand(1);

  auto* const list_command = topic->add_subcommand(
      "list", "Every topic with its role, partitions and number of records");
  const auto list_flags = std::make_shared<topic_flags>();
  list_command->add_flag("--json", list_flags->json, "One JSON object a topic");
  list_flags->configuration.add_to(*list_command);
  list_command->footer(list_examples + std::string{exit_status_help});
  list_command->callback([list_flags, &chosen] {
    chosen = [list_flags] { return list(*list_flags); };
  });

  auto* const cat_command =
      topic->add_subcommand("cat", "Print the records of a topic");
  const auto flags = std::make_shared<topic_flags>();
  cat_command->add_option("TOPIC", flags->topic, "The topic's name")
      ->required()
      ->type_name("");
  cat_command->add_flag("--json", flags->json, "One JSON object a record");
  cat_command
      ->add_option("--partition", flags->partition, "Only this partition")
      ->type_name("P");
  cat_command
      ->add_option("--from", flags->from, "From this offset of each partition")
      ->type_name("OFFSET")
      ->check(CLI::NonNegativeNumber);
  cat_command
      ->add_option("--limit", flags->limit, "At most that many records in all")
      ->type_name("N");
  flags->configuration.add_to(*cat_command);
  cat_command->footer(cat_examples + std::string{exit_status_help});
  cat_command->callback(
      [flags, &chosen] { chosen = [flags] { return cat(*flags); }; });
  add_topic_produce(*topic, chosen);
}

} // namespace freehold::node::commands
