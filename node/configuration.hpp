#pragma once

#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The node's configuration. One table (`options()`) declares every option;
/// loading, checking, the dump and `docs/configuration.md` all come from it.
/// How to add one: a member in `configuration` with its default, a row in the
/// table, then the doc anew (`configuration_doc` prints it).
namespace freehold::node {

/// Which event log the node runs on.
enum class log_kind : std::uint8_t {
  /// On this machine's disk; survives a crash.
  embedded,
  /// In memory; gone when the process ends.
  memory,
  /// On a Kafka cluster, for one node or several.
  kafka,
};

/// What the market's properties come from.
enum class application_source : std::uint8_t {
  /// Commands to them; they decide.
  commands,
  /// Events of other services; they follow.
  events,
};

enum class logging_level : std::uint8_t {
  trace,
  debug,
  info,
  warn,
  error,
};

enum class logging_format : std::uint8_t {
  /// Lines for a person.
  text,
  /// One JSON object per line.
  json,
};

constexpr std::uint64_t kibibytes = 1024;
constexpr std::uint64_t mebibytes = 1024 * kibibytes;
constexpr std::uint64_t gibibytes = 1024 * mebibytes;

/// Settings of a library, by its own names.
using property_map = std::map<std::string, std::string, std::less<>>;

/// The options' values. The initialisers are the defaults, and the only place
/// where they are written.
struct configuration {
  std::string application_name = "market";
  std::uint32_t shards = 8;
  freehold::node::application_source application_source =
      freehold::node::application_source::commands;
  std::string events_topic = "property-events";

  std::uint32_t workers = 2;
  std::chrono::milliseconds commit_interval{100};
  std::uint64_t unit_bytes_max = 4 * mebibytes;
  std::uint64_t fetch_bytes = 1 * mebibytes;
  bool direct_delivery = true;
  std::uint64_t held_bytes_max = 64 * mebibytes;
  std::uint64_t timer_bytes_max = 64 * mebibytes;
  std::chrono::milliseconds stop_timeout{10'000};

  std::uint64_t property_bytes_max = 1 * gibibytes;
  std::uint64_t neighborhood_bytes_max = 256 * mebibytes;
  std::uint64_t valuation_bytes_max = 1 * gibibytes;
  std::uint64_t market_bytes_max = 256 * mebibytes;

  std::uint32_t retry_attempts_max = 3;
  std::chrono::milliseconds retry_first_delay{2'000};
  double retry_delay_factor = 2;
  std::uint32_t retry_jitter_percent = 20;

  std::chrono::hours dedupe_window{720};
  std::uint64_t dedupe_entries_max = 1'000'000;
  std::uint64_t dedupe_bytes_max = std::uint64_t{128} << 20U;

  std::chrono::hours analytics_grace{168};
  std::chrono::hours analytics_ahead_max{24};
  std::chrono::milliseconds analytics_idle_after{5000};
  std::uint32_t mean_deviation_percent = 20;
  std::uint32_t mean_sales_min = 5;
  std::uint32_t unit_price_yardsticks = 7;
  std::uint32_t unit_price_sales_min = 8;

  double changelog_live_factor = 2;
  std::uint64_t changelog_slack_bytes = 64 * mebibytes;

  std::uint32_t crash_attempts_max = 3;

  freehold::node::log_kind log_kind = freehold::node::log_kind::embedded;
  std::string log_directory;
  bool log_fsync = true;
  std::uint64_t log_map_bytes_max = 64 * gibibytes;

  std::string node_id;
  std::string kafka_bootstrap_servers;
  std::uint32_t kafka_replication_factor = 0;
  std::chrono::milliseconds kafka_session_timeout{10'000};
  std::chrono::milliseconds kafka_transaction_timeout{10'000};
  property_map kafka_client;
  property_map kafka_consumer;
  property_map kafka_producer;

  /// Never empty once loaded: the application's name stands in.
  std::string topics_prefix;

  // Zero keeps records for ever.
  std::chrono::hours retention_sources{0};
  std::chrono::hours retention_journal{0};
  std::chrono::hours retention_outputs{0};
  std::chrono::hours retention_dead_letters{0};

  std::chrono::milliseconds lag_interval{30'000};
  std::uint64_t lag_warning_records = 10'000;
  std::chrono::milliseconds lag_stuck_after{60'000};

  freehold::node::logging_level logging_level =
      freehold::node::logging_level::info;
  freehold::node::logging_format logging_format =
      freehold::node::logging_format::text;
};

// -- the table ---------------------------------------------------------------

/// Where an option's value lives; its type is the option's type.
using option_member = std::variant<
    std::string configuration::*, bool configuration::*,
    std::uint32_t configuration::*, std::uint64_t configuration::*,
    double configuration::*, std::chrono::milliseconds configuration::*,
    std::chrono::hours configuration::*, log_kind configuration::*,
    application_source configuration::*, logging_level configuration::*,
    logging_format configuration::*, property_map configuration::*>;

enum class option_unit : std::uint8_t {
  none,
  /// Written as a plain number, or with KiB, MiB, GiB or TiB behind it.
  bytes,
  milliseconds,
  hours,
  percent,
  /// Text that becomes part of topic names: letters, digits, `.`, `_`, `-`.
  topic_name,
};

/// Both ends belong to it. Whole numbers up to 2^53 are exact. For a text of
/// unit `topic_name` it bounds the number of characters.
struct option_range {
  double least = 0;
  double most = 0;
};

struct option {
  /// Kebab-case, in its group, with its unit: `engine.commit-interval-ms`. That
  /// of a `property_map` ends with `.*`, where its entries have their names.
  std::string_view key;
  option_member member;
  option_unit unit = option_unit::none;
  std::optional<option_range> range = std::nullopt;
  /// What it is for, as one or two full sentences.
  std::string_view sentence;
  std::string_view example;
  /// What to show where the default cannot be shown as a value.
  std::string_view default_note = {};
  /// Of a `property_map`: what is wrong with an entry, or nothing.
  std::string (*check)(std::string_view name, std::string_view value) = nullptr;
  /// Whether a change needs a restart of the node.
  bool restart = true;
};

/// Every option, groups together, in the order of the dump.
[[nodiscard]] std::span<const option> options();

/// `FREEHOLD_ENGINE_COMMIT_INTERVAL_MS` for `engine.commit-interval-ms`. For an
/// entry of a `property_map` the dots of its name become `_`.
[[nodiscard]] std::string environment_name(std::string_view key);

// -- loading -----------------------------------------------------------------

/// Where values come from, each layer over the one before it: the defaults,
/// then these three.
struct configuration_sources {
  /// A YAML file, or empty for none.
  std::string file;
  /// `NAME=value` entries; those that begin with `FREEHOLD_` count.
  std::vector<std::string> environment;
  /// `key=value`, as given to `--set`.
  std::vector<std::string> settings;
};

struct loaded_configuration {
  configuration values;
  /// For each of `options()`: `default`, `market.yaml:3:11`, an environment
  /// variable's name, or `--set`.
  std::vector<std::string> origins;
  /// The same for each entry of each `property_map`, by its whole key.
  property_map entry_origins;
  /// What works and yet may surprise; for the log.
  std::vector<std::string> warnings;
};

/// Reads all layers and checks them. All faults are reported together in the
/// error's context, one per line, each with its place and what to do.
/// Errors: `not_found` if there is no such file, `unavailable` if it cannot
/// be read, `invalid_argument` for everything in it.
[[nodiscard]] result<loaded_configuration>
load_configuration(const configuration_sources& sources);

/// The `NAME=value` entries of this process.
[[nodiscard]] std::vector<std::string> process_environment();

/// The configuration in effect as YAML that loads to the same values, each
/// option with a comment that says where its value came from. Passwords and
/// keys are left out, with a comment in their place.
[[nodiscard]] std::string dump(const loaded_configuration& loaded);

/// The contents of `docs/configuration.md`.
[[nodiscard]] std::string markdown();

} // namespace freehold::node
