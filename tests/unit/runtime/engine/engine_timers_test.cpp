// What becomes of an entity's timers in the changelog and over restarts, as
// they are set, set anew, taken back and fired.
#include "runtime/engine/changelog.hpp"
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace freehold;
using namespace std::chrono_literals;
using testkit::engine_world;

namespace {

/// Sets its timer for that many seconds from now; 0 takes it back.
struct order {
  static constexpr std::string_view type = "Order";
  std::vector<std::int64_t> seconds;
};
BOOST_DESCRIBE_STRUCT(order, (), (seconds))

/// What the timer says. Rings that many times more, a minute apart.
struct ring {
  static constexpr std::string_view type = "Ring";
  std::int64_t more = 0;
  std::int32_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(ring, (), (more, failures))

struct alarm {
  struct state {
    static constexpr std::string_view type = "alarm-state";
    std::int64_t rings = 0;
  };
  static constexpr entity_traits traits{.type = "alarm"};
  using messages = message_list<order, ring>;

  static void set(context<alarm>& ctx, std::int64_t seconds, ring what) {
    ctx.schedule("ring", timestamp{ctx.now().value() + 1000 * seconds}, what);
  }
  static void handle(state&, const order& m, context<alarm>& ctx) {
    // One of these rings twice more, one fails once.
    const ring what{ctx.key() == "again" ? 2 : 0, ctx.key() == "shaky" ? 1 : 0};
    for (const std::int64_t seconds : m.seconds) {
      if (seconds == 0)
        ctx.cancel("ring");
      else
        set(ctx, seconds, what);
    }
  }
  static void handle(state& s, const ring& m, context<alarm>& ctx) {
    ++s.rings;
    if (m.more > 0)
      set(ctx, 60, ring{m.more - 1, 0});
    if (ctx.attempt() <= static_cast<std::uint32_t>(m.failures))
      throw transient_failure("told to fail");
  }
};
BOOST_DESCRIBE_STRUCT(alarm::state, (), (rings))

application alarms() {
  application app{"alarms"};
  app.entity<alarm>();
  app.source({.topic = "orders",
              .entity = "alarm",
              .default_message = "Order",
              .deduplicate = false});
  return app;
}

void send(engine_world& world, const char* key,
          std::vector<std::int64_t> seconds) {
  std::string text;
  codec::to_json(text, order{std::move(seconds)});
  world.send("orders", key, text);
}

/// The changelog's entries of timers in their order: + set, - gone.
std::string entries(engine_world& world) {
  using engine::changelog::entry_kind;
  using engine::changelog::pack_reader;
  std::string found;
  for (const auto& pack : world.read("changelog")) {
    auto reader = pack_reader::open(pack.value);
    REQUIRE(reader.has_value());
    pack_reader::entry next;
    while (reader->next(next)) {
      if (next.kind == entry_kind::timer)
        found.push_back('+');
      if (next.kind == entry_kind::timer_gone)
        found.push_back('-');
    }
  }
  return found;
}

std::string rung(std::int64_t times) {
  return R"({"rings":)" + std::to_string(times) + "}";
}

} // namespace

TEST_CASE("a timer set and taken back within a unit leaves no trace",
          "[runtime][engine][timers]") {
  engine_world world{alarms(), test_entities::one_shard()};
  REQUIRE(world.start());
  send(world, "a", {60, 90, 0});
  send(world, "b", {0});
  send(world, "c", {60});
  send(world, "c", {0});
  world.settle();
  CHECK(entries(world).empty());
  REQUIRE(world.restart());
  CHECK(world.count().timers == 0);
}

TEST_CASE("a timer is written once when set and once when fired",
          "[runtime][engine][timers]") {
  engine_world world{alarms(), test_entities::one_shard()};
  REQUIRE(world.start());
  send(world, "a", {90, 60});
  world.settle();
  CHECK(entries(world) == "+");
  CHECK(world.count().timers == 1);
  world.pass(2min);
  CHECK(entries(world) == "+-");
  CHECK(world.count().timers == 0);
  CHECK(world.state_of("alarm", "a") == rung(1));
  REQUIRE(world.restart());
  world.pass(2min);
  CHECK(world.state_of("alarm", "a") == rung(1));
}

TEST_CASE("a timer that its own message sets anew takes its entry over",
          "[runtime][engine][timers]") {
  engine_world world{alarms(), test_entities::one_shard()};
  REQUIRE(world.start());
  send(world, "again", {60});
  world.settle();
  for (int i = 1; i <= 3; ++i) {
    // In every life one ring.
    CHECK(entries(world) == std::string(static_cast<std::size_t>(i), '+'));
    REQUIRE(world.restart());
    world.run_ready();
    CHECK(world.count().timers == 1);
    world.pass(70s);
    CHECK(world.state_of("alarm", "again") == rung(i));
  }
  CHECK(entries(world) == "+++-");
  CHECK(world.count().timers == 0);
}

TEST_CASE("what takes a written timer's place and goes in one unit is gone",
          "[runtime][engine][timers]") {
  engine_world world{alarms(), test_entities::one_shard()};
  REQUIRE(world.start());
  send(world, "a", {60});
  world.settle();
  send(world, "a", {90});
  send(world, "a", {120, 0});
  world.settle();
  CHECK(entries(world) == "+-");
  REQUIRE(world.restart());
  world.pass(3min);
  CHECK(world.state_of("alarm", "a").find("rings\":1") == std::string::npos);
  CHECK(world.count().timers_fired == 0);
}

TEST_CASE("a timer that is gone and set again in one unit is set",
          "[runtime][engine][timers]") {
  engine_world world{alarms(), test_entities::one_shard()};
  REQUIRE(world.start());
  send(world, "a", {60});
  world.settle();
  send(world, "a", {0});
  send(world, "a", {120});
  world.settle();
  CHECK(entries(world) == "+-+");
  REQUIRE(world.restart());
  world.run_ready();
  CHECK(world.count().timers == 1);
  world.pass(90s);
  CHECK(world.count().timers_fired == 0);
  world.pass(1min);
  CHECK(world.state_of("alarm", "a") == rung(1));
}

TEST_CASE("a timer whose message fails is gone, its message waits",
          "[runtime][engine][timers]") {
  engine_world world{alarms(), test_entities::one_shard()};
  REQUIRE(world.start());
  send(world, "shaky", {60});
  world.settle();
  world.pass(61s);
  CHECK(world.count().timers == 0);
  CHECK(world.count().waiting_messages == 1);
  CHECK(entries(world) == "+-");
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("alarm", "shaky") == rung(1));
}
