// What freehold costs on a real Kafka, as one line in the form of a peer's.
//
//   kafka_bench BROKERS IN OUT PARTITIONS RECORDS pass|keyed
//               [--commit-ms N] [--settle N] [--slack-mib N] [--copy DIR]
//               [--workers N] [--restart KEYS] [--rounds N] [--name NAME]
//               [--compression CODEC]
//
// Takes RECORDS records of the topic IN from its beginning, exactly once:
//   pass   each goes to OUT, no entity changes
//   keyed  each changes 128 bytes of state of its key, one in ten goes to OUT
// Those of the first --settle records are not measured. Prints CPU
// microseconds (user and system, whole process, getrusage) per record from the
// first batch to the last commit. With --copy there is a copy of the changelog
// in DIR, as a node has one. With --restart the node is started again, which
// has KEYS entities then: from the copy, and without it, --rounds times each.
// With RECORDS 0 only that, of what an earlier run with --name has left.
#include "bridges/kafka/kafka_log.hpp"
#include "bridges/log/lmdb_changelog_copy.hpp"
#include "runtime/engine/engine.hpp"
#include "tests/bench/cpu_seconds.hpp"

#include <boost/describe.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

using namespace freehold;
using bench::cpu_seconds;

namespace {

struct parameters {
  std::string brokers;
  std::string in;
  std::string out;
  std::uint32_t partitions = 0;
  std::uint64_t records = 0;
  bool keyed = false;
  std::uint32_t commit_ms = 100;
  std::uint64_t settle = 0;
  std::uint64_t slack_mib = 8;
  std::uint32_t workers = 1;
  std::string copy;
  /// Entities after a restart; 0: there is none.
  std::uint64_t keys = 0;
  std::uint64_t rounds = 1;
  /// Of the application; empty: one of its own.
  std::string name;
  /// Empty: a node's own.
  std::string compression;
};

std::string outputs; // NOLINT: the entities' context has no other way

struct passer {
  struct state {
    static constexpr std::string_view type = "passer-state";
    std::uint64_t nothing = 0;
  };
  static constexpr entity_traits traits{.type = "passer"};
  using messages = message_list<raw_message>;

  static void handle(const state&, const raw_message& m, context<passer>& ctx) {
    ctx.publish_raw(outputs, ctx.key(), m.value);
  }
};
BOOST_DESCRIBE_STRUCT(passer::state, (), (nothing))

struct tally {
  struct state {
    static constexpr std::string_view type = "tally-state";
    std::uint64_t count = 0;
    std::array<char, 120> bytes{};
  };
  static constexpr entity_traits traits{.type = "tally"};
  using messages = message_list<raw_message>;

  static void handle(state& s, const raw_message& m, context<tally>& ctx) {
    ++s.count;
    std::memcpy(s.bytes.data(), m.value.data(), 32);
    if (static_cast<unsigned char>(m.value[0]) % 10 == 0)
      ctx.publish_raw(outputs, ctx.key(), m.value);
  }
};
BOOST_DESCRIBE_STRUCT(tally::state, (), (count, bytes))

double wall_seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void must(const result<void>& outcome) {
  if (outcome)
    return;
  std::fprintf(stderr, "kafka_bench: %s\n", to_string(outcome.error()).c_str());
  std::exit(1);
}

/// One life of the node, and what it needs.
class life {
public:
  life(const parameters& how, const std::string& name) : how_(how) {
    application app{name};
    if (how.keyed)
      app.entity<tally>();
    else
      app.entity<passer>();
    app.source({.topic = how.in,
                .entity = how.keyed ? "tally" : "passer",
                .default_message = "raw",
                .read_headers = false,
                .deduplicate = false});
    app.output({.topic = how.out});
    engine::engine_options options;
    options.shard_count = how.partitions;
    options.worker_count = how.workers;
    options.commit_interval = std::chrono::milliseconds{how.commit_ms};
    options.changelog_slack_bytes = how.slack_mib << 20U;
    options.inbox_topic = name + "-inbox";
    options.changelog_topic = name + "-changelog";
    auto plan = engine::application_plan::make(app, options);
    must(plan ? result<void>{} : result<void>{plan.error()});
    bridges::kafka::kafka_settings settings;
    settings.bootstrap_servers = how.brokers;
    settings.application = name;
    settings.node_id = "bench";
    if (!how.compression.empty())
      settings.producer["compression.codec"] = how.compression;
    log_ = std::make_unique<bridges::kafka::kafka_log>(settings, time_,
                                                       open_copy(name));
    auto made = engine::engine::make(*plan, {*log_, time_});
    must(made ? result<void>{} : result<void>{made.error()});
    engine_ = *std::move(made);
    must(engine_->start());
  }

  void wait_for(const std::function<bool(const engine::counters&)>& condition) {
    while (!condition(engine_->count()))
      if (const auto failed =
              engine_->wait_for_failure(std::chrono::milliseconds{2})) {
        std::fprintf(stderr, "kafka_bench: %s\n", to_string(*failed).c_str());
        std::exit(1);
      }
  }
  [[nodiscard]] engine::counters count() const { return engine_->count(); }
  void stop() { must(engine_->stop(std::chrono::minutes{1})); }

private:
  std::unique_ptr<ports::changelog_copy> open_copy(const std::string& name) {
    if (how_.copy.empty())
      return nullptr;
    auto made = bridges::log::lmdb_changelog_copy::open(
        {.directory = how_.copy,
         .changelog = name + "-changelog",
         .shard_count = how_.partitions,
         .map_bytes_max = std::uint64_t{16} << 30U,
         .clock = &time_,
         .warn = {}});
    must(made ? result<void>{} : result<void>{made.error()});
    return *std::move(made);
  }

  const parameters& how_;
  const system_clock time_;
  std::unique_ptr<bridges::kafka::kafka_log> log_;
  std::unique_ptr<engine::engine> engine_;
};

void measure(const parameters& how, const std::string& name) {
  life now{how, name};
  const auto taken_at_least = [](std::uint64_t taken) {
    return [taken](const engine::counters& c) { return c.taken >= taken; };
  };
  // Nothing is counted before its commit: the first unit is in the figure as
  // far as it is in those of the peers.
  now.wait_for(taken_at_least(how.settle == 0 ? 1 : how.settle));
  const engine::counters before = now.count();
  const double cpu = cpu_seconds();
  const double wall = wall_seconds();
  now.wait_for(taken_at_least(how.records));
  const double used = cpu_seconds() - cpu;
  const double took = wall_seconds() - wall;
  const engine::counters after = now.count();
  const auto taken = static_cast<double>(after.taken - before.taken);
  std::printf(
      "freehold records=%.0f wall_s=%.2f cpu_s=%.2f cpu_us_per_record=%.3f "
      "records_per_s=%.0f units=%llu published=%llu changelog_mb=%.1f "
      "compacted_mb=%.1f kept_mb=%.1f live_mb=%.1f undone=%llu\n",
      taken, took, used, used * 1e6 / taken, taken / took,
      static_cast<unsigned long long>(after.units - before.units),
      static_cast<unsigned long long>(after.published - before.published),
      static_cast<double>(after.changelog_bytes_written
                          - before.changelog_bytes_written)
          / 1e6,
      static_cast<double>(after.compacted_bytes - before.compacted_bytes) / 1e6,
      static_cast<double>(after.changelog_bytes) / 1e6,
      static_cast<double>(after.changelog_live_bytes) / 1e6,
      static_cast<unsigned long long>(after.units_undone));
  std::fflush(stdout);
  now.stop();
}

/// Until every shard serves again, with whatever copy is there.
void measure_restart(const parameters& how, const std::string& name,
                     std::uint64_t entities, const char* from) {
  const double cpu = cpu_seconds();
  const double wall = wall_seconds();
  life now{how, name};
  now.wait_for([&](const auto& c) { return c.entities >= entities; });
  std::printf("restart from=%s entities=%llu cpu_s=%.3f wall_s=%.2f\n", from,
              static_cast<unsigned long long>(entities), cpu_seconds() - cpu,
              wall_seconds() - wall);
  std::fflush(stdout);
  now.stop();
}

void run(const parameters& how) {
  outputs = how.out;
  const std::string name =
      !how.name.empty()
          ? how.name
          : "bench-" + std::to_string(::getpid()) + "-"
                + std::to_string(static_cast<long long>(wall_seconds()));
  if (how.records != 0)
    measure(how, name);
  if (how.keys == 0)
    return;
  parameters without = how;
  without.copy.clear();
  for (std::uint64_t i = 0; i < how.rounds; ++i) {
    if (!how.copy.empty())
      measure_restart(how, name, how.keys, "copy");
    measure_restart(without, name, how.keys, "cluster");
  }
}

} // namespace

int main(int argc, char** argv) {
  parameters how;
  if (argc < 7) {
    std::fprintf(stderr, "usage: kafka_bench BROKERS IN OUT PARTITIONS RECORDS "
                         "pass|keyed [OPTION N ...]\n");
    return 2;
  }
  how.brokers = argv[1];
  how.in = argv[2];
  how.out = argv[3];
  how.partitions =
      static_cast<std::uint32_t>(std::strtoul(argv[4], nullptr, 10));
  how.records = std::strtoull(argv[5], nullptr, 10);
  how.keyed = std::string_view{argv[6]} == "keyed";
  for (int i = 7; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::uint64_t number = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--commit-ms")
      how.commit_ms = static_cast<std::uint32_t>(number);
    else if (name == "--settle")
      how.settle = number;
    else if (name == "--slack-mib")
      how.slack_mib = number;
    else if (name == "--workers")
      how.workers = static_cast<std::uint32_t>(number);
    else if (name == "--copy")
      how.copy = argv[i + 1];
    else if (name == "--compression")
      how.compression = argv[i + 1];
    else if (name == "--restart")
      how.keys = number;
    else if (name == "--name")
      how.name = argv[i + 1];
    else if (name == "--rounds")
      how.rounds = number;
    else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  if (how.records == 0 && (how.name.empty() || how.keys == 0)) {
    std::fprintf(stderr, "RECORDS is 0: name with --name what an earlier run "
                         "has left, and with --restart how many entities\n");
    return 2;
  }
  spdlog::set_level(spdlog::level::warn);
  run(how);
  return 0;
}
