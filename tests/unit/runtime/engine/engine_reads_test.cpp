// How a shard reads: gaps in offsets, answers that come late, inputs that wait
// for each other.
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace freehold;
using namespace freehold::test_entities;
using namespace std::chrono_literals;
using bridges::log::planned_outcome;
using testkit::engine_world;

namespace {

/// Gives the answer to one read of the changelog too late: right before the
/// next read that follows its withdrawal, as the port allows.
class late_log final : public testkit::forwarding_log {
public:
  using forwarding_log::forwarding_log;

  void fetch(const ports::fetch_request& what) override {
    if (held_ != nullptr && withdrawn_ && what.source == held_->source
        && what.from < held_from_) {
      ++late_answers;
      above_->fetched(held_from_, std::exchange(held_, nullptr));
    }
    below_.fetch(what);
  }
  void cancel_fetch(topic_partition source) override {
    withdrawn_ = withdrawn_ || (held_ != nullptr && source == held_->source);
    below_.cancel_fetch(source);
  }
  void fetched(next_offset from, ports::record_batch_ptr batch) override {
    if (hold_next && batch->source.topic == changelog) {
      hold_next = false;
      held_from_ = from;
      held_ = std::move(batch);
      return;
    }
    above_->fetched(from, std::move(batch));
  }
  [[nodiscard]] bool holds() const { return held_ != nullptr; }

  topic_index changelog;
  bool hold_next = false;
  int late_answers = 0;

private:
  ports::record_batch_ptr held_;
  next_offset held_from_{0};
  bool withdrawn_ = false;
};

/// Holds back what was read of the changelog until it is told to let go.
class holding_log final : public testkit::forwarding_log {
public:
  using forwarding_log::forwarding_log;

  void fetched(next_offset from, ports::record_batch_ptr batch) override {
    if (batch->source.topic == changelog)
      held_ = {from, std::move(batch)};
    else
      above_->fetched(from, std::move(batch));
  }
  /// False if it held nothing.
  bool let_go() {
    auto [from, batch] = std::exchange(held_, {});
    if (batch == nullptr)
      return false;
    above_->fetched(from, std::move(batch));
    return true;
  }

  topic_index changelog{~0U};

private:
  std::pair<next_offset, ports::record_batch_ptr> held_;
};

/// Makes a log that stands between, which is there when the world starts.
template <class Log>
void put_between(engine_world& world, Log*& made) {
  world.interpose = [&made](ports::event_log& below) {
    auto log = std::make_unique<Log>(below);
    made = log.get();
    return log;
  };
}

/// Shows nothing of the changelog for a while, as a log does whose
/// transaction is decided and whose markers are not all written: the end is
/// known, the records before it may not be read yet.
class hiding_log final : public testkit::forwarding_log {
public:
  using forwarding_log::forwarding_log;

  void fetch(const ports::fetch_request& what) override {
    if (!hides || what.source.topic != changelog)
      return below_.fetch(what);
    ++hidden;
    if (what.wait == ports::fetch_wait::for_records) {
      parked_.push_back(what);
      return;
    }
    auto nothing = std::make_shared<nothing_yet>();
    nothing->source = what.source;
    nothing->next = what.from;
    nothing->end = what.from;
    above_->fetched(what.from, std::move(nothing));
  }
  void show() {
    hides = false;
    for (const auto& each : std::exchange(parked_, {}))
      below_.fetch(each);
  }

  topic_index changelog;
  bool hides = true;
  int hidden = 0;

private:
  struct nothing_yet final : ports::record_batch {};
  std::vector<ports::fetch_request> parked_;
};

} // namespace

TEST_CASE("a shard waits for records of its changelog that may not be read yet",
          "[runtime][engine][reads]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.pass(100ms);
  world.settle();
  hiding_log* between = nullptr;
  world.interpose = [&](ports::event_log& below) {
    auto made = std::make_unique<hiding_log>(below);
    between = made.get();
    between->changelog = world.topic("changelog");
    return made;
  };
  REQUIRE(world.restart());
  world.run_ready();
  CHECK(between->hidden == 1); // it waits, and does not ask again and again
  CHECK(!world.host().failure());
  REQUIRE(world.restoring().size() == 1);
  CHECK(world.restoring()[0].next == next_offset{0});
  CHECK(world.restoring()[0].end > next_offset{0});
  CHECK(world.positions().empty());
  between->show();
  world.send("adds", "a", json({.amount = 1}));
  world.pass(100ms);
  world.settle();
  CHECK(world.restoring().empty());
  CHECK(world.state_of("counter", "a") == counter_state(2, 2));
}

TEST_CASE("a gap at the end of a paused input is read over once",
          "[runtime][engine][reads]") {
  auto options = one_shard();
  options.held_bytes_max = 1;
  engine_world world{
      counting_application(), options, {.offsets_skipped_per_unit = 1}};
  REQUIRE(world.start());
  world.run_ready();
  world.send("adds", "a", json({.amount = 1, .failures = 1}));
  world.run_ready(); // held: the input is paused
  world.send("adds", "b", json({.amount = 1}));
  world.run_ready();
  world.log().plan_produces(planned_outcome::failed);
  world.send("adds", "c", json({.amount = 1})); // leaves a gap behind
  constexpr int steps_max = 10'000;
  int steps = 0;
  while (steps < steps_max && world.host().step())
    ++steps;
  CHECK(steps < steps_max);
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(1, 1));
  CHECK(world.state_of("counter", "b") == counter_state(1, 1));
}

TEST_CASE("the late answer to a compaction's read of before an undo is ignored",
          "[runtime][engine][reads]") {
  auto options = one_shard();
  options.changelog_slack_bytes = 8U << 10U;
  options.dedupe_entries_max = 100;
  engine_world world{counting_application(), options};
  late_log* between = nullptr;
  put_between(world, between);
  REQUIRE(world.start());
  between->changelog = world.topic("changelog");
  std::int64_t ids = 0;
  std::int64_t rounds = 0;
  const auto one_round = [&](int keys) {
    for (int i = 0; i < keys; ++i)
      // With ids, packs have answers in them, and are read.
      world.send("adds", "k" + std::to_string(i), json({.amount = 1}),
                 {{"ce_id", std::to_string(++ids)}});
    world.pass(100ms);
    ++rounds;
  };
  one_round(200);
  for (int i = 0; i < 60; ++i)
    one_round(20);
  for (int i = 0; i < 200 && between->late_answers == 0; ++i) {
    between->hold_next = true;
    one_round(20);
    if (!between->holds())
      continue;
    world.log().plan_commits(planned_outcome::failed);
    for (int more = 0; more < 3; ++more)
      one_round(20);
  }
  CHECK(between->late_answers == 1);
  world.settle();
  CHECK(world.state_of("counter", "k0") == counter_state(rounds, rounds));
}

TEST_CASE(
    "the changelog stays within its bound also where its front comes late "
    "and messages do not stop",
    "[runtime][engine][reads]") {
  auto options = one_shard();
  options.changelog_slack_bytes = 8U << 10U;
  options.unit_bytes_max = 32U << 10U;
  options.dedupe_entries_max = 100;
  engine_world world{counting_application(), options};
  holding_log* between = nullptr;
  put_between(world, between);
  REQUIRE(world.start());
  world.settle();
  between->changelog = world.topic("changelog");
  constexpr int messages = 20'000;
  // With ids, packs have answers in them, and are read.
  for (int i = 0; i < messages; ++i)
    world.send("adds", "k" + std::to_string(i % 50), json({.amount = 1}),
               {{"ce_id", std::to_string(i)}});
  while (world.count().taken < messages) {
    world.run_ready();
    const auto now = world.count();
    REQUIRE(now.changelog_bytes <= 2 * now.changelog_live_bytes
                                       + options.changelog_slack_bytes
                                       + 4 * options.unit_bytes_max);
    if (!between->let_go())
      world.time.advance(100ms);
  }
  CHECK(world.count().compacted_bytes > 10 * options.unit_bytes_max);
  CHECK(world.state_of("counter", "k0") == counter_state(400, 400));
}

TEST_CASE("compaction reads no pack whose live states are all in memory",
          "[runtime][engine][reads]") {
  auto options = one_shard();
  options.changelog_slack_bytes = 8U << 10U;
  engine_world world{counting_application(), options};
  late_log* between = nullptr;
  put_between(world, between);
  REQUIRE(world.start());
  world.settle();
  between->changelog = world.topic("changelog");
  between->hold_next = true;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 20; ++i)
      world.send("adds", "k" + std::to_string(round % 3 * 20 + i),
                 json({.amount = 1}));
    world.pass(100ms);
  }
  world.settle();
  CHECK(!between->holds());
  CHECK(world.count().compacted_bytes > options.changelog_slack_bytes);
  CHECK(world.state_of("counter", "k0") == counter_state(34, 34));
  CHECK(world.state_of("counter", "k59") == counter_state(33, 33));
}

TEST_CASE("a batch that waits behind another input's full turn is taken in the "
          "next turn, not after the next commit",
          "[runtime][engine][reads]") {
  const auto options = one_shard();
  auto app = counting_application();
  app.source({.topic = "more", .entity = "counter", .default_message = "Add"});
  engine_world world{app, options};
  REQUIRE(world.start());
  world.settle();
  // Exactly what one turn of a shard takes.
  for (int i = 0; i < 256; ++i)
    world.send("adds", "a", json({.amount = 1}));
  world.send("more", "b", json({.amount = 1}));
  world.run_ready();
  world.time.advance(100ms);
  world.run_ready();
  CHECK(world.count().taken == 257);
}
