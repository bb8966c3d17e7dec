// Event time across the inbox: watermarks, timers that go by them, and that
// nothing of it depends on partitions, orders or failures. Halls are told what
// sensors measured and publish the sum of each hour when it is complete.
#include "runtime/base/random.hpp"
#include "runtime/base/rfc3339.hpp"
#include "tests/testkit/engine_world.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace freehold;
using namespace std::chrono_literals;
using bridges::log::planned_outcome;
using testkit::engine_world;

namespace {

constexpr std::int64_t hour = 3'600'000;
constexpr std::int64_t grace = 2 * hour;

std::int64_t hour_of(std::int64_t at) { return at / hour * hour; }

struct measure {
  static constexpr std::string_view type = "Measure";
  std::string hall;
  std::int64_t value = 0;
  std::optional<std::int32_t> failures{};
  /// The hall's, which then says what it sees of event time.
  std::optional<std::int32_t> hall_failures{};
};
BOOST_DESCRIBE_STRUCT(measure, (), (hall, value, failures, hall_failures))

struct measured {
  static constexpr std::string_view type = "Measured";
  std::int64_t at = 0;
  std::int64_t value = 0;
  std::optional<std::int32_t> failures{};
};
BOOST_DESCRIBE_STRUCT(measured, (), (at, value, failures))

struct hour_over {
  static constexpr std::string_view type = "HourOver";
  std::int64_t start = 0;
};
BOOST_DESCRIBE_STRUCT(hour_over, (), (start))

struct hour_sum {
  static constexpr std::string_view type = "HourSum";
  std::int64_t start = 0;
  std::int64_t sum = 0;
};
BOOST_DESCRIBE_STRUCT(hour_sum, (), (start, sum))

struct seen_watermark {
  static constexpr std::string_view type = "SeenWatermark";
  std::int64_t at = 0;
};
BOOST_DESCRIBE_STRUCT(seen_watermark, (), (at))

/// Tells its hall.
struct sensor {
  struct state {
    static constexpr std::string_view type = "SensorState";
    std::int64_t count = 0;
  };
  static constexpr entity_traits traits{.type = "sensor"};
  using messages = message_list<measure>;
  static void handle(state& s, const measure& m, context<sensor>& ctx) {
    if (m.failures && ctx.attempt() <= static_cast<std::uint32_t>(*m.failures))
      throw transient_failure("told to fail");
    ++s.count;
    ctx.tell("hall", m.hall,
             measured{ctx.message_time().value(), m.value, m.hall_failures});
  }
};
BOOST_DESCRIBE_STRUCT(sensor::state, (), (count))

struct hall {
  struct state {
    static constexpr std::string_view type = "HallState";
    std::map<std::int64_t, std::int64_t> sums;
    std::int64_t late = 0;
  };
  static constexpr entity_traits traits{.type = "hall"};
  using messages = message_list<measured, hour_over>;
  static void handle(state& s, const measured& m, context<hall>& ctx) {
    if (m.failures) {
      if (ctx.attempt() <= static_cast<std::uint32_t>(*m.failures))
        throw transient_failure("told to fail");
      ctx.publish("seen", seen_watermark{ctx.watermark().value()});
    }
    if (ctx.source_watermark().value() > m.at + grace) {
      ++s.late;
      return;
    }
    const std::int64_t start = hour_of(m.at);
    s.sums[start] += m.value;
    ctx.schedule_at_watermark(std::to_string(start),
                              timestamp{start + hour + grace},
                              hour_over{start});
  }
  static void handle(state& s, const hour_over& m, context<hall>& ctx) {
    if (ctx.watermark().value() < m.start + hour + grace)
      throw permanent_failure("the hour is not over");
    ctx.publish("sums", hour_sum{m.start, s.sums[m.start]});
  }
};
BOOST_DESCRIBE_STRUCT(hall::state, (), (sums, late))

application measuring(std::chrono::milliseconds drift_max = 1000h,
                      std::string event_time_field = {}) {
  application app{"measuring"};
  app.entity<sensor>().entity<hall>();
  app.source({.topic = "measures",
              .entity = "sensor",
              .default_message = "Measure",
              .event_time_field = std::move(event_time_field)});
  app.output({.topic = "sums"}).output({.topic = "seen"});
  app.event_time(
      {.step = 1h, .ahead_max = 24h, .drift_max = drift_max, .idle_after = 5s});
  return app;
}

engine::engine_options some_shards(std::uint32_t count) {
  engine::engine_options options;
  options.shard_count = count;
  options.worker_count = 2;
  options.direct_delivery = GENERATE(true, false);
  return options;
}

std::string json(const measure& what) {
  std::string text;
  codec::to_json(text, what);
  return text;
}

/// The same as others write it, with the time in the body.
std::string json_at(std::int64_t at, const measure& what) {
  return json(what).insert(1, R"("happened":")" + to_rfc3339(timestamp{at})
                                  + R"(",)");
}

/// Two keys whose partitions differ.
std::pair<std::string, std::string> sensors_apart(std::uint32_t shards) {
  const std::string first = "s0";
  for (int i = 1;; ++i) {
    const std::string other = "s" + std::to_string(i);
    if (partition_of(other, shards) != partition_of(first, shards))
      return {first, other};
  }
}

/// Everything published, by hall and hour; an hour twice is a failure.
std::map<std::pair<std::string, std::int64_t>, std::int64_t>
sums_of(engine_world& world) {
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> sums;
  for (const auto& each : world.read("sums")) {
    const auto sum = codec::from_json<hour_sum>(each.value).value();
    REQUIRE(sums.emplace(std::pair{each.key, sum.start}, sum.sum).second);
  }
  return sums;
}

} // namespace

TEST_CASE("every hour is published once, complete, for any number of "
          "partitions, any order inside the grace and any failure",
          "[runtime][engine][event-time]") {
  const std::uint32_t shards = GENERATE(1U, 3U, 8U);
  auto options = some_shards(shards);
  options.fetch_bytes = 2'000; // many turns
  const std::uint64_t seed = GENERATE(range(1, 6));
  random_source random{seed};
  struct sent {
    std::int64_t arrival;
    std::int64_t at;
    std::string sensor;
    std::string hall;
    std::int64_t value;
  };
  std::vector<sent> all;
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> expected;
  engine_world world{measuring(), options};
  const std::int64_t begin = hour_of(world.time.now().value()) - 300 * hour;
  for (int i = 0; i < 600; ++i) {
    const std::int64_t at =
        begin + static_cast<std::int64_t>(random.below(200 * hour));
    const auto value = static_cast<std::int64_t>(random.below(1'000));
    const std::string hall = "h" + std::to_string(random.below(3));
    all.push_back({at + static_cast<std::int64_t>(random.below(grace)), at,
                   "s" + std::to_string(random.below(20)), hall, value});
    expected[{hall, hour_of(at)}] += value;
  }
  std::sort(all.begin(), all.end(),
            [](const sent& a, const sent& b) { return a.arrival < b.arrival; });
  REQUIRE(world.start());
  for (std::size_t i = 0; i < all.size(); ++i) {
    measure what{all[i].hall, all[i].value, {}};
    if (random.below(50) == 0)
      what.failures = 1 + static_cast<std::int32_t>(random.below(2));
    world.send_dated(timestamp{all[i].at}, "measures", all[i].sensor,
                     json(what));
    switch (random.below(60)) {
    case 0:
      world.run_ready();
      break;
    case 1:
      world.pass(100ms);
      break;
    case 2:
      REQUIRE(world.restart());
      break;
    case 3:
      world.log().plan_commits(static_cast<planned_outcome>(random.below(4)),
                               1);
      world.pass(200ms);
      break;
    default:
      break;
    }
  }
  world.settle();
  world.host().close_windows();
  world.settle();
  CHECK(sums_of(world) == expected);
  for (const char* const each : {"h0", "h1", "h2"})
    CHECK(world.state_of("hall", each).find("\"late\":0") != std::string::npos);
}

TEST_CASE("a quiet partition does not hold results back, a slow one does",
          "[runtime][engine][event-time]") {
  const auto options = some_shards(4);
  const auto [first, other] = sensors_apart(4);
  engine_world world{measuring(), options};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  world.send_dated(timestamp{now - 10 * hour}, "measures", first,
                   json({"h", 1, {}}));
  world.send_dated(timestamp{now}, "measures", first, json({"h", 2, {}}));
  // This one is slow: its first message fails and is tried again much later,
  // and until then nobody knows what it will tell the hall.
  world.send_dated(timestamp{now - 9 * hour}, "measures", other,
                   json({"h", 4, 2}));
  world.pass(3s);
  CHECK(world.read("sums").empty());
  world.pass(5s);
  CHECK(world.count().retried == 2);
  // Two partitions never had a record: quiet.
  world.pass(6s);
  CHECK(sums_of(world)
        == std::map<std::pair<std::string, std::int64_t>, std::int64_t>{
            {{"h", now - 10 * hour}, 1}, {{"h", now - 9 * hour}, 4}});
}

TEST_CASE("a partition that has a backlog holds results back until it is read",
          "[runtime][engine][event-time]") {
  auto options = some_shards(2);
  const auto [first, other] = sensors_apart(2);
  engine_world world{measuring(), options};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  world.send_dated(timestamp{now - 8 * hour}, "measures", first,
                   json({"h", 1, {}}));
  world.send_dated(timestamp{now}, "measures", first, json({"h", 2, {}}));
  world.send_dated(timestamp{now - 8 * hour}, "measures", other,
                   json({"h", 4, {}}));
  world.pass(1s);
  CHECK(world.read("sums").empty()); // it may bring more of that hour
  world.send_dated(timestamp{now - hour}, "measures", other,
                   json({"h", 8, {}}));
  world.pass(1s);
  CHECK(sums_of(world)
        == std::map<std::pair<std::string, std::int64_t>, std::int64_t>{
            {{"h", now - 8 * hour}, 5}});
}

TEST_CASE("a message that waits sees event time as it was when it was taken, "
          "because what waits behind it may be older than what came since",
          "[runtime][engine][event-time]") {
  const bool restarts = GENERATE(false, true);
  engine_world world{measuring(), some_shards(1)};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  const auto send = [&](std::int64_t at, std::optional<std::int32_t> failures) {
    world.send_dated(timestamp{at}, "measures", "s",
                     json({"h", 1, {}, failures}));
    world.pass(300ms);
  };
  send(now - 5 * hour, {});
  send(now - 4 * hour, 1); // fails, and is tried again later
  send(now, 0);            // waits behind it
  send(now + hour, {});
  if (restarts)
    REQUIRE(world.restart());
  CHECK(world.read("seen").empty());
  world.settle();
  std::vector<std::int64_t> seen;
  for (const auto& each : world.read("seen"))
    seen.push_back(codec::from_json<seen_watermark>(each.value)->at);
  CHECK(seen == std::vector{now - 5 * hour, now - 4 * hour});
}

TEST_CASE("a source far ahead of the others waits until they follow",
          "[runtime][engine][event-time]") {
  auto options = some_shards(2);
  options.commit_interval = 20ms;
  const auto [first, other] = sensors_apart(2);
  engine_world world{measuring(10h), options};
  REQUIRE(world.start());
  const std::int64_t begin = hour_of(world.time.now().value()) - 200 * hour;
  // Both are known; then one has a message that has to wait for 6 s.
  world.send_dated(timestamp{begin}, "measures", first, json({"h", 1, {}}));
  world.send_dated(timestamp{begin}, "measures", other, json({"h", 1, {}}));
  world.pass(60ms); // not so long that they rest
  world.send_dated(timestamp{begin}, "measures", other, json({"h", 1, 2}));
  for (int i = 1; i <= 100; ++i) {
    world.send_dated(timestamp{begin + i * hour}, "measures", first,
                     json({"h", 1, {}}));
    world.send_dated(timestamp{begin + i * hour}, "measures", other,
                     json({"h", 1, {}}));
  }
  world.pass(1s);
  // Up to the record that is more than 10 hours ahead, and no further.
  CHECK(world.state_of("sensor", first) == R"({"count":12})");
  world.pass(10s);
  CHECK(world.state_of("sensor", first) == R"({"count":101})");
  world.settle();
  world.host().close_windows();
  world.settle();
  std::int64_t sum = 0;
  for (const auto& [which, value] : sums_of(world))
    sum += value;
  CHECK(sum == 203);
}

TEST_CASE("one clock far ahead closes nobody's hours",
          "[runtime][engine][event-time]") {
  const auto options = some_shards(1);
  engine_world world{measuring(), options};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  world.send_dated(timestamp{now}, "measures", "s", json({"h", 1, {}}));
  const auto ahead = [&](std::int64_t by) {
    world.send_dated(timestamp{world.time.now().value() + by}, "measures", "s",
                     json({"h", 2, {}}));
    world.run_ready(); // taken before the clock moves
    world.pass(1s);
  };
  ahead(24 * hour + 1);
  CHECK(world.read("sums").empty());
  world.send_dated(timestamp{now}, "measures", "s", json({"h", 4, {}}));
  world.pass(1s);
  CHECK(world.state_of("hall", "h").find("\"late\":0") != std::string::npos);
  ahead(24 * hour);
  CHECK(sums_of(world).at({"h", now}) == 5);
}

TEST_CASE("a record is late by what was read before it from its own partition",
          "[runtime][engine][event-time]") {
  const auto options = some_shards(2);
  const auto [first, other] = sensors_apart(2);
  engine_world world{measuring(), options};
  REQUIRE(world.start());
  const std::int64_t now = world.time.now().value();
  world.send_dated(timestamp{now}, "measures", first, json({"h", 1, {}}));
  world.send_dated(timestamp{now - grace}, "measures", first,
                   json({"h", 2, {}}));
  world.send_dated(timestamp{now - grace - 1}, "measures", first,
                   json({"h", 4, {}}));
  world.send_dated(timestamp{now - grace - 1}, "measures", other,
                   json({"h", 8, {}}));
  world.settle();
  world.host().close_windows();
  world.settle();
  std::int64_t sum = 0;
  for (const auto& [which, value] : sums_of(world))
    sum += value;
  CHECK(sum == 11);
  CHECK(world.state_of("hall", "h").find("\"late\":1") != std::string::npos);
}

TEST_CASE("closing what is open leaves the watermark where it was",
          "[runtime][engine][event-time]") {
  const auto options = some_shards(1);
  engine_world world{measuring(), options};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  world.send_dated(timestamp{now}, "measures", "s", json({"h", 1, {}}));
  world.settle();
  CHECK(world.read("sums").empty());
  world.host().close_windows();
  world.settle();
  CHECK(sums_of(world).at({"h", now}) == 1);
  REQUIRE(world.restart());
  world.send_dated(timestamp{now - grace}, "measures", "s", json({"h", 2, {}}));
  world.settle();
  CHECK(world.count().timers == 1);
  world.host().close_windows();
  world.settle();
  CHECK(sums_of(world).at({"h", now - grace}) == 2);
}

TEST_CASE("an application that measures no event time sets no timers by it",
          "[runtime][engine][event-time]") {
  auto app = application{"measuring"};
  app.entity<sensor>().entity<hall>();
  app.source(
      {.topic = "measures", .entity = "sensor", .default_message = "Measure"});
  app.output({.topic = "sums"});
  engine_world world{app, some_shards(1)};
  REQUIRE(world.start());
  world.send("measures", "s", json({"h", 1, {}}));
  world.settle();
  const auto dead = world.read("dead-letter-events");
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].headers.at("dlq_error").find("application::event_time")
        != std::string::npos);
}

TEST_CASE("a source's field for event time takes the place of the record's "
          "own time, also for what waits",
          "[runtime][engine][event-time]") {
  engine_world world{measuring(1000h, "happened"), some_shards(1)};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  const auto send = [&](std::int64_t at, const measure& what) {
    // When it was written says nothing.
    world.send_dated(timestamp{now + 20 * hour}, "measures", "s",
                     json_at(at, what));
  };
  send(now - 9 * hour, {"h", 1, {}});
  send(now - 9 * hour, {"h", 2, 1});
  world.run_ready();
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.count().retried == 1);
  CHECK(world.read("sums").empty());
  send(now, {"h", 4, {}});
  send(now - grace - 1, {"h", 8, {}});
  world.settle();
  CHECK(sums_of(world)
        == std::map<std::pair<std::string, std::int64_t>, std::int64_t>{
            {{"h", now - 9 * hour}, 3}});
  CHECK(world.state_of("hall", "h").find("\"late\":1") != std::string::npos);
}

TEST_CASE("a record whose field for event time is no time is undecodable and "
          "moves no event time",
          "[runtime][engine][event-time]") {
  engine_world world{measuring(1000h, "happened"), some_shards(1)};
  REQUIRE(world.start());
  const std::int64_t now = hour_of(world.time.now().value());
  const timestamp later{now + 20 * hour};
  world.send("measures", "s", json_at(now, {"h", 1, {}}));
  const auto [body, why] = GENERATE(table<std::string, std::string>({
      {R"({"hall":"h","value":2})", "no text happened"},
      {R"({"hall":"h","value":2,"happened":1400000000})", "no text happened"},
      {R"({"hall":"h","value":2,"happened":null})", "no text happened"},
      {R"(["happened"])", "no text happened"},
      {R"({"hall":"h","value":2,"happened":"2015-02-29T00:00:00Z"})",
       "happened, which tells its event time: an RFC 3339 time"},
      {R"({"hall":"h","value":2,"happened":)", ""},
  }));
  world.send_dated(later, "measures", "s", body);
  world.send("measures", "s", json_at(now, {"h", 4, {}}));
  world.settle();
  CHECK(world.read("sums").empty());
  const auto dead = world.read("dead-letter-events");
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].value == body);
  CHECK(dead[0].headers.at("dlq_reason") == "undecodable");
  CHECK(dead[0].headers.at("dlq_error").find(why) != std::string::npos);
  world.host().close_windows();
  world.settle();
  CHECK(sums_of(world).at({"h", now}) == 5);
}

TEST_CASE("a body that nobody looks into tells no event time",
          "[runtime][engine][event-time]") {
  engine_world world{measuring(1000h, "happened"), some_shards(1)};
  REQUIRE(world.start());
  world.send("measures", "s", json_at(0, {"h", 1, {}}),
             {{"content-type", "application/avro"}});
  world.settle();
  const auto dead = world.read("dead-letter-events");
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].headers.at("dlq_error").find("its content type")
        != std::string::npos);
}
