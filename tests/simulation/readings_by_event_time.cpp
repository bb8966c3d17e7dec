#include "tests/simulation/readings_by_event_time.hpp"

#include "runtime/analytics/windows.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/base/rfc3339.hpp"
#include "runtime/codec/describe.hpp"
#include "tests/testkit/simulation/checks.hpp"

#include <algorithm>
#include <tuple>

namespace freehold::simulation {

struct hour_sum {
  std::int64_t count = 0;
  std::int64_t total = 0;
  void merge(const hour_sum& more) noexcept {
    count += more.count;
    total += more.total;
  }
  friend bool operator==(const hour_sum&, const hour_sum&) = default;
};
BOOST_DESCRIBE_STRUCT(hour_sum, (), (count, total))

namespace {

using analytics::event_window;
using namespace std::chrono_literals;

constexpr std::uint64_t meter_count = 40;
constexpr std::uint64_t area_count = 4;

/// 2020-01-01; long before any clock here, so that no reading lies ahead of it.
constexpr std::int64_t first_reading_at = 1'577'836'800'000;
/// From one command to the next, in event time.
constexpr std::chrono::milliseconds pace = 7min;
constexpr analytics::window_shape hours =
    analytics::window_shape::tumbling(1h, 30min, 1h);
constexpr std::chrono::milliseconds step = 10min;

// -- the application ---------------------------------------------------------

struct reading {
  static constexpr std::string_view type = "Reading";
  std::string id;
  std::string at;
  std::string area;
  std::int64_t value = 0;
  std::int32_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(reading, (), (id, at, area, value, failures))

struct read_there {
  static constexpr std::string_view type = "ReadThere";
  std::string id;
  std::int64_t at = 0;
  std::int64_t value = 0;
  std::int32_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(read_there, (), (id, at, value, failures))

struct hour_over {
  static constexpr std::string_view type = "HourOver";
};
BOOST_DESCRIBE_STRUCT(hour_over, (), ())

struct hour_total {
  static constexpr std::string_view type = "HourTotal";
  std::int64_t start = 0;
  std::int64_t count = 0;
  std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(hour_total, (), (start, count, total))

struct left_out {
  static constexpr std::string_view type = "LeftOut";
  std::string id;
};
BOOST_DESCRIBE_STRUCT(left_out, (), (id))

void fail_as_told(std::int32_t failures, std::uint32_t attempt) {
  if (attempt <= static_cast<std::uint32_t>(failures))
    throw transient_failure("fails as told");
}

struct meter {
  struct state {
    static constexpr std::string_view type = "meter-state";
    std::int64_t readings = 0;
  };
  static constexpr entity_traits traits{.type = "meter"};
  using messages = message_list<reading>;

  static void handle(state& s, const reading& m, context<meter>& ctx) {
    ++s.readings;
    ctx.tell("area", m.area,
             read_there{m.id, parse_rfc3339(m.at).value().value(), m.value,
                        m.failures / 2});
    fail_as_told(m.failures % 2, ctx.attempt());
  }
};
BOOST_DESCRIBE_STRUCT(meter::state, (), (readings))

struct area {
  struct state {
    static constexpr std::string_view type = "area-state";
    analytics::windows<hour_sum> windows;
  };
  static constexpr entity_traits traits{.type = "area"};
  using messages = message_list<read_there, hour_over>;

  static void handle(state& s, const read_there& m, context<area>& ctx) {
    fail_as_told(m.failures, ctx.attempt());
    const timestamp at{m.at};
    if (s.windows.judge(hours, at, ctx.source_watermark())
        != analytics::arrival::in_time)
      return ctx.publish("left-out", left_out{m.id});
    if (const auto due = s.windows.timer_wanted(hours, at))
      ctx.schedule_at_watermark("hour", *due, hour_over{});
    s.windows.for_each_closed(hours, at, [&](const event_window& which) {
      ctx.publish("hours", hour_total{which.start.value(), -1, -1});
    });
    s.windows.add(hours, at, {1, m.value});
  }
  static void handle(state& s, const hour_over&, context<area>& ctx) {
    s.windows.for_each_due(
        hours, ctx.watermark(),
        [&](const event_window& which, const hour_sum& sum) {
          ctx.publish("hours",
                      hour_total{which.start.value(), sum.count, sum.total});
        });
    if (const auto next = s.windows.timer_after(hours, ctx.watermark()))
      ctx.schedule_at_watermark("hour", *next, hour_over{});
    s.windows.close(hours, ctx.watermark());
  }
};
BOOST_DESCRIBE_STRUCT(area::state, (), (windows))

application meters() {
  application app{"meters"};
  app.entity<meter>().entity<area>();
  app.source({.topic = "readings",
              .entity = "meter",
              .default_message = "Reading",
              .event_time_field = "at"});
  app.output({.topic = "hours"}).output({.topic = "left-out"});
  // Nobody is idle: results wait for the slowest, and are complete.
  app.event_time({.step = step, .drift_max = 3h, .idle_after = 24h});
  return app;
}

// -- the commands ------------------------------------------------------------

command draw_reading(choices& chance, const std::vector<command>& before) {
  reading made;
  made.id = "r" + std::to_string(before.size());
  std::int64_t at = first_reading_at
                    + static_cast<std::int64_t>(before.size()) * pace.count();
  // Most a little out of order, some by more than the grace.
  const auto back = chance.one_of<std::uint64_t>({1, 5, 20, 20, 40, 120});
  at -= static_cast<std::int64_t>(chance.below(back * 60'000));
  made.at = to_rfc3339(timestamp{at});
  made.area = "a" + std::to_string(chance.below(area_count));
  made.value = static_cast<std::int64_t>(chance.below(1000));
  if (chance.one_in(10))
    made.failures = static_cast<std::int32_t>(1 + chance.below(3));
  command sent;
  sent.topic = "readings";
  sent.key = "m" + std::to_string(chance.below(meter_count));
  codec::to_json(sent.value, made);
  return sent;
}

// -- the batch ---------------------------------------------------------------

using area_and_hour = std::pair<std::string, std::int64_t>;

struct batch {
  std::map<area_and_hour, hour_sum> sums;
  std::vector<std::string> late;
  /// How far the slowest partition has come.
  std::int64_t watermark = 0;
};

/// From what was sent alone: a partition's records lie in that order.
batch batch_of(const cut& all) {
  const std::uint32_t shards = all.plan()->options.shard_count;
  std::vector<std::int64_t> read_to(shards, before_all_time.value());
  batch made;
  for (const command& each : all.sent()) {
    const auto said = codec::from_json<reading>(each.value).value();
    const std::int64_t at = parse_rfc3339(said.at).value().value();
    auto& watermark = read_to[partition_of(each.key, shards).value()];
    watermark = std::max(watermark, at);
    if (analytics::is_late(timestamp{at}, timestamp{watermark}, hours.grace))
      made.late.push_back(said.id);
    else
      made.sums[{said.area, analytics::floor_to(at, hours.length)}].merge(
          {1, said.value});
  }
  // What shards say of it comes in whole steps.
  const std::int64_t least = *std::min_element(read_to.begin(), read_to.end());
  made.watermark = std::max(least, first_reading_at - hours.length.count());
  made.watermark = analytics::floor_to(made.watermark, step);
  return made;
}

std::string text_of(const area_and_hour& which) {
  return which.first + " at " + to_rfc3339(timestamp{which.second});
}

std::uint64_t compare_with_batch(const cut& all) {
  if (getenv("DBG")) {
    printf("shards %u\n", all.plan()->options.shard_count);
    for (auto t : {"readings", "inbox", "hours", "left-out"})
      for (const auto& r : all.records(t)) {
        printf("%s/%u/%ld key %s", t, r.partition, r.offset, r.key.c_str());
        for (auto& [n, v] : r.headers)
          printf(" %s=%s", n.c_str(), v.c_str());
        std::string v = r.value;
        for (auto& c : v)
          if (c < 32 || c > 126)
            c = '.';
        printf(" : %s\n", v.c_str());
      }
  }
  batch expected = batch_of(all);
  std::uint64_t compared = 0;
  for (const auto& each : all.records("hours")) {
    const auto said = codec::from_json<hour_total>(each.value).value();
    const area_and_hour which{each.key, said.start};
    require(said.count >= 0, "was closed too early: " + text_of(which));
    const auto sum = expected.sums.find(which);
    require(sum != expected.sums.end(),
            "was published twice, or has no reading: " + text_of(which));
    require(sum->second == hour_sum{said.count, said.total},
            text_of(which) + " was published with " + std::to_string(said.count)
                + " readings, and has " + std::to_string(sum->second.count));
    expected.sums.erase(sum);
    ++compared;
  }
  const auto areas = all.states<area>();
  for (const auto& [which, sum] : expected.sums) {
    require(which.second + (hours.length + hours.grace).count()
                > expected.watermark,
            "should be closed: " + text_of(which));
    const auto where = areas.find(which.first);
    require(where != areas.end()
                && where->second.windows.sum_of(
                       {timestamp{which.second},
                        timestamp{which.second + hours.length.count()}})
                       == sum,
            "is open and has something else than the batch: " + text_of(which));
    ++compared;
  }
  std::vector<std::string> late;
  for (const auto& each : all.records("left-out"))
    late.push_back(codec::from_json<left_out>(each.value).value().id);
  std::sort(late.begin(), late.end());
  std::sort(expected.late.begin(), expected.late.end());
  require(late == expected.late,
          std::to_string(late.size()) + " readings were left out, and "
              + std::to_string(expected.late.size()) + " were late");
  return compared + late.size();
}

} // namespace

campaign readings_by_event_time(std::uint32_t command_count) {
  return campaign{meters()}
      .commands(command_count, draw_reading)
      .at_rest("every window equals the batch", compare_with_batch)
      .sometimes("a window was published",
                 [](const cut& all) { return !all.records("hours").empty(); })
      .sometimes("a reading was late", [](const cut& all) {
        return !all.records("left-out").empty();
      });
}

} // namespace freehold::simulation
