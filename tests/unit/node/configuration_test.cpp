// The configuration's table against everything that is made from it, and the
// layers with every kind of fault a person can type.
#include "node/application_wiring.hpp"
#include "node/configuration.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

using namespace freehold;
using namespace freehold::node;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const std::string source_dir = FREEHOLD_SOURCE_DIR;

/// A YAML file that exists as long as the test runs.
class yaml_file {
public:
  explicit yaml_file(const std::string& text) {
    char pattern[] = "/tmp/freehold_configuration_XXXXXX";
    directory_ = ::mkdtemp(pattern);
    path = directory_ + "/node.yaml";
    std::ofstream{path, std::ios::binary} << text;
  }
  ~yaml_file() { fs::remove_all(directory_); }
  yaml_file(const yaml_file&) = delete;
  yaml_file& operator=(const yaml_file&) = delete;

  std::string path;

private:
  std::string directory_;
};

/// What loading that text says, with the file's name in place of its path.
std::string faults_of(const std::string& text,
                      std::vector<std::string> environment = {},
                      std::vector<std::string> settings = {}) {
  const yaml_file file{text};
  const auto loaded = load_configuration(
      {file.path, std::move(environment), std::move(settings)});
  if (loaded)
    return {};
  std::string all = loaded.error().context;
  for (auto at = all.find(file.path); at != std::string::npos;
       at = all.find(file.path))
    all.replace(at, file.path.size(), "node.yaml");
  return all;
}

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}

const std::string with_directory = "log: {directory: data}\n";

} // namespace

// -- the table ---------------------------------------------------------------

TEST_CASE("every option is complete and named by the rules",
          "[node][configuration]") {
  std::set<std::string> variables;
  std::set<std::string_view> closed;
  std::string_view group;
  for (const option& each : options()) {
    INFO(each.key);
    const bool is_open = each.key.ends_with(".*");
    CHECK(is_open == (each.check != nullptr));
    const std::string_view name =
        is_open ? each.key.substr(0, each.key.size() - 2) : each.key;
    CHECK(std::ranges::count(name, '.') == 1);
    CHECK(std::ranges::all_of(name, [](char x) {
      return (x >= 'a' && x <= 'z') || x == '-' || x == '.';
    }));
    CHECK(variables.insert(environment_name(each.key)).second);
    CHECK(each.sentence.ends_with('.'));
    CHECK_FALSE(each.example.empty());
    if (each.range)
      CHECK(each.range->least < each.range->most);
    if (each.unit == option_unit::milliseconds)
      CHECK(each.key.ends_with("-ms"));
    if (each.unit == option_unit::hours)
      CHECK(each.key.ends_with("-hours"));
    if (each.unit == option_unit::bytes)
      CHECK(each.key.find("bytes") != std::string_view::npos);
    // A group is one run of the table, or the dump would open it twice.
    const std::string_view now = each.key.substr(0, each.key.find('.'));
    if (now != group)
      CHECK(closed.insert(now).second);
    group = now;
  }
}

TEST_CASE("every default and every example is a value the option takes",
          "[node][configuration]") {
  const auto loaded =
      load_configuration({"", {}, {"log.directory=data", "log.kind=embedded"}});
  REQUIRE(loaded);
  const yaml_file again{dump(*loaded)};
  CHECK(load_configuration({again.path, {}, {}}));
  std::vector<std::string> examples;
  for (const option& each : options()) {
    const std::string example{each.example};
    // That of one that has entries names the entry.
    const auto colon = example.find(": ");
    if (each.check != nullptr)
      examples.push_back(example.substr(0, colon) + "="
                         + example.substr(colon + 2));
    else
      examples.push_back(std::string{each.key} + "=" + example);
  }
  const auto with_examples = load_configuration({"", {}, examples});
  INFO((with_examples ? "" : with_examples.error().context));
  CHECK(with_examples);
}

TEST_CASE("the committed page of options is the one the table describes",
          "[node][configuration]") {
  INFO("after a change of the table run: "
       "configuration_doc > docs/configuration.md");
  CHECK(contents(source_dir + "/docs/configuration.md") == markdown());
}

TEST_CASE("the configurations that ship load without a warning",
          "[node][configuration]") {
  const std::map<std::string, std::string> application_of{
      {"market", "market"}, {"demo", "demo"}, {"analytics-only", "analytics"}};
  for (const auto& [name, application] : application_of) {
    const auto loaded =
        load_configuration({source_dir + "/configs/" + name + ".yaml", {}, {}});
    INFO((loaded ? "" : loaded.error().context));
    REQUIRE(loaded);
    CHECK(loaded->warnings.empty());
    CHECK(loaded->values.application_name == application);
  }
}

// -- layers ------------------------------------------------------------------

TEST_CASE("each layer covers the one before it", "[node][configuration]") {
  const yaml_file file{"engine:\n"
                       "  workers: 3\n"
                       "  commit-interval-ms: 30\n"
                       "  stop-timeout-ms: 3000\n"
                       "log:\n"
                       "  directory: data\n"};
  const auto loaded =
      load_configuration({file.path,
                          {"PATH=/bin", "FREEHOLD_ENGINE_COMMIT_INTERVAL_MS=40",
                           "FREEHOLD_ENGINE_STOP_TIMEOUT_MS=4000"},
                          {"engine.stop-timeout-ms=5000"}});
  REQUIRE(loaded);
  CHECK(loaded->values.shards == 8);
  CHECK(loaded->values.workers == 3);
  CHECK(loaded->values.commit_interval == std::chrono::milliseconds{40});
  CHECK(loaded->values.stop_timeout == std::chrono::milliseconds{5000});
  const std::string text = dump(*loaded);
  CHECK_THAT(text, Contains("  shards: 8 # default\n"));
  CHECK_THAT(text, Contains("  workers: 3 # " + file.path + ":2:12\n"));
  CHECK_THAT(text, Contains("  commit-interval-ms: 40 "
                            "# FREEHOLD_ENGINE_COMMIT_INTERVAL_MS\n"));
  CHECK_THAT(text, Contains("  stop-timeout-ms: 5000 # --set\n"));
}

TEST_CASE("values of every type are read", "[node][configuration]") {
  const yaml_file file{"application.name: a.b_c-d\n"
                       "engine:\n"
                       "  direct-delivery: false\n"
                       "  unit-bytes-max: 1 MiB\n"
                       "  fetch-bytes: 4096\n"
                       "  held-bytes-max: 3GiB\n"
                       "retry: {delay-factor: 1.5}\n"
                       "dedupe: {window-hours: 24}\n"
                       "log: {kind: memory}\n"
                       "logging: {level: debug, format: json}\n"};
  const auto loaded = load_configuration({file.path, {}, {}});
  INFO((loaded ? "" : loaded.error().context));
  REQUIRE(loaded);
  const configuration& x = loaded->values;
  CHECK(x.application_name == "a.b_c-d");
  CHECK_FALSE(x.direct_delivery);
  CHECK(x.unit_bytes_max == mebibytes);
  CHECK(x.fetch_bytes == 4096);
  CHECK(x.held_bytes_max == 3 * gibibytes);
  CHECK(x.retry_delay_factor == 1.5);
  CHECK(x.dedupe_window == std::chrono::hours{24});
  CHECK(x.log_kind == log_kind::memory);
  CHECK(x.logging_level == logging_level::debug);
  CHECK(x.logging_format == logging_format::json);
}

TEST_CASE("what is dumped loads to the same values", "[node][configuration]") {
  const auto first = load_configuration(
      {"",
       {},
       {"log.directory=da ta/\"x\\ #y\t: ", "retry.delay-factor=1.25",
        "engine.fetch-bytes=5000", "engine.held-bytes-max=1 TiB",
        "logging.level=error", "log.fsync=false"}});
  REQUIRE(first);
  const yaml_file file{dump(*first)};
  const auto second = load_configuration({file.path, {}, {}});
  INFO((second ? "" : second.error().context));
  REQUIRE(second);
  CHECK(second->values.log_directory == "da ta/\"x\\ #y\t: ");
  const auto without_origins = [](loaded_configuration x) {
    std::ranges::fill(x.origins, "");
    return dump(x);
  };
  CHECK(without_origins(*first) == without_origins(*second));
}

TEST_CASE("properties of the Kafka library come by their names in every layer",
          "[node][configuration]") {
  const yaml_file file{with_directory
                       + "kafka:\n"
                         "  client.client.rack: east\n"
                         "  client: {security.protocol: ssl}\n"
                         "  consumer:\n"
                         "    fetch.min.bytes: 100\n"
                         "    check.crcs: true\n"};
  const auto loaded =
      load_configuration({file.path,
                          {"FREEHOLD_KAFKA_CONSUMER_FETCH_MIN_BYTES=200",
                           "FREEHOLD_KAFKA_CLIENT_SASL_PASSWORD=of trials"},
                          {"kafka.producer.compression.codec=zstd"}});
  INFO((loaded ? "" : loaded.error().context));
  REQUIRE(loaded);
  CHECK(loaded->values.kafka_client
        == property_map{{"client.rack", "east"},
                        {"sasl.password", "of trials"},
                        {"security.protocol", "ssl"}});
  CHECK(loaded->values.kafka_consumer
        == property_map{{"check.crcs", "true"}, {"fetch.min.bytes", "200"}});
  CHECK(loaded->values.kafka_producer
        == property_map{{"compression.codec", "zstd"}});

  const std::string shown = dump(*loaded);
  CHECK_THAT(shown, Contains("  consumer.fetch.min.bytes: 200 # "
                             "FREEHOLD_KAFKA_CONSUMER_FETCH_MIN_BYTES\n"));
  CHECK_THAT(shown, Contains("  # client.sasl.password: (not shown) # "
                             "FREEHOLD_KAFKA_CLIENT_SASL_PASSWORD\n"));
  CHECK_THAT(shown, !Contains("of trials"));
  const yaml_file again{shown};
  const auto reloaded = load_configuration({again.path, {}, {}});
  REQUIRE(reloaded);
  CHECK(reloaded->values.kafka_consumer == loaded->values.kafka_consumer);
}

TEST_CASE("properties that exactly-once rests on are refused with the reason",
          "[node][configuration]") {
  const std::string faults =
      faults_of(with_directory
                    + "kafka:\n"
                      "  producer.acks: 1\n"
                      "  consumer: {isolation.level: read_uncommitted}\n"
                      "  client.fetch.min.bites: 1\n"
                      "  consumer.fetch.min.bytes: many\n"
                      "  consumer.check.crcs: {a: b}\n",
                {}, {"kafka.client.group.id=mine"});
  CHECK_THAT(faults, Contains("6 faults"));
  CHECK_THAT(faults, Contains("node.yaml:3:18: kafka.producer.acks: cannot be "
                              "set: transactions need all of them"));
  CHECK_THAT(faults, Contains("node.yaml:4:31: kafka.consumer.isolation.level: "
                              "cannot be set: only committed records"));
  CHECK_THAT(faults, Contains("has no such property"));
  CHECK_THAT(faults, Contains("node.yaml:6:29: kafka.consumer.fetch.min.bytes: "
                              "`many` is refused: Invalid value"));
  CHECK_THAT(faults, Contains("kafka.consumer.check.crcs: is a group"));
  CHECK_THAT(faults, Contains("--set: kafka.client.group.id: cannot be set: it "
                              "is the application's name"));
}

TEST_CASE("topics take the application's name unless told otherwise",
          "[node][configuration]") {
  const auto named = load_configuration(
      {"", {}, {"log.directory=d", "application.name=shop"}});
  REQUIRE(named);
  CHECK(named->values.topics_prefix == "shop");
  const auto told =
      load_configuration({"", {}, {"log.directory=d", "topics.prefix=other"}});
  REQUIRE(told);
  CHECK(told->values.topics_prefix == "other");
}

TEST_CASE("an empty file and empty groups leave the defaults",
          "[node][configuration]") {
  const std::vector<std::string> directory{"log.directory=d"};
  CHECK(faults_of("", {}, directory).empty());
  CHECK(faults_of("# nothing\n", {}, directory).empty());
  CHECK(faults_of("engine:\nlogging: {}\n", {}, directory).empty());
}

// -- faults ------------------------------------------------------------------

TEST_CASE("all faults of all layers are reported together with their places",
          "[node][configuration]") {
  const std::string all =
      faults_of("engine:\n"
                "  comit-interval-ms: 100\n"
                "  workers: many\n"
                "  fetch-bytes: 12 parsecs\n"
                "retry:\n"
                "  attempts-max: 0\n",
                {"FREEHOLD_ENGINE_WORKER=2", "FREEHOLD_LOG_FSYNC=yes"},
                {"dedupe.window-hours=1e3", "log.kind"});
  CHECK(all
        == "the configuration has 9 faults:"
           "\n  node.yaml:2:3: there is no option `engine.comit-interval-ms`; "
           "did you mean `engine.commit-interval-ms`?"
           "\n  node.yaml:3:12: engine.workers: `many` is not a whole number"
           "\n  node.yaml:4:16: engine.fetch-bytes: `12 parsecs` is not a size "
           "in bytes, such as 1048576 or 1 MiB"
           "\n  node.yaml:6:17: retry.attempts-max: `0` is out of range; "
           "allowed is 1 to 100"
           "\n  FREEHOLD_ENGINE_WORKER: no option has this variable; did you "
           "mean FREEHOLD_ENGINE_WORKERS?"
           "\n  FREEHOLD_LOG_FSYNC: log.fsync: `yes` is not true or false"
           "\n  --set: dedupe.window-hours: `1e3` is not a whole number"
           "\n  --set: `log.kind` has no value; write key=value"
           "\n  default: log.directory is required with log.kind: embedded; "
           "name a directory for the log's files");
}

TEST_CASE("an unknown key names the option that was meant",
          "[node][configuration]") {
  const auto [yaml, meant] = GENERATE(table<std::string, std::string>(
      {{"workers: 2", "engine.workers"},
       {"enigne: {workers: 2}", "engine.workers"},
       {"engine: {worker: 2}", "engine.workers"},
       {"log: {dir: x}", ""},
       {"logging: {levle: info}", "logging.level"},
       {"wholly-unlike-anything: 1", ""}}));
  const std::string all = faults_of(with_directory + yaml);
  if (yaml.starts_with("log:"))
    CHECK_THAT(all, Contains("`log` is given twice"));
  else if (meant.empty())
    CHECK_THAT(all, Contains("docs/configuration.md lists all options"));
  else
    CHECK_THAT(all, Contains("did you mean `" + meant + "`?"));
}

TEST_CASE("a key given twice is a fault with both places",
          "[node][configuration]") {
  CHECK_THAT(faults_of(with_directory + "engine:\n  workers: 2\n  workers: 3"),
             Contains("node.yaml:4:3: `engine.workers` is given twice, first "
                      "at node.yaml:3:3; remove one of them"));
  CHECK_THAT(faults_of(with_directory
                       + "engine: {workers: 2}\n"
                         "engine.workers: 2"),
             Contains("node.yaml:3:1: `engine.workers` is given twice"));
  CHECK_THAT(
      faults_of(with_directory, {}, {"engine.workers=1", "engine.workers=1"}),
      Contains("--set: `engine.workers` is given twice"));
}

TEST_CASE("a value of the wrong shape is a fault", "[node][configuration]") {
  CHECK_THAT(faults_of("engine: 5"),
             Contains("node.yaml:1:9: `engine` is a group; write its options "
                      "below it"));
  CHECK_THAT(faults_of("engine: {workers: [1]}"),
             Contains("node.yaml:1:19: engine.workers: is a list; expected is "
                      "a whole number"));
  CHECK_THAT(faults_of("engine: {workers: {a: 1}}"),
             Contains("engine.workers: is a group; expected is a whole"));
  CHECK_THAT(faults_of("engine:\n  workers:\n"),
             Contains("node.yaml:2:3: engine.workers: has no value; expected"));
  CHECK_THAT(faults_of("- engine"), Contains("expected are groups"));
  CHECK_THAT(faults_of("[a]: 1"), Contains("a key has to be plain text"));
  CHECK_THAT(faults_of("log:\n  kind: disk"),
             Contains("log.kind: `disk` is not embedded, memory or kafka"));
  CHECK_THAT(faults_of("logging: {level: loud}"),
             Contains("is not trace, debug, info, warn or error"));
}

TEST_CASE("numbers are taken whole or not at all", "[node][configuration]") {
  const auto text = GENERATE("-1", "+1", "1.0", " 1", "0x10", "1_000", "1,000",
                             "99999999999999999999", "", "1 ");
  CHECK_FALSE(
      faults_of(with_directory, {}, {std::string{"engine.workers="} + text})
          .empty());
  CHECK_FALSE(
      faults_of(with_directory, {}, {std::string{"engine.fetch-bytes="} + text})
          .empty());
}

TEST_CASE("sizes that do not fit are refused", "[node][configuration]") {
  for (const std::string text :
       {"99999999999 TiB", "16777217 TiB", "18446744073709551615", "1 mib",
        "1 KB", "MiB"})
    CHECK_FALSE(
        faults_of(with_directory, {}, {"log.map-bytes-max=" + text}).empty());
  for (const std::string text : {"nan", "inf", "1e400", "2,5", "1.19", "10.01"})
    CHECK_FALSE(faults_of(with_directory, {}, {"changelog.live-factor=" + text})
                    .empty());
}

TEST_CASE("both ends of a range belong to it, and nothing beyond",
          "[node][configuration]") {
  const auto fault_of = [](std::string_view key, double value) {
    std::ostringstream setting;
    setting << std::setprecision(17) << key << "=" << value;
    const std::string all = faults_of(with_directory, {}, {setting.str()});
    // Ends of a range may contradict other options' defaults.
    return all.find("out of range") != std::string::npos
           || all.find("` is not a") != std::string::npos;
  };
  for (const option& each : options()) {
    if (!each.range || each.unit == option_unit::topic_name)
      continue;
    INFO(each.key);
    CHECK_FALSE(fault_of(each.key, each.range->least));
    CHECK_FALSE(fault_of(each.key, each.range->most));
    CHECK(fault_of(each.key, each.range->least - 1));
    CHECK(fault_of(each.key, each.range->most + 1));
  }
}

TEST_CASE("names that cannot be part of a topic are refused",
          "[node][configuration]") {
  for (const std::string text : {"", "a b", "a/b",
                                 "gr\xC3\xBC"
                                 "n"})
    CHECK_FALSE(
        faults_of(with_directory, {}, {"application.name=" + text}).empty());
  CHECK_FALSE(faults_of(with_directory, {},
                        {"application.name=" + std::string(101, 'a')})
                  .empty());
}

TEST_CASE("what is not YAML is reported with its place",
          "[node][configuration]") {
  CHECK_THAT(faults_of("engine:\n  workers: [1\nlog: }"),
             Contains("node.yaml:3:") && Contains("is not YAML"));
  CHECK_THAT(faults_of("engine: *nobody"), Contains("is not YAML"));
  CHECK_THAT(faults_of("a: 1\n---\nb: 2"), Contains("more than one YAML"));
  CHECK_FALSE(faults_of(std::string(100'000, '[')).empty());
  CHECK_FALSE(faults_of("a: &x {b: *x}").empty());
  CHECK_FALSE(faults_of(std::string{"\0\1\2\xFF", 4}).empty());
}

TEST_CASE("a file that cannot be read is an error of its own",
          "[node][configuration]") {
  const auto missing = load_configuration({"/nowhere/node.yaml", {}, {}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK_THAT(missing.error().context,
             Contains("/nowhere/node.yaml") && Contains("No such file"));
  const auto directory = load_configuration({"/tmp", {}, {}});
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == errc::unavailable);
  CHECK_THAT(faults_of(std::string(2 * mebibytes, '#')),
             Contains("larger than 1 MiB"));
}

TEST_CASE("values that contradict each other are faults",
          "[node][configuration]") {
  CHECK_THAT(faults_of(with_directory + "engine:\n  workers: 9"),
             Contains("node.yaml:3:12: engine.workers (9) is above "
                      "application.shards (8)")
                 && Contains("set engine.workers to at most 8"));
  CHECK_THAT(faults_of(with_directory, {}, {"engine.commit-interval-ms=20000"}),
             Contains("--set: engine.stop-timeout-ms is not above"));
  CHECK_THAT(faults_of(with_directory, {}, {"engine.held-bytes-max=4 KiB"}),
             Contains("engine.fetch-bytes is above engine.held-bytes-max"));
  CHECK_THAT(faults_of("log: {directory: d, map-bytes-max: 15 MiB}"),
             Contains("below four times engine.unit-bytes-max")
                 && Contains("changelog.slack-bytes is not below"));
  CHECK_THAT(faults_of("log: {kind: embedded}"),
             Contains("node.yaml:1:13: log.directory is required"));
}

TEST_CASE("a rule says nothing about a value that was refused",
          "[node][configuration]") {
  const std::string all = faults_of(
      with_directory + "application: {shards: x}\nengine: {workers: 9}");
  CHECK_THAT(all, Contains("has 1 fault:"));
}

TEST_CASE("what works and may surprise is a warning", "[node][configuration]") {
  const auto memory = load_configuration(
      {"", {"FREEHOLD_HOUSE=1"}, {"log.kind=memory", "log.directory=d"}});
  REQUIRE(memory);
  REQUIRE(memory->warnings.size() == 3);
  CHECK_THAT(memory->warnings[0], Contains("FREEHOLD_HOUSE: no option has"));
  CHECK_THAT(memory->warnings[1], Contains("log.kind is memory"));
  CHECK_THAT(memory->warnings[2], Contains("log.directory has no effect"));
  const auto unsafe =
      load_configuration({"", {}, {"log.directory=d", "log.fsync=false"}});
  REQUIRE(unsafe);
  REQUIRE(unsafe->warnings.size() == 1);
  CHECK_THAT(unsafe->warnings[0], Contains("log.fsync is false"));
}

TEST_CASE("a topic of events is named where properties follow one",
          "[node][configuration]") {
  const auto follows =
      load_configuration({"",
                          {},
                          {"log.directory=d", "application.source=events",
                           "application.events-topic=homes.changed"}});
  REQUIRE(follows);
  CHECK(follows->warnings.empty());
  CHECK(follows->values.application_source == application_source::events);
  CHECK(follows->values.events_topic == "homes.changed");
  const auto decides = load_configuration(
      {"", {}, {"log.directory=d", "application.events-topic=homes"}});
  REQUIRE(decides);
  REQUIRE(decides->warnings.size() == 1);
  CHECK_THAT(decides->warnings[0],
             Contains("application.source: commands reads no events"));
  const auto neither =
      load_configuration({"", {}, {"application.source=both"}});
  REQUIRE_FALSE(neither);
  CHECK_THAT(neither.error().context, Contains("commands or events"));
}

TEST_CASE("what is said of event time reaches both applications of the market",
          "[node][configuration]") {
  configuration values;
  values.analytics_ahead_max = std::chrono::hours{7};
  values.analytics_idle_after = std::chrono::milliseconds{1234};
  for (const auto source :
       {application_source::commands, application_source::events}) {
    values.application_source = source;
    const auto plan = make_plan(values);
    REQUIRE(plan);
    REQUIRE((*plan)->event_time);
    CHECK((*plan)->event_time->ahead_max == std::chrono::hours{7});
    CHECK((*plan)->event_time->idle_after == std::chrono::milliseconds{1234});
  }
}
