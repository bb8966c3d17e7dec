#include "node/commands/commands.hpp"
#include "node/commands/opened_log.hpp"
#include "node/lag.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace freehold::node::commands {

namespace {

constexpr const char* examples = R"(
How far each shard is behind what is committed in its inputs: from what its
last committed unit has taken, by its changelog, to the end of the partition (on
Kafka the last stable offset). `records` counts from the first record that was
not taken to the end, and is 0 where there is none; `behind` is the age of that
record by its own time. Works beside running nodes and without any.

With --json one object: records, behindMs (of the oldest), and partitions with
topic, partition, position, end, records and behindMs.

Examples:
  freehold lag --config configs/kafka.yaml
  freehold lag --data data/demo --json

)";

struct lag_flags {
  configuration_flags configuration;
  bool json = false;
};

std::string table_of(const std::vector<partition_lag>& all) {
  std::size_t width = 5;
  for (const auto& each : all)
    width = std::max(width, each.topic.size());
  std::string text;
  const auto add = [&](const std::string& topic, const std::string& partition,
                       const std::string& position, const std::string& end,
                       const std::string& records, const std::string& behind) {
    std::array<char, 512> line{};
    std::snprintf(
        line.data(), line.size(), "%-*s  %9s  %13s  %13s  %11s  %12s\n",
        static_cast<int>(width), topic.c_str(), partition.c_str(),
        position.c_str(), end.c_str(), records.c_str(), behind.c_str());
    text += line.data();
  };
  add("topic", "partition", "position", "end", "records", "behind");
  for (const auto& each : all)
    add(each.topic, std::to_string(each.partition),
        with_commas(static_cast<std::uint64_t>(each.position.value())),
        with_commas(static_cast<std::uint64_t>(each.end.value())),
        with_commas(each.records),
        with_commas(static_cast<std::uint64_t>(each.behind.count()) / 1000)
            + " s");
  return text;
}

std::string json_of(const std::vector<partition_lag>& all) {
  codec::dynamic_value::array partitions;
  std::uint64_t records = 0;
  std::int64_t behind = 0;
  for (const auto& each : all) {
    records += each.records;
    behind = std::max(behind, std::int64_t{each.behind.count()});
    codec::dynamic_value one;
    one.set("topic", each.topic);
    one.set("partition", std::int64_t{each.partition});
    one.set("position", each.position.value());
    one.set("end", each.end.value());
    one.set("records", each.records);
    one.set("behindMs", std::int64_t{each.behind.count()});
    partitions.push_back(std::move(one));
  }
  codec::dynamic_value made;
  made.set("records", records);
  made.set("behindMs", behind);
  made.set("partitions", std::move(partitions));
  std::string text;
  codec::to_json(text, made);
  return text + "\n";
}

exit_status lag(const lag_flags& flags) {
  const auto log = open_log(flags.configuration);
  if (!log)
    return exit_status::cannot_run;
  const system_clock time;
  const auto found = lag_meter{*log->reader, *log->plan, time}.committed();
  if (!found) {
    complain(found.error());
    return exit_status::failed;
  }
  if (flags.json)
    print(json_of(*found));
  else
    print(table_of(*found));
  return exit_status::done;
}

} // namespace

void add_lag(CLI::App& app, chosen_command& chosen) {
  auto* const command = app.add_subcommand(
      "lag", "How far each shard is behind what is committed in its inputs");
  const auto flags = std::make_shared<lag_flags>();
  flags->configuration.add_to(*command);
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer(examples + std::string{exit_status_help});
  command->callback(
      [flags, &chosen] { chosen = [flags] { return lag(*flags); }; });
}

} // namespace freehold::node::commands
