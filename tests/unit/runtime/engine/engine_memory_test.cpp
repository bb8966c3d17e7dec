// Entities that leave memory under a budget and come back when they are wanted:
// whatever the budget, what the application does is the same.
#include "runtime/base/hash.hpp"
#include "runtime/base/random.hpp"
#include "runtime/engine/entity_cell.hpp"
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <caf/actor.hpp>
#include <catch2/catch.hpp>

#include <cstring>
#include <map>

using namespace freehold;
using namespace freehold::test_entities;
using namespace std::chrono_literals;
using testkit::engine_world;

namespace {

std::string name_of(std::uint64_t number) {
  return "entity-" + std::to_string(number);
}

/// What an application has done, as outsiders see it.
struct outcome {
  /// Of each entity in their order, without their ids: entities do not wait
  /// for each other, so timers may have other numbers.
  std::map<std::string, std::vector<std::string>> events;
  std::vector<std::string> states;
  std::uint64_t entities = 0;
  friend bool operator==(const outcome&, const outcome&) = default;
};

constexpr std::uint64_t entity_count = 300;

outcome look_at(engine_world& world) {
  outcome seen;
  for (const auto& each : world.read("counter-events"))
    seen.events[each.key].push_back(
        each.value.substr(0, each.value.find(R"(,"id")")));
  for (std::uint64_t i = 0; i < entity_count; ++i)
    for (const char* type : {"counter", "ledger"})
      seen.states.push_back(world.state_of(type, name_of(i)));
  seen.entities = world.count().entities;
  return seen;
}

/// The same commands for every budget: amounts, amounts told on, retries,
/// timers, rejections.
void send_some(engine_world& world, random_source& chance, int count) {
  for (int i = 0; i < count; ++i) {
    add what{.amount = static_cast<std::int64_t>(chance.below(100)) - 5};
    if (chance.below(3) == 0)
      what.tell = name_of(chance.below(entity_count));
    if (chance.below(10) == 0)
      what.failures = 1;
    if (chance.below(10) == 0)
      what.again_after = 50 + static_cast<std::int64_t>(chance.below(1000));
    world.send("adds", name_of(chance.below(entity_count)), json(what));
  }
}

/// A text of 16 letters, digits and signs that has the hash of `one`.
std::string other_key_of_that_hash(const std::string& one) {
  const auto word = [](std::string_view text) {
    std::uint64_t value = 0;
    std::memcpy(&value, text.data(), 8);
    return value;
  };
  const auto first_step = [&](std::string_view text) {
    const std::uint64_t hash =
        (1469598103934665603ULL ^ word(text)) * 0x9E3779B97F4A7C15ULL;
    return hash ^ (hash >> 29);
  };
  for (std::uint32_t i = 0;; ++i) {
    std::string half = std::to_string(100'000'000U + i).substr(1);
    const std::uint64_t rest =
        first_step(one.substr(0, 8)) ^ word(one.substr(8)) ^ first_step(half);
    if ((rest & 0x8080808080808080ULL) != 0)
      continue; // the text has to be UTF-8
    half.append(reinterpret_cast<const char*>(&rest), 8);
    return half;
  }
}

} // namespace

TEST_CASE("a run whose entities need ten times the budget gives the same "
          "results",
          "[runtime][engine][memory]") {
  const auto run = [](std::uint64_t budget, engine::counters* counted) {
    auto options = one_shard();
    options.entity_bytes_max = budget;
    options.changelog_slack_bytes = 16 << 10; // compaction meets them too
    options.retry_first_delay = 200ms;
    engine_world world{counting_application(), options};
    REQUIRE(world.start());
    random_source chance{7};
    for (int round = 0; round < 40; ++round) {
      send_some(world, chance, 60);
      world.pass(200ms);
      if (round == 4 || round == 14)
        REQUIRE(world.restart());
    }
    world.settle();
    world.pass(2s);
    world.settle();
    if (counted != nullptr)
      *counted = world.count();
    return look_at(world);
  };
  engine::counters roomy;
  const outcome all_in_memory = run(std::uint64_t{1} << 30U, &roomy);
  REQUIRE(all_in_memory.events.size() == entity_count);
  REQUIRE(roomy.passivated == 0);
  REQUIRE(roomy.entity_bytes / roomy.entities_in_memory >= 100);
  const std::uint64_t budget = entity_count * 300 / 10;
  engine::counters tight;
  CHECK(run(budget, &tight) == all_in_memory);
  CHECK(tight.passivated > 500);
  CHECK(tight.brought_back > 500);
  CHECK(tight.compacted_bytes > 0);
  CHECK(run(1, nullptr) == all_in_memory);
}

TEST_CASE("what entities take in memory stays within the budget, besides what "
          "the unit under way has changed",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.entity_bytes_max = 40'000;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (std::uint64_t i = 0; i < 2000; ++i) {
    world.send("adds", name_of(i), json({.amount = 1}));
    if (i % 50 == 0)
      world.pass(100ms);
  }
  world.settle();
  world.pass(100ms);
  CHECK(world.count().entities == 2000);
  CHECK(world.count().entity_bytes <= options.entity_bytes_max);
  CHECK(world.count().entities_in_memory > 0);
  CHECK(world.count().entities_in_memory < 200);
  CHECK(world.state_of("counter", name_of(3)) == counter_state(1, 1));
}

TEST_CASE("a shard that has nothing to do makes room for the others",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.shard_count = 2;
  options.entity_bytes_max = 40'000;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  const auto fill = [&world](std::uint32_t shard) {
    for (std::uint64_t i = 0; i < 1000; ++i)
      if (partition_of(name_of(i), 2).value() == shard)
        world.send("adds", name_of(i), json({.amount = 1}));
    world.settle();
  };
  fill(0);
  REQUIRE(world.count().entity_bytes > options.entity_bytes_max / 2);
  fill(1);
  world.pass(200ms);
  CHECK(world.count().entity_bytes <= options.entity_bytes_max);
}

TEST_CASE("a shard that went away takes nothing and counts nothing",
          "[runtime][engine][memory]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "k", json({.amount = 1, .again_after = 60'000}));
  world.pass(300ms);
  REQUIRE(world.count().entities == 1);
  REQUIRE(world.count().timers == 1);
  const bool lost = GENERATE(true, false);
  if (lost)
    world.log().lose({partition_index{0}});
  else
    world.log().revoke({partition_index{0}});
  world.run_ready(); // at once, not when the next unit closes
  CHECK(world.count().entities == 0);
  CHECK(world.count().entity_bytes == 0);
  CHECK(world.count().timers == 0);
  CHECK(world.count().applied == 1); // what was done stays done
}

TEST_CASE("each entity type has a budget of its own",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.entity_bytes_max_of = {{"ledger", 1}};
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (std::uint64_t i = 0; i < 100; ++i)
    world.send("adds", name_of(i), json({.amount = 1, .tell = name_of(i)}));
  world.settle();
  world.pass(100ms);
  CHECK(world.count().entities == 200);
  CHECK(world.count().entities_in_memory == 100);
  CHECK(world.count().passivated == 100);
}

TEST_CASE("a budget for an entity type that there is none of is refused",
          "[runtime][engine][memory]") {
  engine::engine_options options;
  options.entity_bytes_max_of = {{"ledgers", 1}};
  const auto plan =
      engine::application_plan::make(counting_application(), options);
  REQUIRE(!plan);
  CHECK(plan.error().context
        == "application counting: entity_bytes_max_of names the entity type "
           "ledgers, which the application does not have");
}

TEST_CASE("after a restart nobody is in memory until somebody is wanted",
          "[runtime][engine][memory]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  for (std::uint64_t i = 0; i < 100; ++i)
    world.send("adds", name_of(i), json({.amount = 2}));
  world.settle();
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.count().entities == 100);
  CHECK(world.count().entities_in_memory == 0);
  CHECK(world.state_of("counter", name_of(42)) == counter_state(2, 1));
  world.send("adds", name_of(43), json({.amount = 1}));
  world.settle();
  CHECK(world.count().entities_in_memory == 2);
  CHECK(world.state_of("counter", name_of(43)) == counter_state(3, 2));
  CHECK(world.state_of("counter", "nobody").empty());
  CHECK(world.count().entities == 100);
}

TEST_CASE("an entity stays in memory while somebody has its handle or "
          "monitors it",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.entity_bytes_max = 1;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.send("adds", "b", json({.amount = 1}));
  world.settle();
  REQUIRE(world.count().entities_in_memory == 0);
  caf::actor held = world.handle_of("counter", "a");
  REQUIRE(held);
  world.send("adds", "b", json({.amount = 1}));
  world.settle();
  CHECK(world.count().entities_in_memory == 1);
  bool has_ended = false;
  held->attach_functor([&has_ended] { has_ended = true; });
  held = nullptr;
  world.send("adds", "b", json({.amount = 1}));
  world.settle();
  CHECK(world.count().entities_in_memory == 1);
  CHECK_FALSE(has_ended);
  CHECK(world.state_of("counter", "a") == counter_state(1, 1));
}

TEST_CASE("a timer fires for an entity that is not in memory, and messages "
          "that come later do not overtake it",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.entity_bytes_max = 1;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (std::uint64_t i = 0; i < 300; ++i)
    world.send(
        "adds", name_of(i),
        json({.amount = static_cast<std::int64_t>(i), .again_after = 1000}));
  world.settle();
  REQUIRE(world.count().entities_in_memory == 0);
  REQUIRE(world.count().timers == 300);
  world.time.advance(2s);
  world.send("adds", name_of(7), json({.amount = 1000}));
  world.settle();
  CHECK(world.count().timers_fired == 300);
  for (std::uint64_t i = 0; i < 300; ++i)
    if (i != 7)
      REQUIRE(world.state_of("counter", name_of(i))
              == counter_state(2 * static_cast<std::int64_t>(i), 2));
  std::vector<std::string> amounts;
  for (const auto& each : world.read("counter-events"))
    if (each.key == name_of(7))
      amounts.push_back(each.value.substr(0, each.value.find(',')));
  CHECK(amounts
        == std::vector<std::string>{R"({"amount":7)", R"({"amount":7)",
                                    R"({"amount":1000)"});
}

TEST_CASE("a message that is held across a restart finds its entity",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.retry_first_delay = 5s;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.settle();
  world.send("adds", "a", json({.amount = 10, .failures = 1}));
  world.send("adds", "a", json({.amount = 100}));
  world.send("adds", "new", json({.amount = 3, .failures = 1}));
  world.pass(500ms);
  REQUIRE(world.count().waiting_messages == 3);
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(111, 3));
  CHECK(world.state_of("counter", "new") == counter_state(3, 1));
}

TEST_CASE("two entities whose keys have one hash are two, in and out of memory "
          "and across compaction and restarts",
          "[runtime][engine][memory]") {
  const std::string one = "entity-aentity-b";
  const std::string other = other_key_of_that_hash(one);
  REQUIRE(one != other);
  REQUIRE(key_hash(one) == key_hash(other));
  auto options = one_shard();
  options.entity_bytes_max = 1;
  options.changelog_slack_bytes = 0;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  std::int64_t ones = 0;
  std::int64_t others = 0;
  for (int round = 0; round < 30; ++round) {
    if (round % 3 != 2) {
      world.send("adds", one, json({.amount = 1}));
      ++ones;
    }
    if (round % 3 != 1) {
      world.send("adds", other, json({.amount = 10}));
      ++others;
    }
    for (std::uint64_t i = 0; i < 20; ++i)
      world.send("adds", name_of(i), json({.amount = 1}));
    world.settle();
    if (round % 7 == 6) {
      REQUIRE(world.restart());
      world.settle();
      CHECK(world.count().entities == 22);
    }
    REQUIRE(world.state_of("counter", one) == counter_state(ones, ones));
    REQUIRE(world.state_of("counter", other)
            == counter_state(10 * others, others));
  }
  CHECK(world.count().compacted_bytes > 0);
}

TEST_CASE("a unit that is undone leaves entities as they were, also those that "
          "came back for it",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.entity_bytes_max = 1;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  for (std::uint64_t i = 0; i < 50; ++i)
    world.send("adds", name_of(i), json({.amount = 1}));
  world.settle();
  world.log().plan_commits(bridges::log::planned_outcome::failed);
  world.log().plan_commits(bridges::log::planned_outcome::unknown_applied);
  for (std::uint64_t i = 0; i < 80; ++i)
    world.send("adds", name_of(i), json({.amount = 10}));
  world.settle();
  CHECK(world.count().quick_undos >= 2);
  for (std::uint64_t i = 0; i < 80; ++i)
    REQUIRE(world.state_of("counter", name_of(i))
            == (i < 50 ? counter_state(11, 2) : counter_state(10, 1)));
}

TEST_CASE("a shard whose states cannot be read for a while is restarted and "
          "loses nothing",
          "[runtime][engine][memory]") {
  auto options = one_shard();
  options.entity_bytes_max = 1;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.settle();
  world.send("adds", "a", json({.amount = 2}));
  world.host().step(); // the record is there, its entity is not
  world.log().refuse_fetches({errc::unavailable, "as planned"});
  world.settle();
  CHECK(world.count().restores == 2);
  CHECK(world.state_of("counter", "a") == counter_state(3, 2));
}

TEST_CASE("the changelog's live bytes are those of the entities, in memory or "
          "not",
          "[runtime][engine][memory]") {
  const auto live_bytes = [](std::uint64_t budget, bool restarts) {
    auto options = one_shard();
    options.entity_bytes_max = budget;
    engine_world world{counting_application(), options};
    REQUIRE(world.start());
    random_source chance{3};
    for (int i = 0; i < 2000; ++i) {
      world.send("adds", name_of(chance.below(100)), json({.amount = i}), {});
      if (i % 100 == 99)
        world.settle();
    }
    world.settle();
    if (restarts) {
      REQUIRE(world.restart());
      world.settle();
    }
    return world.count().changelog_live_bytes;
  };
  const std::uint64_t expected = live_bytes(1U << 30U, false);
  CHECK(live_bytes(1, false) == expected);
  CHECK(live_bytes(1, true) == expected);
}
