#include "bridges/kafka/kafka_settings.hpp"
#include "node/configuration.hpp"

#include <array>

namespace freehold::node {

namespace {

using c = configuration;

constexpr option_range bytes_from(std::uint64_t least) {
  // The upper end is where a typing error begins, not a limit of the code.
  return {static_cast<double>(least),
          static_cast<double>(16 * 1024 * gibibytes)};
}

constexpr option_range hours{0, 24 * 365 * 100};

const auto table = std::to_array<option>({
    {.key = "application.name",
     .member = &c::application_name,
     .unit = option_unit::topic_name,
     .range = option_range{1, 100},
     .sentence = "The application's name. It tells applications on one log "
                 "apart.",
     .example = "market"},
    {.key = "application.shards",
     .member = &c::shards,
     .range = option_range{1, 4096},
     .sentence = "How many shards the application has: the partition count of "
                 "its sources, inbox and changelog. It cannot change once the "
                 "topics exist.",
     .example = "8"},
    {.key = "application.source",
     .member = &c::application_source,
     .sentence = "What properties come from: `commands` to them, in "
                 "`property-commands`, or `events` that other services have "
                 "written to a topic of theirs, which properties then follow. "
                 "It cannot change once the topics exist.",
     .example = "events"},
    {.key = "application.events-topic",
     .member = &c::events_topic,
     .unit = option_unit::topic_name,
     .range = option_range{1, 249},
     .sentence = "That topic's name, with `application.source: events`.",
     .example = "property-events"},

    {.key = "engine.workers",
     .member = &c::workers,
     .range = option_range{1, 256},
     .sentence = "How many threads run shards. The number of cores is a good "
                 "value; more workers than shards are useless.",
     .example = "2"},
    {.key = "engine.commit-interval-ms",
     .member = &c::commit_interval,
     .unit = option_unit::milliseconds,
     .range = option_range{1, 60'000},
     .sentence = "How long effects are gathered before they are committed. "
                 "Longer is cheaper, shorter shows results sooner.",
     .example = "100"},
    {.key = "engine.unit-bytes-max",
     .member = &c::unit_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(4 * kibibytes),
     .sentence = "A commit unit of this size closes before its interval ends.",
     .example = "4 MiB"},
    {.key = "engine.fetch-bytes",
     .member = &c::fetch_bytes,
     .unit = option_unit::bytes,
     .range = option_range{1024, 64.0 * mebibytes},
     .sentence = "About how many bytes of records one read of a partition "
                 "asks for.",
     .example = "1 MiB"},
    {.key = "engine.direct-delivery",
     .member = &c::direct_delivery,
     .sentence = "Whether a shard hands messages to its entities by a direct "
                 "call. The meaning is the same without it, the cost is "
                 "higher.",
     .example = "true"},
    {.key = "engine.held-bytes-max",
     .member = &c::held_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(4 * kibibytes),
     .sentence = "How many bytes of messages one shard holds for retries, "
                 "outside calls and parked keys before it pauses reading.",
     .example = "64 MiB"},
    {.key = "engine.timer-bytes-max",
     .member = &c::timer_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(4 * kibibytes),
     .sentence = "How many bytes of timers one shard keeps before it pauses "
                 "reading until some have fired.",
     .example = "64 MiB"},
    {.key = "engine.stop-timeout-ms",
     .member = &c::stop_timeout,
     .unit = option_unit::milliseconds,
     .range = option_range{100, 600'000},
     .sentence = "How long a stop waits for the last commit unit. What is not "
                 "committed by then is done again after the next start.",
     .example = "10000"},

    {.key = "memory.property-bytes-max",
     .member = &c::property_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(64 * kibibytes),
     .sentence = "What the homes (`property` entities) may take of this node's "
                 "memory. Idle ones leave it, large ones sooner, and come back "
                 "when a message is for them: a small budget costs time, never "
                 "results.",
     .example = "1 GiB"},
    {.key = "memory.neighborhood-bytes-max",
     .member = &c::neighborhood_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(64 * kibibytes),
     .sentence = "The same for the neighborhoods (`neighborhood` entities).",
     .example = "256 MiB"},
    {.key = "memory.valuation-bytes-max",
     .member = &c::valuation_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(64 * kibibytes),
     .sentence = "The same for the valuations (`valuation` entities).",
     .example = "1 GiB"},
    {.key = "memory.market-bytes-max",
     .member = &c::market_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(64 * kibibytes),
     .sentence = "The same for the market as a whole (one `market` entity).",
     .example = "256 MiB"},

    {.key = "retry.attempts-max",
     .member = &c::retry_attempts_max,
     .range = option_range{1, 100},
     .sentence = "How often a message is tried before it becomes a dead "
                 "letter, the first time included.",
     .example = "3"},
    {.key = "retry.first-delay-ms",
     .member = &c::retry_first_delay,
     .unit = option_unit::milliseconds,
     .range = option_range{1, 3'600'000},
     .sentence = "How long the first retry waits.",
     .example = "2000"},
    {.key = "retry.delay-factor",
     .member = &c::retry_delay_factor,
     .range = option_range{1, 10},
     .sentence = "What the delay is multiplied by from one retry to the next.",
     .example = "2"},
    {.key = "retry.jitter-percent",
     .member = &c::retry_jitter_percent,
     .unit = option_unit::percent,
     .range = option_range{0, 100},
     .sentence = "By how much a delay varies, so that retries do not come in "
                 "step.",
     .example = "20"},

    {.key = "dedupe.window-hours",
     .member = &c::dedupe_window,
     .unit = option_unit::hours,
     .range = option_range{1, 24 * 365 * 10},
     .sentence = "How long a repeated event is recognised and given the "
                 "answer of the first one.",
     .example = "720"},
    {.key = "dedupe.entries-max",
     .member = &c::dedupe_entries_max,
     .range = option_range{1, 1'000'000'000},
     .sentence = "How many answers one shard keeps for repeated events. Above "
                 "it the oldest goes, and a counter says so.",
     .example = "1000000"},
    {.key = "dedupe.bytes-max",
     .member = &c::dedupe_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(4 * kibibytes),
     .sentence = "How many bytes of memory these answers may take, per shard. "
                 "Above it the oldest goes.",
     .example = "128 MiB"},

    {.key = "analytics.grace-hours",
     .member = &c::analytics_grace,
     .unit = option_unit::hours,
     .range = hours,
     .sentence = "How far behind the latest sale of its source partition a "
                 "sale may lie and still count. Windows close so long after "
                 "their end. Later ones go to `market-late`. For an import "
                 "that is not in the order of time: the time it spans.",
     .example = "168"},
    {.key = "analytics.ahead-max-hours",
     .member = &c::analytics_ahead_max,
     .unit = option_unit::hours,
     .range = option_range{0, 24 * 365},
     .sentence = "How far ahead of this machine's clock a sale may lie. One "
                 "that lies further goes to `market-late` and closes nobody's "
                 "windows.",
     .example = "24"},
    {.key = "analytics.idle-after-ms",
     .member = &c::analytics_idle_after,
     .unit = option_unit::milliseconds,
     .range = option_range{100, 86'400'000},
     .sentence = "A source partition that was read to its end and is empty for "
                 "so long does not hold results up. What it brings later may "
                 "come after windows were closed, which are then corrected, "
                 "and after the last word on a sale. Longer than those who "
                 "write there may be away.",
     .example = "5000"},
    {.key = "analytics.mean-deviation-percent",
     .member = &c::mean_deviation_percent,
     .unit = option_unit::percent,
     .range = option_range{0, 100'000},
     .sentence = "The first anomaly rule: how far a price may be off the "
                 "neighborhood's average of the 30 days before; 0 switches "
                 "the rule off.",
     .example = "20"},
    {.key = "analytics.mean-sales-min",
     .member = &c::mean_sales_min,
     .range = option_range{1, 1'000'000},
     .sentence = "How many sales that average needs.",
     .example = "5"},
    {.key = "analytics.unit-price-yardsticks",
     .member = &c::unit_price_yardsticks,
     .range = option_range{0, 1'000},
     .sentence = "The second anomaly rule: how many yardsticks a price per "
                 "square foot may be off the neighborhood's level; 0 switches "
                 "the rule off.",
     .example = "7"},
    {.key = "analytics.unit-price-sales-min",
     .member = &c::unit_price_sales_min,
     .range = option_range{5, 1'000'000},
     .sentence = "How many sales that level needs.",
     .example = "8"},

    {.key = "changelog.live-factor",
     .member = &c::changelog_live_factor,
     .range = option_range{1.2, 10},
     .sentence = "How large the changelog may become, as a multiple of what "
                 "is live in it. Smaller needs less disk and more writing.",
     .example = "2"},
    {.key = "changelog.slack-bytes",
     .member = &c::changelog_slack_bytes,
     .unit = option_unit::bytes,
     .range = bytes_from(64 * kibibytes),
     .sentence = "What the changelog may have on top of that, so that a small "
                 "one is left alone.",
     .example = "64 MiB"},

    {.key = "crash.attempts-max",
     .member = &c::crash_attempts_max,
     .range = option_range{1, 100},
     .sentence = "After how many crashes of the process the record under "
                 "suspicion becomes a dead letter.",
     .example = "3"},

    {.key = "log.kind",
     .member = &c::log_kind,
     .sentence = "The event log: `embedded` on this machine's disk, `kafka` "
                 "on a cluster, `memory` for trials that may be forgotten.",
     .example = "embedded"},
    {.key = "log.directory",
     .member = &c::log_directory,
     .sentence =
         "The directory of the embedded log; with `kafka` that of the node's "
         "copy of its changelogs and of its notes about crashes. It is "
         "created if it does not exist, and one process uses it.",
     .example = "/var/lib/freehold/market",
     .default_note = "required, but with `log.kind: memory`"},
    {.key = "log.fsync",
     .member = &c::log_fsync,
     .sentence = "Whether a commit waits until the disk has it. Without it a "
                 "power failure may lose what was reported as committed.",
     .example = "true"},
    {.key = "log.map-bytes-max",
     .member = &c::log_map_bytes_max,
     .unit = option_unit::bytes,
     .range = bytes_from(1 * mebibytes),
     .sentence = "The most the embedded log, or the copy of the changelogs, "
                 "may grow to. Address space, not memory: disk is used as "
                 "records arrive.",
     .example = "64 GiB"},

    {.key = "node.id",
     .member = &c::node_id,
     .unit = option_unit::topic_name,
     .range = option_range{0, 100},
     .sentence = "Tells this node from the others of the application on a "
                 "cluster, and stays through its restarts: its shards wait for "
                 "it, and no second process can write as this one.",
     .example = "market-1",
     .default_note = "required with `log.kind: kafka`"},
    {.key = "kafka.bootstrap-servers",
     .member = &c::kafka_bootstrap_servers,
     .sentence =
         "Brokers of the cluster to begin with, as host:port, separated "
         "by commas.",
     .example = "kafka-1:9092,kafka-2:9092",
     .default_note = "required with `log.kind: kafka`"},
    {.key = "kafka.replication-factor",
     .member = &c::kafka_replication_factor,
     .range = option_range{0, 100},
     .sentence =
         "Of topics that the node makes; 0 takes the cluster's default.",
     .example = "3"},
    {.key = "kafka.session-timeout-ms",
     .member = &c::kafka_session_timeout,
     .unit = option_unit::milliseconds,
     .range = option_range{1000, 1'800'000},
     .sentence = "How long the shards of a node that died wait for it before "
                 "others take them.",
     .example = "10000"},
    {.key = "kafka.transaction-timeout-ms",
     .member = &c::kafka_transaction_timeout,
     .unit = option_unit::milliseconds,
     .range = option_range{1000, 900'000},
     .sentence =
         "How long a node that stands still in the midst of a commit can "
         "keep others from its shards.",
     .example = "10000"},
    {.key = "kafka.client.*",
     .member = &c::kafka_client,
     .sentence =
         "Settings of librdkafka for all of the node's connections, by the "
         "library's own names: TLS, SASL, the rack. Those that exactly-once "
         "rests on are refused, with the reason. `freehold config dump` leaves "
         "out passwords and keys; give them in the environment.",
     .example = "kafka.client.security.protocol: ssl",
     .default_note = "none",
     .check = bridges::kafka::check_property},
    {.key = "kafka.consumer.*",
     .member = &c::kafka_consumer,
     .sentence = "The same for what reads.",
     .example = "kafka.consumer.fetch.min.bytes: 65536",
     .default_note = "none",
     .check = bridges::kafka::check_property},
    {.key = "kafka.producer.*",
     .member = &c::kafka_producer,
     .sentence = "The same for what writes.",
     .example = "kafka.producer.compression.codec: zstd",
     .default_note = "none",
     .check = bridges::kafka::check_property},

    {.key = "topics.prefix",
     .member = &c::topics_prefix,
     .unit = option_unit::topic_name,
     .range = option_range{0, 100},
     .sentence = "What the names of the application's own topics begin with, "
                 "as in `market-inbox`.",
     .example = "market-test",
     .default_note = "the value of `application.name`"},

    {.key = "retention.sources-hours",
     .member = &c::retention_sources,
     .unit = option_unit::hours,
     .range = hours,
     .sentence = "How long records of the sources are kept after they were "
                 "appended; 0 keeps them for ever. What the application has "
                 "not taken yet stays in any case.",
     .example = "168"},
    {.key = "retention.journal-hours",
     .member = &c::retention_journal,
     .unit = option_unit::hours,
     .range = hours,
     .sentence = "How long the events of journaled entities are kept; 0 keeps "
                 "them for ever. Their history and audit end there.",
     .example = "87600"},
    {.key = "retention.outputs-hours",
     .member = &c::retention_outputs,
     .unit = option_unit::hours,
     .range = hours,
     .sentence = "How long records of outputs such as alerts are kept; 0 "
                 "keeps them for ever.",
     .example = "720"},
    {.key = "retention.dead-letters-hours",
     .member = &c::retention_dead_letters,
     .unit = option_unit::hours,
     .range = hours,
     .sentence = "How long dead letters are kept; 0 keeps them for ever. What "
                 "is gone cannot be redriven.",
     .example = "2160"},

    {.key = "lag.interval-ms",
     .member = &c::lag_interval,
     .unit = option_unit::milliseconds,
     .range = option_range{100, 86'400'000},
     .sentence = "How often a node looks how far it is behind its inputs, and "
                 "says so where it is.",
     .example = "30000"},
    {.key = "lag.warning-records",
     .member = &c::lag_warning_records,
     .range = option_range{0, 1e15},
     .sentence = "Above so many records, in all partitions of the node "
                 "together, it is a warning.",
     .example = "10000"},
    {.key = "lag.stuck-after-ms",
     .member = &c::lag_stuck_after,
     .unit = option_unit::milliseconds,
     .range = option_range{1'000, 86'400'000},
     .sentence = "How long a shard may stand at one position with records to "
                 "take before the node warns of it.",
     .example = "60000"},

    {.key = "logging.level",
     .member = &c::logging_level,
     .sentence = "The least urgent messages that are printed.",
     .example = "info"},
    {.key = "logging.format",
     .member = &c::logging_format,
     .sentence = "`text` for a person, `json` for a log collector.",
     .example = "json"},
});

} // namespace

std::span<const option> options() { return table; }

std::string environment_name(std::string_view key) {
  std::string name = "FREEHOLD_";
  for (const char each : key) {
    const bool lower = each >= 'a' && each <= 'z';
    const bool separator = each == '.' || each == '-';
    name += separator ? '_'
            : lower   ? static_cast<char>(each - 'a' + 'A')
                      : each;
  }
  return name;
}

} // namespace freehold::node
