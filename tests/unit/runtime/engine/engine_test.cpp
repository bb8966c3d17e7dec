// The engine on the in-memory log, stepped in one thread under a manual clock.
// Each case says one promise of docs/promises.md, with direct delivery on and
// off.
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace freehold;
using namespace freehold::test_entities;
using namespace std::chrono_literals;
using bridges::log::planned_outcome;
using testkit::engine_world;

namespace {

engine::engine_options small_options() {
  engine::engine_options options;
  options.shard_count = 3;
  options.worker_count = 2;
  options.direct_delivery = GENERATE(true, false);
  return options;
}

} // namespace

TEST_CASE("a record changes its entity, reaches the journal once and is "
          "answered after the commit",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  world.run_ready();
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "first"}});
  world.run_ready();
  CHECK(world.read("counter-events").empty());
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(5, 1));
  const auto events = world.read("counter-events");
  REQUIRE(events.size() == 1);
  CHECK(events[0].key == "a");
  CHECK(events[0].headers.at("ce_type") == "Added");
  CHECK(events[0].headers.at("ce_sequence") == "1");
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].event_id == "first");
  CHECK(world.answers[0].body == R"({"total":5})");
}

TEST_CASE("what was committed is there after a crash, what was not is handled "
          "again",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  for (int i = 1; i <= 100; ++i)
    world.send("adds", "k" + std::to_string(i % 7), json({.amount = i}));
  world.settle();
  for (int i = 101; i <= 150; ++i)
    world.send("adds", "k" + std::to_string(i % 7), json({.amount = i}));
  world.run_ready(); // handled, not committed
  REQUIRE(world.restart());
  world.settle();
  for (int k = 0; k < 7; ++k) {
    std::int64_t total = 0;
    std::int64_t adds = 0;
    for (int i = 1; i <= 150; ++i)
      if (i % 7 == k) {
        total += i;
        ++adds;
      }
    CHECK(world.state_of("counter", "k" + std::to_string(k))
          == counter_state(total, adds));
  }
  std::set<std::string> ids;
  const auto events = world.read("counter-events");
  for (const auto& event : events)
    ids.insert(event.headers.at("ce_id"));
  CHECK(events.size() == 150);
  CHECK(ids.size() == 150);
}

TEST_CASE("a unit that fails or whose outcome is unknown is undone or found, "
          "never guessed",
          "[runtime][engine]") {
  const auto options = small_options();
  const auto how =
      GENERATE(planned_outcome::failed, planned_outcome::unknown_applied,
               planned_outcome::unknown_lost, planned_outcome::unknown_late);
  const int failing = GENERATE(1, 2, 3, 5);
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  int sent = 0;
  const auto send_some = [&] {
    for (int i = 0; i < 10; ++i, ++sent)
      world.send("adds", "k" + std::to_string(sent % 4),
                 json({.amount = 1, .tell = "l"}),
                 {{"ce_id", std::to_string(sent)}});
  };
  for (int round = 1; round <= 6; ++round) {
    send_some();
    if (round == failing)
      world.log().plan_commits(how, 2);
    world.run_ready();
    world.pass(100ms);
  }
  world.settle();
  std::int64_t total = 0;
  for (int k = 0; k < 4; ++k) {
    const int adds = sent / 4;
    CHECK(world.state_of("counter", "k" + std::to_string(k))
          == counter_state(adds, adds));
    total += adds;
  }
  CHECK(world.state_of("ledger", "l")
        == R"({"total":)" + std::to_string(total) + R"(,"entries":)"
               + std::to_string(total) + "}");
  CHECK(world.count().units_undone > 0);
  std::set<std::string> ids;
  const auto events = world.read("counter-events");
  for (const auto& event : events)
    ids.insert(event.headers.at("ce_id"));
  CHECK(events.size() == static_cast<std::size_t>(sent));
  CHECK(ids.size() == events.size());
  // and the same again from the changelog
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("counter", "k0") == counter_state(sent / 4, sent / 4));
}

TEST_CASE("a rejected message has no effects but an answer",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = -1, .tell = "l"}), {{"ce_id", "x"}});
  world.settle();
  CHECK(world.state_of("counter", "a").empty());
  CHECK(world.state_of("ledger", "l").empty());
  CHECK(world.read("counter-events").empty());
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].status == engine::answer_status::rejected);
  CHECK(world.answers[0].body == "a negative amount");
  CHECK(world.count().rejected == 1);
}

TEST_CASE("the same event id takes effect once and gets the same answer, also "
          "after a restart",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  const auto send = [&] {
    world.send("adds", "a", json({.amount = 5}), {{"ce_id", "same"}});
  };
  send();
  send();
  world.settle();
  send();
  world.settle();
  REQUIRE(world.restart());
  send();
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(5, 1));
  REQUIRE(world.answers.size() == 4);
  for (const auto& answer : world.answers)
    CHECK(answer.body == R"({"total":5})");
}

TEST_CASE("the dedupe window forgets after its time", "[runtime][engine]") {
  auto options = small_options();
  options.dedupe_window = 10s;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "same"}});
  world.settle();
  world.pass(11s);
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "same"}});
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(10, 2));
}

TEST_CASE("a transient failure is retried in order for its key while others go "
          "on, across restarts",
          "[runtime][engine]") {
  auto options = small_options();
  options.retry_jitter_percent = 0;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1, .failures = 2}));
  world.send("adds", "a", json({.amount = 10}));
  world.send("adds", "b", json({.amount = 7}));
  world.run_ready();
  world.pass(200ms);
  CHECK(world.state_of("counter", "b") == counter_state(7, 1));
  CHECK(world.count().waiting_messages == 2);
  REQUIRE(world.restart());
  world.pass(1s);
  CHECK(world.state_of("counter", "a") != counter_state(10, 1));
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(11, 2));
  const auto events = world.read("counter-events");
  std::vector<std::string> of_a;
  for (const auto& event : events)
    if (event.key == "a")
      of_a.push_back(event.value);
  REQUIRE(of_a.size() == 2);
  CHECK(of_a[0].find("\"amount\":1,") != std::string::npos);
  CHECK(of_a[1].find("\"amount\":10,") != std::string::npos);
  CHECK(world.read("dead-letter-events").empty());
}

TEST_CASE("a retry waits 2 s, then 4 s", "[runtime][engine]") {
  auto options = small_options();
  options.retry_jitter_percent = 0;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1, .failures = 2}));
  world.run_ready();
  world.pass(1900ms);
  CHECK(world.count().retried == 0);
  world.pass(300ms);
  CHECK(world.count().retried == 1);
  world.pass(3500ms);
  CHECK(world.count().retried == 1);
  world.pass(600ms);
  CHECK(world.count().retried == 2);
  CHECK(world.state_of("counter", "a") == counter_state(1, 1));
}

TEST_CASE("attempts used up become one dead letter with the original bytes, "
          "and the key goes on",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  const std::string bytes = json({.amount = 1, .failures = -1});
  world.send("adds", "a", bytes, {{"ce_id", "bad"}, {"custom", "kept"}});
  world.send("adds", "a", json({.amount = 10}));
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(10, 1));
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].value == bytes);
  CHECK(letters[0].key == "a");
  CHECK(letters[0].headers.at("custom") == "kept");
  CHECK(letters[0].headers.at("dlq_entity") == "counter");
  CHECK(letters[0].headers.at("dlq_topic") == "adds");
  CHECK(letters[0].headers.at("dlq_attempts") == "3");
  CHECK(letters[0].headers.at("dlq_offset") == "0");
  CHECK(letters[0].headers.at("dlq_error") == "told to fail at attempt 3");
}

TEST_CASE("a permanent failure and an undecodable record are dead letters at "
          "once",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1, .permanent = true}));
  world.send("adds", "a", "{not json");
  world.send("adds", "a", R"({"amount":"many"})");
  world.send("adds", "a", "{}", {{"ce_type", "Unknown"}});
  world.send("adds", "a", json({.amount = 2}));
  world.run_ready();
  world.pass(300ms);
  CHECK(world.state_of("counter", "a") == counter_state(2, 1));
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 4);
  CHECK(letters[0].headers.at("dlq_reason") == "permanent failure");
  CHECK(letters[1].headers.at("dlq_reason") == "undecodable");
  CHECK(letters[3].headers.at("dlq_error").find("Unknown")
        != std::string::npos);
}

TEST_CASE("a timer fires once, at its time, also when the process was down",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 3, .again_after = 5000}));
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(3, 1));
  world.pass(3s);
  CHECK(world.count().timers == 1);
  world.crash();
  world.time.advance(10s);
  REQUIRE(world.start());
  world.run_ready();
  world.pass(300ms);
  CHECK(world.state_of("counter", "a") == counter_state(6, 2));
  REQUIRE(world.restart());
  world.pass(20s);
  CHECK(world.state_of("counter", "a") == counter_state(6, 2));
}

TEST_CASE("an entity is asked, monitored and restarted through its CAF handle",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 5}));
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(5, 1));
}

TEST_CASE("what entities told each other leaves the inbox once it was taken",
          "[runtime][engine]") {
  engine_world world{counting_application(), small_options()};
  REQUIRE(world.start());
  for (int i = 0; i < 50; ++i)
    world.send("adds", "a", json({.amount = 1, .tell = "l"}));
  world.settle();
  CHECK(world.state_of("ledger", "l") == R"({"total":50,"entries":50})");
  CHECK(world.read("inbox").empty());
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("ledger", "l") == R"({"total":50,"entries":50})");
}
