// What a log does not take, an entity must not be able to say: whatever a
// handler does, its effects fit, or the guilty message alone ends as a dead
// letter and the others go on.
#include "runtime/engine/reason.hpp"
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace freehold;
using namespace freehold::test_entities;
using namespace std::chrono_literals;
using testkit::engine_world;

namespace {

constexpr std::size_t record_bytes_max = 4096;

/// Says too much, as told by `amount`.
struct chatterbox {
  struct state {
    static constexpr std::string_view type = "chatterbox-state";
    std::int64_t handled = 0;
  };
  static constexpr entity_traits traits{.type = "chatterbox"};
  using messages = message_list<add>;

  static void handle(state& s, const add& m, context<chatterbox>& ctx) {
    ++s.handled;
    const std::string long_text(20'000, 'x');
    if (m.amount == 1)
      ctx.reject(long_text);
    if (m.amount == 2)
      throw permanent_failure(long_text);
    if (m.amount == 3)
      ctx.schedule(long_text, timestamp{0}, add{});
    if (m.amount == 4)
      ctx.publish_raw("changelog", ctx.key(), "no pack");
    if (m.amount == 5)
      ctx.reply(added{1, std::string(2'000, 'y')});
    if (m.failures)
      throw transient_failure(long_text);
  }
};
BOOST_DESCRIBE_STRUCT(chatterbox::state, (), (handled))

application chattering_application() {
  application app{"chattering"};
  app.entity<chatterbox>();
  app.source(
      {.topic = "adds", .entity = "chatterbox", .default_message = "Add"});
  return app;
}

engine::engine_options small_records() {
  auto options = one_shard();
  options.record_bytes_max = record_bytes_max;
  return options;
}

std::size_t size_of(const testkit::seen_record& what) {
  std::size_t size = what.key.size() + what.value.size();
  for (const auto& [name, value] : what.headers)
    size += 6 + name.size() + value.size();
  return size;
}

std::size_t largest_in(engine_world& world, std::string_view topic) {
  std::size_t largest = 0;
  for (const auto& each : world.read(topic))
    largest = std::max(largest, size_of(each));
  return largest;
}

/// Refuses a unit with a record above the limit, as a broker does.
class strict_log final : public testkit::forwarding_log {
public:
  using forwarding_log::forwarding_log;
  void commit(std::shared_ptr<const ports::commit_unit> unit) override {
    for (const auto& part : unit->parts)
      for (const auto& each : part->appends)
        if (each.key.size() + each.value.size() + each.headers.packed().size()
            > record_bytes_max)
          return above_->committed({unit->id,
                                    ports::commit_outcome::failed,
                                    {},
                                    {errc::limit_reached, "too large"}});
    below_.commit(std::move(unit));
  }
};

void make_strict(engine_world& world) {
  world.interpose = [](ports::event_log& below) {
    return std::make_unique<strict_log>(below);
  };
}

} // namespace

TEST_CASE("however much a handler says, every record of the engine fits",
          "[runtime][engine][bounds]") {
  const std::int64_t what = GENERATE(1, 2, 3);
  engine_world world{chattering_application(), small_records()};
  make_strict(world);
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = what}), {{"ce_id", "1"}});
  world.send("adds", "a", json({.amount = 9}), {{"ce_id", "2"}});
  world.settle();
  CHECK(world.state_of("chatterbox", "a") == R"({"handled":1})");
  CHECK(world.read("dead-letter-events").size() == (what == 1 ? 0 : 1));
  REQUIRE(world.answers.size() == 2);
  CHECK(world.answers[0].body.size() <= engine::reason_bytes_max);
}

TEST_CASE(
    "a record that is too large to be held becomes a dead letter at once, "
    "without its value where that does not fit either",
    "[runtime][engine][bounds]") {
  engine_world world{chattering_application(), small_records()};
  make_strict(world);
  REQUIRE(world.start());
  const std::string body = json({.amount = 9, .failures = 1});
  world.send("adds", "a", body, {{"pad", std::string(3'990, 'p')}});
  world.send("adds", "a", json({.amount = 9}));
  world.settle();
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "too large to wait");
  CHECK(letters[0].headers.at("dlq_left_out") == std::to_string(body.size()));
  CHECK(letters[0].headers.at("dlq_offset") == "0");
  CHECK(letters[0].value.empty());
  CHECK(world.state_of("chatterbox", "a") == R"({"handled":1})");
}

TEST_CASE("packs are as small as the log's records",
          "[runtime][engine][bounds]") {
  engine_world world{chattering_application(), small_records()};
  make_strict(world);
  REQUIRE(world.start());
  for (int i = 0; i < 2000; ++i)
    world.send("adds", "key" + std::to_string(i), json({.amount = 9}));
  world.settle();
  CHECK(world.count().applied == 2000);
  CHECK(largest_in(world, "changelog") <= record_bytes_max);
}

TEST_CASE("only outputs can be published to", "[runtime][engine][bounds]") {
  engine_world world{chattering_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 4}));
  world.settle();
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK_THAT(letters[0].headers.at("dlq_error"),
             Catch::Contains("does not declare as an output"));
}

TEST_CASE("an input that fills every unit does not keep the others waiting",
          "[runtime][engine][limits]") {
  auto options = one_shard();
  options.unit_bytes_max = 4'096;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 500; ++i)
    world.send("adds", "k" + std::to_string(i),
               json({.amount = 1, .tell = "l"}));
  while (world.count().applied < 200)
    if (!world.host().step())
      world.time.advance(options.commit_interval);
  CHECK(world.count().applied < 400); // long before the source is through
  CHECK_FALSE(world.state_of("ledger", "l").empty());
  world.settle();
}

TEST_CASE("a unit that the log will never take stops the node with the reason",
          "[runtime][engine][bounds]") {
  // The engine believes in larger records than the log.
  engine_world world{chattering_application(), one_shard()};
  make_strict(world);
  REQUIRE(world.start());
  for (int i = 0; i < 2000; ++i)
    world.send("adds", "key" + std::to_string(i), json({.amount = 9}));
  world.pass(1s);
  REQUIRE(world.host().failure());
  CHECK(world.host().failure()->code == errc::limit_reached);
  CHECK(world.count().units_undone == 0);
}

TEST_CASE("a unit closes at its bound in bytes, whatever its answers and "
          "states weigh",
          "[runtime][engine][bounds]") {
  auto options = one_shard();
  options.unit_bytes_max = 64U << 10U;
  engine_world world{chattering_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 1000; ++i)
    world.send("adds", "key" + std::to_string(i), json({.amount = 5}),
               {{"ce_id", std::to_string(i)}});
  world.settle();
  // 1000 answers of 2 kB, kept and told, and 1000 states. With mailboxes,
  // what is on its way when the bound is reached comes on top.
  const auto counted = world.count();
  CHECK(counted.applied == 1000);
  CHECK(counted.units >= (options.direct_delivery ? 60 : 30));
  CHECK(counted.changelog_bytes_written / counted.units
        < (options.direct_delivery ? 80'000 : 160'000));
}

TEST_CASE("what the dedupe window keeps is bounded in bytes too, and what is "
          "forgotten is counted",
          "[runtime][engine][bounds]") {
  auto options = one_shard();
  options.dedupe_bytes_max = 100'000;
  engine_world world{chattering_application(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 100; ++i) {
    world.send("adds", "a", json({.amount = 5}),
               {{"ce_id", std::to_string(i)}});
    world.pass(100ms);
  }
  world.settle();
  const auto counted = world.count();
  // 46 answers of 2,023 bytes and 128 around each fit.
  CHECK(counted.answers_forgotten == 54);
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "99"}});
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "0"}});
  world.settle();
  CHECK(world.count().duplicates == 1);
}
