// Bounds, compaction, killers and supervision of the engine, each at its edge:
// nothing is lost, what is refused is refused for the guilty message only.
#include "runtime/engine/changelog.hpp"
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <catch2/catch.hpp>

#include <set>

using namespace freehold;
using namespace freehold::test_entities;
using namespace std::chrono_literals;
using testkit::engine_world;

namespace {

/// A state that grows by what it is told.
struct hoard {
  struct state {
    static constexpr std::string_view type = "hoard-state";
    std::string kept;
  };
  static constexpr entity_traits traits{.type = "hoard"};
  using messages = message_list<add>;
  static void handle(state& s, const add& m, context<hoard>&) {
    s.kept.append(static_cast<std::size_t>(m.amount), 'h');
  }
};
BOOST_DESCRIBE_STRUCT(hoard::state, (), (kept))

application hoarding_application() {
  application app{"hoarding"};
  app.entity<hoard>();
  app.source({.topic = "adds", .entity = "hoard", .default_message = "Add"});
  return app;
}

/// A state that contains itself and grows deeper, by its event or in place.
struct thread {
  struct state {
    static constexpr std::string_view type = "thread-state";
    std::vector<state> answers;
    BOOST_DESCRIBE_CLASS(state, (), (answers), (), ())
  };
  struct deepen {
    static constexpr std::string_view type = "Deepen";
    std::uint32_t by = 0;
  };
  static constexpr entity_traits traits{.type = "thread"};
  using messages = message_list<add, deepen>;
  static void grow(state& now, std::int64_t by) {
    state* at = &now;
    while (!at->answers.empty())
      at = &at->answers.back();
    for (; by > 0; --by)
      at = &at->answers.emplace_back();
  }
  static void handle(state& now, const add& m, context<thread>&) {
    grow(now, m.amount);
  }
  static void handle(const state&, const deepen& m, context<thread>& ctx) {
    ctx.emit(m);
  }
  static void apply(state& now, const deepen& event) noexcept {
    grow(now, event.by);
  }
};
BOOST_DESCRIBE_STRUCT(thread::deepen, (), (by))

/// Writes into the journal of another entity.
struct forger {
  using state = ledger::state;
  static constexpr entity_traits traits{.type = "forger"};
  using messages = message_list<add>;
  static void handle(state&, const add& m, context<forger>& ctx) {
    if (m.amount == 0)
      ctx.publish("counter-events", added{1000, "forged"});
    else
      ctx.publish_raw("counter-events", "a", "forged");
  }
};

std::uint64_t changelog_begin(engine_world& world) {
  const std::lock_guard lock{world.storage()->gate()};
  for (std::uint32_t t = 0; t < world.storage()->topic_count(); ++t)
    if (world.storage()->spec(t).role == ports::topic_role::changelog)
      return static_cast<std::uint64_t>(
          world.storage()->bounds(t, 0).begin.value());
  return 0;
}

bool has_schema(std::string_view pack) {
  using namespace engine::changelog;
  auto reader = pack_reader::open(pack);
  REQUIRE(reader);
  pack_reader::entry next;
  while (reader->next(next))
    if (next.kind == entry_kind::schema)
      return true;
  REQUIRE(reader->end());
  return false;
}

/// Accuses one record.
class accusing_ledger final : public ports::crash_ledger {
public:
  explicit accusing_ledger(suspect whom) : whom_(std::move(whom)) {}
  std::vector<suspect> begin(const std::vector<std::string>&,
                             std::uint32_t worker_count) override {
    slots_ = std::vector<ports::crash_slot>(worker_count);
    return {whom_};
  }
  ports::crash_slot& slot(worker_index worker) override {
    return slots_[worker.value()];
  }
  void acquit(const suspect& whom) override { acquitted.push_back(whom); }

  std::vector<suspect> acquitted;

private:
  suspect whom_;
  std::vector<ports::crash_slot> slots_;
};

} // namespace

TEST_CASE("held messages stop the input at the bound, and nothing is lost",
          "[runtime][engine][bounds]") {
  auto options = one_shard();
  options.held_bytes_max = 2000;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1, .failures = 2}));
  for (int i = 0; i < 500; ++i)
    world.send("adds", "a", json({.amount = 1}));
  world.send("adds", "b", json({.amount = 1}));
  world.pass(300ms);
  const auto paused = world.count();
  // Each held message counts at least the 512 bytes kept for its error.
  CHECK(paused.waiting_messages >= 2);
  CHECK(paused.waiting_messages <= 4);
  CHECK(paused.paused_inputs == 2);
  CHECK(paused.taken == paused.waiting_messages);
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(501, 501));
  CHECK(world.state_of("counter", "b") == counter_state(1, 1));
}

TEST_CASE("timers stop the input at the bound until they fire",
          "[runtime][engine][bounds]") {
  auto options = one_shard();
  options.timer_bytes_max = 1000;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 200; ++i)
    world.send("adds", "k" + std::to_string(i),
               json({.amount = 1, .again_after = 5000}));
  world.pass(300ms);
  CHECK(world.count().timers >= 3);
  CHECK(world.count().timers <= 8);
  CHECK(world.count().paused_inputs == 2);
  world.pass(10min);
  world.settle();
  for (int i = 0; i < 200; ++i)
    REQUIRE(world.state_of("counter", "k" + std::to_string(i))
            == counter_state(2, 2));
}

TEST_CASE("a message whose effect is above the log's limit is a dead letter, "
          "its neighbours in the unit are not touched",
          "[runtime][engine][bounds]") {
  auto options = one_shard();
  options.direct_delivery = GENERATE(true, false);
  options.record_bytes_max = 4096;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.send("adds", "a", json({.amount = 10, .publish_bytes = 5000}));
  world.send("adds", "a", json({.amount = 100, .publish_bytes = 3000}));
  world.send("adds", "b", json({.amount = 7}));
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(101, 2));
  CHECK(world.state_of("counter", "b") == counter_state(7, 1));
  REQUIRE(world.read("dead-letter-events").size() == 1);
  CHECK(world.read("dead-letter-events")[0].headers.at("dlq_offset") == "1");
  CHECK(world.read("outputs").size() == 1);
}

TEST_CASE("a state that outgrows the log's limit costs the guilty message only",
          "[runtime][engine][bounds]") {
  auto options = one_shard();
  options.direct_delivery = GENERATE(true, false);
  options.record_bytes_max = 4096;
  engine_world world{hoarding_application(), options};
  REQUIRE(world.start());
  const bool has_past = GENERATE(false, true);
  if (has_past) {
    // What was committed before must survive the undo.
    world.send("adds", "a", json({.amount = 5}));
    world.send("adds", "z", json({.amount = 3}));
    world.settle();
  }
  world.send("adds", "a", json({.amount = 1000}));
  world.send("adds", "new", json({.amount = 9000}));
  world.send("adds", "a", json({.amount = 5000}));
  world.send("adds", "a", json({.amount = 1}));
  world.send("adds", "b", json({.amount = 2}));
  world.settle();
  const auto kept = [](std::size_t size) {
    return R"({"kept":")" + std::string(size, 'h') + "\"}";
  };
  const auto check = [&] {
    CHECK(world.state_of("hoard", "a") == kept(has_past ? 1006 : 1001));
    CHECK(world.state_of("hoard", "b") == kept(2));
    CHECK(world.state_of("hoard", "new").empty());
    if (has_past)
      CHECK(world.state_of("hoard", "z") == kept(3));
    CHECK(world.read("dead-letter-events").size() == 2);
  };
  check();
  // Once more: measuring was switched off again in between.
  world.send("adds", "c", json({.amount = 6000}));
  world.settle();
  CHECK(world.read("dead-letter-events").size() == 3);
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("hoard", "a") == kept(has_past ? 1006 : 1001));
  CHECK(world.state_of("hoard", "c").empty());
}

TEST_CASE("a state too deep to be read back costs the guilty message only",
          "[runtime][engine][bounds]") {
  application app{"threads"};
  app.entity<thread>();
  app.source({.topic = "adds", .entity = "thread", .default_message = "Add"});
  engine_world world{app, one_shard()};
  REQUIRE(world.start());
  const bool by_event = GENERATE(true, false);
  const auto grow = [&](const std::string& key, int by) {
    if (by_event)
      world.send("adds", key, R"({"by":)" + std::to_string(by) + "}",
                 {{"ce_type", "Deepen"}});
    else
      world.send("adds", key, json({.amount = by}));
  };
  // Two levels each, and the state itself is the first.
  constexpr int most = static_cast<int>(codec::nesting_depth_max) / 2 - 1;
  grow("a", most);
  grow("a", 1);
  grow("b", most + 1);
  grow("c", 1);
  world.settle();
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].headers.at("dlq_reason") == "permanent failure");
  CHECK(letters[0].headers.at("dlq_error").find("nests deeper than 64")
        != std::string::npos);
  const auto deepest = world.state_of("thread", "a");
  CHECK(world.state_of("thread", "b").empty());
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("thread", "a") == deepest);
  CHECK(world.state_of("thread", "c") == R"({"answers":[{"answers":[]}]})");
}

TEST_CASE("nothing but events gets into a journal",
          "[runtime][engine][bounds]") {
  application app = counting_application();
  app.entity<forger>();
  app.source(
      {.topic = "forgeries", .entity = "forger", .default_message = "Add"});
  engine_world world{app, one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.send("forgeries", "x", json({.amount = 0}));
  world.send("forgeries", "y", json({.amount = 1}));
  world.settle();
  CHECK(world.read("counter-events").size() == 1);
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 2);
  for (const auto& each : letters) {
    CHECK(each.headers.at("dlq_reason") == "permanent failure");
    CHECK(each.headers.at("dlq_error").find("which is a journal")
          != std::string::npos);
  }
}

TEST_CASE("compaction bounds the changelog, and what it leaves restores",
          "[runtime][engine][compaction]") {
  auto options = one_shard();
  options.changelog_slack_bytes = 8U << 10U;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  constexpr int keys = 200;
  constexpr int rounds = 300;
  for (int i = 0; i < keys; ++i)
    world.send("adds", "cold" + std::to_string(i), json({.amount = i}));
  world.settle();
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 20; ++i)
      world.send("adds", "hot" + std::to_string(i), json({.amount = 1}));
    world.pass(100ms);
    const auto now = world.count();
    REQUIRE(static_cast<double>(now.changelog_bytes)
            <= static_cast<double>(now.changelog_live_bytes)
                       * options.changelog_live_factor
                   + static_cast<double>(options.changelog_slack_bytes)
                   + 2.0 * 64 * 1024);
  }
  world.settle();
  const std::uint64_t cut = changelog_begin(world);
  CHECK(cut > 0);
  const auto check = [&] {
    for (int i = 0; i < keys; ++i)
      REQUIRE(world.state_of("counter", "cold" + std::to_string(i))
              == counter_state(i, 1));
    for (int i = 0; i < 20; ++i)
      REQUIRE(world.state_of("counter", "hot" + std::to_string(i))
              == counter_state(rounds, rounds));
  };
  check();
  const auto live = world.count().changelog_live_bytes;
  REQUIRE(world.restart());
  world.settle();
  check();
  world.send("adds", "hot0", json({.amount = 0}));
  world.settle();
  CHECK(world.count().changelog_live_bytes == live);
}

TEST_CASE("a shard that comes back with a changelog above its bound brings it "
          "back within, though nothing is to do",
          "[runtime][engine][compaction]") {
  auto options = one_shard();
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 50; ++i) {
    world.send("adds", "k", json({.amount = 1}));
    world.settle();
  }
  const auto before = world.count();
  REQUIRE(before.changelog_bytes > 2 * before.changelog_live_bytes + 1024);
  options.changelog_slack_bytes = 0;
  world.deploy(counting_application(), options);
  REQUIRE(world.restart());
  world.pass(1s);
  const auto now = world.count();
  CHECK(now.changelog_bytes <= 2 * now.changelog_live_bytes + 1024);
  world.pass(1s);
  CHECK(world.count().units == now.units); // and then is at rest
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("counter", "k") == counter_state(50, 50));
}

TEST_CASE("states that lie before their moved schema restore",
          "[runtime][engine][compaction]") {
  // Whatever number of rounds the front stops at: schema already moved,
  // states not yet.
  auto options = one_shard();
  options.changelog_slack_bytes = 0;
  options.unit_bytes_max = 1U << 10U;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 40; ++i) {
    world.send("adds", "cold" + std::to_string(i), json({.amount = i}));
    world.pass(100ms);
  }
  bool was_cut = false;
  for (int round = 1; round <= 40; ++round) {
    world.send("adds", "hot", json({.amount = 1}));
    world.pass(100ms);
    was_cut = was_cut || changelog_begin(world) > 0;
    REQUIRE(world.restart());
    world.settle();
    REQUIRE(world.state_of("counter", "cold7") == counter_state(7, 1));
    REQUIRE(world.state_of("counter", "hot") == counter_state(round, round));
  }
  CHECK(was_cut);
}

TEST_CASE("every schema comes again within an eighth of the changelog, and "
          "within 64 packs of a short one",
          "[runtime][engine][compaction]") {
  auto options = one_shard();
  options.changelog_slack_bytes = 100U << 10U;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  std::size_t packs = 0;
  for (int i = 0; i < 3000; ++i) {
    world.send("adds", "k" + std::to_string(i % 7), json({.amount = 1}));
    world.pass(100ms);
    if (i % 100 != 99)
      continue;
    packs = 0;
    std::size_t without = 0;
    std::size_t without_max = 0;
    for (const auto& each : world.read(options.changelog_topic)) {
      ++packs;
      without = has_schema(each.value) ? 0 : without + 1;
      without_max = std::max(without_max, without);
    }
    REQUIRE(without_max <= std::max<std::size_t>(64, packs / 8));
  }
  CHECK(packs > 8 * 64);
  CHECK(changelog_begin(world) > 0);
}

TEST_CASE("a suspect of two deaths is handled, of three it is a dead letter; "
          "both are acquitted after the commit",
          "[runtime][engine][killer]") {
  const std::uint32_t deaths = GENERATE(2U, 3U);
  accusing_ledger ledger{{"adds", partition_index{0}, 1, deaths}};
  engine_world world{counting_application(), one_shard()};
  world.ledger = &ledger;
  REQUIRE(world.start());
  world.run_ready(); // the first close has nothing yet
  for (const std::int64_t amount : {1, 10, 100})
    world.send("adds", "a", json({.amount = amount}));
  world.run_ready();
  CHECK(ledger.acquitted.empty());
  world.settle();
  REQUIRE(ledger.acquitted.size() == 1);
  CHECK(ledger.acquitted[0].offset == 1);
  const auto letters = world.read("dead-letter-events");
  if (deaths == 2) {
    CHECK(world.state_of("counter", "a") == counter_state(111, 3));
    CHECK(letters.empty());
  } else {
    CHECK(world.state_of("counter", "a") == counter_state(101, 2));
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].headers.at("dlq_reason") == "kills the process");
    CHECK(letters[0].headers.at("dlq_attempts") == "3");
  }
}

TEST_CASE("a suspect that fails and waits is acquitted only when it is done",
          "[runtime][engine][killer]") {
  accusing_ledger ledger{{"adds", partition_index{0}, 0, 2}};
  engine_world world{counting_application(), one_shard()};
  world.ledger = &ledger;
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1, .failures = 1}));
  world.pass(500ms);
  CHECK(ledger.acquitted.empty());
  world.settle();
  CHECK(ledger.acquitted.size() == 1);
}

TEST_CASE("an entity ended from outside comes back as it was committed",
          "[runtime][engine][supervision]") {
  auto options = one_shard();
  options.direct_delivery = GENERATE(true, false);
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 5}));
  world.settle();
  caf::scoped_actor self{world.host().system()};
  {
    const caf::actor entity = world.handle_of("counter", "a");
    REQUIRE(entity);
    self->monitor(entity);
    world.send("adds", "a", json({.amount = 7}));
    world.host().step(); // perhaps handled, certainly not committed
    caf::anon_send_exit(entity, caf::exit_reason::user_shutdown);
  }
  world.settle();
  REQUIRE(self->has_next_message());
  bool down = false;
  self->receive([&](const caf::down_msg&) { down = true; });
  CHECK(down);
  CHECK(world.state_of("counter", "a") == counter_state(12, 2));
  CHECK(world.read("counter-events").size() == 2);
  CHECK(world.count().units_undone > 0);
}

TEST_CASE("a fetch that fails restarts the shard, and results stay exact",
          "[runtime][engine][supervision]") {
  auto options = one_shard();
  options.direct_delivery = GENERATE(true, false);
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 5; ++i) {
    world.log().refuse_fetches({errc::unavailable, "as planned"});
    world.send("adds", "a", json({.amount = 1, .tell = "l"}));
    world.pass(500ms);
  }
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(5, 5));
  CHECK(world.state_of("ledger", "l") == R"({"total":5,"entries":5})");
}

TEST_CASE("too many restarts stop the node with the reason",
          "[runtime][engine][supervision]") {
  auto options = one_shard();
  options.restarts_max = 2;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.log().refuse_fetches({errc::unavailable, "as planned"}, 50);
  world.send("adds", "a", json({.amount = 1}));
  for (int i = 0; i < 50 && !world.host().failure(); ++i)
    world.pass(100ms);
  REQUIRE(world.host().failure());
  CHECK(world.host().failure()->context.find("as planned")
        != std::string::npos);
}

TEST_CASE("an unread part of a source that is gone stops the node",
          "[runtime][engine][supervision]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.log().refuse_fetches({errc::not_found, "offset 0 is gone"});
  world.send("adds", "a", json({.amount = 1}));
  for (int i = 0; i < 20 && !world.host().failure(); ++i)
    world.pass(100ms);
  REQUIRE(world.host().failure());
  CHECK(world.host().failure()->code == errc::not_found);
}

TEST_CASE("stopping with held messages that are due ends, and keeps them",
          "[runtime][engine]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1, .failures = 1}));
  world.pass(200ms);
  world.time.advance(10s); // due now, and stopping in the same moment
  world.finish();
  REQUIRE(world.start());
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(1, 1));
}
