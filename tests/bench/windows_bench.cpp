// What windows cost per record above the engine: the same entities on the same
// in-memory log, once counting only, once with windows that close by event time
// and are published. Messages are raw bytes, so that no decoding is in it.
//
//   windows_bench [--records N] [--rounds N] [--keys N] [--shape NAME]
//
// Records lie 51 years apart in all, evenly, in four partitions, a tenth of a
// window's grace out of order. For 70 and 100,000 keys, tumbling windows of
// 1, 30 and 300 days, and hopping ones of 30 days every day, with few keys also
// of 360; or only for those keys, or shapes whose name begins so. Prints the
// CPU microseconds (user and system, whole process) per record of both, medians
// of the rounds in turn, and the difference per record and per result,
// whichever are more: hopping windows of many keys publish thirty results for
// one record.
#include "actors/sale_totals.hpp"
#include "bridges/log/memory_log.hpp"
#include "runtime/analytics/windows.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/base/random.hpp"
#include "runtime/engine/engine.hpp"
#include "tests/bench/cpu_seconds.hpp"

#include <boost/describe.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace freehold;
using analytics::window_shape;
using bench::cpu_seconds;
using market::sale_totals;

namespace {

constexpr std::int64_t day = 86'400'000;
constexpr std::int64_t span = 51 * 365 * day;
constexpr std::uint32_t shards = 4;
constexpr std::chrono::milliseconds grace = std::chrono::days{7};

struct close_them {
  static constexpr std::string_view type = "CloseThem";
};
BOOST_DESCRIBE_STRUCT(close_them, (), ())

std::int64_t cents_of(const raw_message& m) {
  std::int64_t cents = 0;
  std::memcpy(&cents, m.value.data(), 8);
  return cents;
}

struct counting {
  struct state {
    static constexpr std::string_view type = "CountingState";
    sale_totals all;
  };
  static constexpr entity_traits traits{.type = "counting"};
  using messages = message_list<raw_message>;
  static void handle(state& s, const raw_message& m, context<counting>&) {
    s.all.merge(sale_totals::of(cents_of(m)));
  }
};
BOOST_DESCRIBE_STRUCT(counting::state, (), (all))

struct sale_added {
  static constexpr std::string_view type = "SaleAdded";
  timestamp at;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(sale_added, (), (at, cents))

struct closed {
  static constexpr std::string_view type = "Closed";
  timestamp watermark;
};
BOOST_DESCRIBE_STRUCT(closed, (), (watermark))

window_shape shape;

struct windowing {
  struct state {
    static constexpr std::string_view type = "WindowingState";
    analytics::windows<sale_totals> sums;
    std::uint64_t late = 0;
  };
  static constexpr entity_traits traits{.type = "windowing"};
  using messages = message_list<raw_message, close_them>;
  static void handle(const state& s, const raw_message& m,
                     context<windowing>& ctx) {
    const timestamp at = ctx.message_time();
    if (s.sums.judge(shape, at, ctx.source_watermark())
        != analytics::arrival::in_time)
      throw permanent_failure("late");
    if (const auto due = s.sums.timer_wanted(shape, at))
      ctx.schedule_at_watermark("close", *due, close_them{});
    ctx.emit(sale_added{at, cents_of(m)});
  }
  static void handle(const state& s, const close_them&,
                     context<windowing>& ctx) {
    s.sums.for_each_due(
        shape, ctx.watermark(),
        [&](const analytics::event_window& which, const sale_totals& sums) {
          char value[40];
          const std::int64_t start = which.start.value();
          std::memcpy(value, &start, 8);
          std::memcpy(value + 8, &sums, 32);
          ctx.publish_raw("sums", ctx.key(), {value, sizeof value});
        });
    if (const auto due = s.sums.timer_after(shape, ctx.watermark()))
      ctx.schedule_at_watermark("close", *due, close_them{});
    ctx.emit(closed{ctx.watermark()});
  }
  static void apply(state& s, const sale_added& e) noexcept {
    s.sums.add(shape, e.at, sale_totals::of(e.cents));
  }
  static void apply(state& s, const closed& e) noexcept {
    s.sums.close(shape, e.watermark);
  }
};
BOOST_DESCRIBE_STRUCT(windowing::state, (), (sums, late))

struct bench_request final : ports::produce_request {
  std::string bytes;
};

void fill(ports::event_log& log, topic_index topic, std::uint64_t records,
          std::uint64_t keys) {
  random_source chance{7};
  for (std::uint64_t from = 0; from < records;) {
    auto request = std::make_shared<bench_request>();
    const std::uint64_t to = std::min<std::uint64_t>(from + 4'096, records);
    request->bytes.reserve((to - from) * 20);
    for (; from < to; ++from) {
      const std::string key = std::to_string(chance.below(keys));
      const auto cents = static_cast<std::int64_t>(chance.below(1'000'000));
      const std::size_t at = request->bytes.size();
      request->bytes.append(key);
      char value[8];
      std::memcpy(value, &cents, 8);
      request->bytes.append(value, 8);
      ports::append made;
      made.target = {topic, partition_of(key, shards)};
      const auto evenly = static_cast<std::int64_t>(
          static_cast<double>(span) * static_cast<double>(from)
          / static_cast<double>(records));
      made.time =
          timestamp{evenly
                    - static_cast<std::int64_t>(chance.below(
                        static_cast<std::uint64_t>(grace.count() / 10)))};
      made.key = {request->bytes.data() + at, key.size()};
      made.value = {request->bytes.data() + at + key.size(), 8};
      request->appends.push_back(made);
    }
    std::promise<void> done;
    log.produce(std::move(request), [&](const ports::produce_result& outcome) {
      if (outcome.outcome != ports::commit_outcome::done)
        std::exit(1);
      done.set_value();
    });
    done.get_future().wait();
  }
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

void must(const result<void>& outcome) {
  if (outcome)
    return;
  std::fprintf(stderr, "windows_bench: %s\n",
               to_string(outcome.error()).c_str());
  std::exit(1);
}

struct run {
  /// CPU microseconds per record.
  double microseconds = 0;
  /// Published, per record.
  double results = 0;
};

template <class Entity>
run run_once(std::uint64_t records, std::uint64_t keys) {
  application app{"bench"};
  app.entity<Entity>();
  app.source({.topic = "in",
              .entity = std::string{Entity::traits.type},
              .default_message = "raw",
              .deduplicate = false});
  app.output({.topic = "sums"});
  app.event_time({.step = std::chrono::days{1}});
  engine::engine_options options;
  options.shard_count = shards;
  options.worker_count = 1;
  auto plan = engine::application_plan::make(app, options).value();
  const system_clock time;
  auto storage = std::make_shared<bridges::log::memory_log_storage>();
  {
    bridges::log::memory_log log{storage};
    log_starter nobody;
    must(log.start(plan->layout, nobody));
    fill(log, plan->topic("in").value(), records, keys);
    log.stop();
  }
  bridges::log::memory_log log{storage};
  auto made = engine::engine::make(plan, {log, time});
  const double started = cpu_seconds();
  must((*made)->start());
  must((*made)->wait_until_idle());
  const double spent = cpu_seconds() - started;
  const auto counted = (*made)->count();
  must((*made)->stop(std::chrono::minutes{1}));
  if (counted.taken != records || counted.dead_lettered != 0)
    must(error{errc::invalid_argument, "not every record counted"});
  return {1e6 * spent / static_cast<double>(records),
          static_cast<double>(counted.published)
              / static_cast<double>(records)};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

} // namespace

int main(int argc, char** argv) {
  std::uint64_t records = 1'000'000;
  int rounds = 3;
  std::vector<std::uint64_t> key_counts{70, 100'000};
  std::string_view wanted;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option{argv[i]};
    if (option == "--records")
      records = std::strtoull(argv[i + 1], nullptr, 10);
    else if (option == "--rounds")
      rounds = std::atoi(argv[i + 1]);
    else if (option == "--keys")
      key_counts = {std::strtoull(argv[i + 1], nullptr, 10)};
    else if (option == "--shape")
      wanted = argv[i + 1];
    else
      return 2;
  }
  spdlog::set_level(spdlog::level::warn);
  struct kind {
    std::string_view name;
    window_shape shape;
  };
  using std::chrono::days;
  for (const std::uint64_t keys : key_counts)
    for (const kind& each :
         {kind{"tumbling 1 d", window_shape::tumbling(days{1}, grace, days{1})},
          kind{"tumbling 30 d",
               window_shape::tumbling(days{30}, grace, days{30})},
          kind{"tumbling 300 d",
               window_shape::tumbling(days{300}, grace, days{300})},
          kind{"hopping 360 d / 1 d",
               window_shape::hopping(days{360}, days{1}, grace, days{1})},
          kind{"hopping 30 d / 1 d",
               window_shape::hopping(days{30}, days{1}, grace, days{1})}}) {
      const bool is_too_much = keys > 1'000 && each.shape.length > days{300};
      if (is_too_much || !each.name.starts_with(wanted))
        continue;
      shape = each.shape;
      std::vector<double> with;
      std::vector<double> without;
      double results = 0;
      for (int i = 0; i < rounds; ++i) {
        without.push_back(run_once<counting>(records, keys).microseconds);
        const run closing = run_once<windowing>(records, keys);
        with.push_back(closing.microseconds);
        results = closing.results;
      }
      const double above = median(with) - median(without);
      std::printf("%7llu keys, %-19s counting %.3f, windows %.3f: %.3f us per "
                  "record above, %.2f results per record: %.3f us for one\n",
                  static_cast<unsigned long long>(keys), each.name.data(),
                  median(without), median(with), above, results,
                  above / std::max(results, 1.0));
      std::fflush(stdout);
    }
}
