// What the engine costs per record: keyed entities with a state of 128 bytes,
// uniform keys, one output of 100 bytes per ten records, changelog with
// compaction in its steady state. Messages are raw bytes, so that no decoding
// is in the figure.
//
//   engine_bench [--keys N] [--records N] [--shards N] [--workers N]
//                [--unit-kib N] [--slack-mib N] [--budget-mib N]
//                [--embedded DIR] [--mailboxes] [--rounds N]
//
// The entities exist and each has been used once in this life before the clock
// starts. Prints CPU microseconds (user and system, whole process, getrusage)
// per record, the median of the rounds, the bytes of memory per entity, and
// beside it a bare loop that sends one message to each of as many light actors.
// Of the restart before it: the CPU seconds until all shards serve, and the
// bytes of memory per entity while all are away. With a budget below what the
// entities need, the figure includes that they come and go.
#include "bridges/log/embedded_log.hpp"
#include "bridges/log/memory_log.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/base/random.hpp"
#include "runtime/engine/engine.hpp"
#include "runtime/engine/huge_pages.hpp"
#include "runtime/engine/light_actor.hpp"
#include "tests/bench/cpu_seconds.hpp"

#include <boost/describe.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/make_actor.hpp>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

using namespace freehold;
using bench::cpu_seconds;

namespace {

constexpr std::size_t value_bytes = 100;
constexpr std::size_t records_per_request = 4096;

struct parameters {
  std::uint64_t keys = 1'000'000;
  std::uint64_t records = 4'000'000;
  std::uint32_t shards = 4;
  std::uint32_t workers = 1;
  std::uint32_t rounds = 3;
  std::uint64_t unit_kib = 4096;
  std::uint64_t slack_mib = 8;
  std::uint64_t budget_mib = 4096;
  bool direct = true;
  std::string embedded;
};

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
      ctx.publish_raw("outputs", ctx.key(), m.value);
  }
};
BOOST_DESCRIBE_STRUCT(tally::state, (), (count, bytes))

/// What malloc and the engine's own mappings have given out.
double used_bytes() {
  const auto heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd)
         + static_cast<double>(engine::mapped_page_bytes());
}

/// Lets fetches of the source through only once it is opened, so that the
/// measured span begins with everything in place.
/// It also deletes the outputs of earlier units: nobody reads them here, and
/// the memory log would grow by them instead of using its memory again.
class gated_log final : public ports::event_log {
public:
  gated_log(ports::event_log& below, topic_index gated, topic_index outputs,
            std::uint32_t partitions)
      : below_(below), gated_(gated), outputs_(outputs), ends_(partitions, 0) {}

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override {
    return below_.start(layout, listener);
  }
  void fetch(const ports::fetch_request& what) override {
    if (what.source.topic == gated_) {
      const std::lock_guard lock{mutex_};
      if (!open_) {
        held_.push_back(what);
        return;
      }
    }
    below_.fetch(what);
  }
  void open() {
    std::vector<ports::fetch_request> held;
    {
      const std::lock_guard lock{mutex_};
      open_ = true;
      held.swap(held_);
    }
    for (const auto& each : held)
      below_.fetch(each);
  }
  /// Fetches that the log has already are answered.
  void close() {
    const std::lock_guard lock{mutex_};
    open_ = false;
  }
  void cancel_fetch(topic_partition source) override {
    const std::lock_guard lock{mutex_};
    std::erase_if(held_, [&](const auto& f) { return f.source == source; });
    below_.cancel_fetch(source);
  }
  void look_up(std::shared_ptr<ports::lookup> what) override {
    below_.look_up(std::move(what));
  }
  void commit(std::shared_ptr<const ports::commit_unit> unit) override {
    for (std::uint32_t i = 0; i < ends_.size(); ++i)
      below_.truncate({outputs_, partition_index{i}}, next_offset{ends_[i]});
    for (const auto& part : unit->parts)
      for (const auto& each : part->appends)
        if (each.target.topic == outputs_)
          ++ends_[each.target.partition.value()];
    below_.commit(std::move(unit));
  }
  void recover() override { below_.recover(); }
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer) override {
    below_.produce(std::move(what), std::move(answer));
  }
  void truncate(topic_partition target, next_offset before) override {
    below_.truncate(target, before);
  }
  void release(const std::vector<partition_index>& shards) override {
    below_.release(shards);
  }
  void stop() override { below_.stop(); }

private:
  ports::event_log& below_;
  const topic_index gated_;
  const topic_index outputs_;
  std::vector<std::int64_t> ends_;
  std::mutex mutex_;
  bool open_ = false;
  std::vector<ports::fetch_request> held_;
};

struct bench_request final : ports::produce_request {
  std::string bytes;
};

std::string key_of(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "k%09llu",
                static_cast<unsigned long long>(number));
  return text;
}

/// Appends `count` records; the keys in turn, or at random.
void fill(ports::event_log& log, topic_index topic, const parameters& how,
          std::uint64_t count, bool random) {
  random_source chance{42};
  std::mutex mutex;
  std::condition_variable answered;
  std::vector<std::shared_ptr<bench_request>> open(how.shards);
  std::size_t waiting = 0;
  const auto flush = [&](std::shared_ptr<bench_request>& request) {
    if (request == nullptr)
      return;
    std::unique_lock lock{mutex};
    answered.wait(lock, [&] { return waiting < 8; });
    ++waiting;
    lock.unlock();
    log.produce(std::move(request), [&](const ports::produce_result& done) {
      if (done.outcome != ports::commit_outcome::done) {
        std::fprintf(stderr, "%s\n", to_string(done.why).c_str());
        std::exit(1);
      }
      const std::lock_guard held{mutex};
      --waiting;
      answered.notify_all();
    });
    request = nullptr;
  };
  std::array<char, value_bytes> value{};
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string key = key_of(random ? chance.below(how.keys) : i);
    for (std::size_t at = 0; at + 8 <= value.size(); at += 8) {
      const std::uint64_t word = chance.next();
      std::memcpy(value.data() + at, &word, 8);
    }
    const partition_index partition = partition_of(key, how.shards);
    auto& request = open[partition.value()];
    if (request == nullptr) {
      request = std::make_shared<bench_request>();
      request->bytes.reserve(records_per_request * (key.size() + value_bytes));
    }
    const char* at = request->bytes.data() + request->bytes.size();
    request->bytes.append(key).append(value.data(), value.size());
    ports::append made;
    made.target = {topic, partition};
    made.time = timestamp{1};
    made.key = {at, key.size()};
    made.value = {at + key.size(), value_bytes};
    request->appends.push_back(made);
    if (request->appends.size() == records_per_request)
      flush(request);
  }
  for (auto& request : open)
    flush(request);
  std::unique_lock lock{mutex};
  answered.wait(lock, [&] { return waiting == 0; });
}

struct figures {
  double restart_seconds = 0;
  double bytes_away = 0;
  double microseconds = 0;
  double bytes_per_entity = 0;
  double brought = 0; // per record
  engine::counters counted;
};

void must(const result<void>& outcome) {
  if (outcome)
    return;
  std::fprintf(stderr, "engine_bench: %s\n",
               to_string(outcome.error()).c_str());
  std::exit(1);
}

class log_starter final : public ports::log_listener {
public:
  void granted(std::vector<ports::shard_grant>) override {}
  void revoked(std::vector<partition_index>) override {}
  void lost(std::vector<partition_index>) override {}
  void fetched(next_offset, ports::record_batch_ptr) override {}
  void fetch_failed(topic_partition, next_offset, error) override {}
  void looked_up(std::shared_ptr<ports::lookup>, result<void>) override {}
  void committed(ports::commit_result) override {}
  void recovered(std::vector<ports::shard_grant>) override {}
  void broken(error) override {}
};

figures run_once(const parameters& how, std::uint32_t round) {
  application app{"bench"};
  app.entity<tally>();
  app.source({.topic = "in",
              .entity = "tally",
              .default_message = "raw",
              .deduplicate = false});
  app.output({.topic = "outputs"});
  engine::engine_options options;
  options.shard_count = how.shards;
  options.worker_count = how.workers;
  options.direct_delivery = how.direct;
  options.unit_bytes_max = how.unit_kib << 10U;
  options.changelog_slack_bytes = how.slack_mib << 20U;
  options.entity_bytes_max = how.budget_mib << 20U;
  auto plan = engine::application_plan::make(app, options).value();
  const topic_index in = plan->topic("in").value();

  const system_clock time;
  auto storage = std::make_shared<bridges::log::memory_log_storage>();
  const std::string directory =
      how.embedded + "/round-" + std::to_string(round);
  const auto open_log = [&]() -> std::unique_ptr<ports::event_log> {
    if (how.embedded.empty())
      return std::make_unique<bridges::log::memory_log>(storage);
    bridges::log::embedded_log_options where;
    where.directory = directory;
    where.clock = &time;
    auto opened = bridges::log::embedded_log::open(where);
    if (!opened) {
      std::fprintf(stderr, "%s\n", to_string(opened.error()).c_str());
      std::exit(1);
    }
    return std::move(*opened);
  };
  // A first life makes every entity.
  figures result;
  {
    auto log = open_log();
    log_starter nobody;
    must(log->start(plan->layout, nobody));
    fill(*log, in, how, how.keys, false);
    log->stop();
  }
  {
    auto log = open_log();
    auto made = engine::engine::make(plan, {*log, time});
    must((*made)->start());
    must((*made)->wait_until_idle());
    must((*made)->stop(std::chrono::minutes{1}));
  }
  {
    auto log = open_log();
    log_starter nobody;
    must(log->start(plan->layout, nobody));
    fill(*log, in, how, how.keys, false);
    log->stop();
  }
  auto log = open_log();
  gated_log gate{*log, in, plan->topic("outputs").value(), how.shards};
  const double before = used_bytes();
  const double restarted = cpu_seconds();
  auto made = engine::engine::make(plan, {gate, time});
  must((*made)->start());
  const auto wait_for = [&](const auto& condition) {
    while (!condition((*made)->count()))
      static_cast<void>(
          (*made)->wait_for_failure(std::chrono::milliseconds{2}));
  };
  wait_for([&](const auto& now) { return now.entities == how.keys; });
  result.restart_seconds = cpu_seconds() - restarted;
  const auto per_key = [&](double bytes) {
    return bytes / static_cast<double>(how.keys);
  };
  result.bytes_away = per_key(used_bytes() - before);
  gate.open();
  wait_for([&](const auto& now) { return now.taken >= how.keys; });
  result.bytes_per_entity = per_key(used_bytes() - before);
  gate.close();
  fill(*log, in, how, how.records, true);
  // What waited for records gets a batch of them before the clock starts.
  engine::counters warm = (*made)->count();
  do {
    warm = (*made)->count();
    static_cast<void>(
        (*made)->wait_for_failure(std::chrono::milliseconds{500}));
  } while ((*made)->count().taken != warm.taken);
  const double started = cpu_seconds();
  gate.open();
  const std::uint64_t all = how.keys + how.records;
  wait_for([&](const auto& now) { return now.taken >= all; });
  result.counted = (*made)->count();
  const auto measured = static_cast<double>(all - warm.taken);
  result.microseconds = (cpu_seconds() - started) * 1e6 / measured;
  result.brought =
      static_cast<double>(result.counted.brought_back - warm.brought_back)
      / measured;
  must((*made)->stop(std::chrono::minutes{1}));
  return result;
}

// -- the bare loop -----------------------------------------------------------

struct poke {
  std::uint64_t value = 0;
};

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(poke)

namespace {

class bare_actor final : public engine::pinned_actor {
public:
  using pinned_actor::pinned_actor;

protected:
  bool handle(caf::mailbox_element& what) override {
    total_ += what.content().get_as<poke>(0).value;
    return true;
  }

private:
  std::uint64_t total_ = 0;
};

double bare_loop(const parameters& how) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system{config};
  const system_clock time;
  engine::worker home{system, worker_index{0}, time};
  std::vector<caf::strong_actor_ptr> actors;
  caf::actor_config spawn{&home};
  for (std::uint64_t i = 0; i < how.keys; ++i)
    actors.push_back(caf::make_actor<bare_actor, caf::strong_actor_ptr>(
        system.next_actor_id(), system.node(), &system, spawn, home));
  random_source chance{7};
  double seconds = 0;
  home.post([&] {
    // Runs on the worker: sending is a push, as between the engine's actors.
    for (int i = 0; i < 1000; ++i)
      actors[chance.below(actors.size())]->enqueue(
          caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                    poke{1}),
          &home);
  });
  while (home.run_one()) {
  }
  const double started = cpu_seconds();
  for (std::uint64_t sent = 0; sent < how.records; sent += 1000) {
    home.post([&] {
      for (int i = 0; i < 1000; ++i)
        actors[chance.below(actors.size())]->enqueue(
            caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                      poke{1}),
            &home);
    });
    while (home.run_one()) {
    }
  }
  seconds = cpu_seconds() - started;
  actors.clear();
  return seconds * 1e6 / static_cast<double>(how.records);
}

} // namespace

int main(int argc, char** argv) {
  parameters how;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto number = [&] {
      return ++i < argc ? std::strtoull(argv[i], nullptr, 10) : 0ULL;
    };
    if (name == "--keys")
      how.keys = number();
    else if (name == "--records")
      how.records = number();
    else if (name == "--shards")
      how.shards = static_cast<std::uint32_t>(number());
    else if (name == "--workers")
      how.workers = static_cast<std::uint32_t>(number());
    else if (name == "--unit-kib")
      how.unit_kib = number();
    else if (name == "--slack-mib")
      how.slack_mib = number();
    else if (name == "--budget-mib")
      how.budget_mib = number();
    else if (name == "--rounds")
      how.rounds = static_cast<std::uint32_t>(number());
    else if (name == "--mailboxes")
      how.direct = false;
    else if (name == "--embedded" && i + 1 < argc)
      how.embedded = argv[++i];
    else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  std::printf("keys %llu, records %llu, shards %u, workers %u, %s, %s\n",
              static_cast<unsigned long long>(how.keys),
              static_cast<unsigned long long>(how.records), how.shards,
              how.workers, how.direct ? "direct delivery" : "mailboxes",
              how.embedded.empty() ? "in-memory log" : "embedded log");
  std::vector<double> costs;
  for (std::uint32_t round = 0; round < how.rounds; ++round) {
    const figures found = run_once(how, round);
    costs.push_back(found.microseconds);
    std::printf("  round %u: ready after %.3f CPU s with %.1f bytes per entity "
                "away\n",
                round + 1, found.restart_seconds, found.bytes_away);
    std::printf(
        "  round %u: %.3f CPU us per record, %.0f bytes per entity, "
        "%.2f brought back per record, "
        "%llu units, compacted %.1f MB of %.1f MB written, changelog "
        "%.1f MB for %.1f MB live\n",
        round + 1, found.microseconds, found.bytes_per_entity, found.brought,
        static_cast<unsigned long long>(found.counted.units),
        static_cast<double>(found.counted.compacted_bytes) / 1e6,
        static_cast<double>(found.counted.changelog_bytes_written) / 1e6,
        static_cast<double>(found.counted.changelog_bytes) / 1e6,
        static_cast<double>(found.counted.changelog_live_bytes) / 1e6);
  }
  std::sort(costs.begin(), costs.end());
  std::printf("engine: median %.3f CPU us per record (%.3f to %.3f)\n",
              costs[costs.size() / 2], costs.front(), costs.back());
  if (how.embedded.empty())
    std::printf("bare light-actor loop: %.3f CPU us per message\n",
                bare_loop(how));
  return 0;
}
