// What outlives restarts, moves and second tries.
#include "runtime/engine/changelog.hpp"
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <mutex>

using namespace freehold;
using namespace freehold::test_entities;
using namespace std::chrono_literals;
using engine::changelog::entry_kind;
using engine::changelog::pack_reader;
using engine::changelog::pack_writer;
using testkit::engine_world;

namespace {

application with_second_source() {
  auto app = counting_application();
  app.source({.topic = "more", .entity = "counter", .default_message = "Add"});
  return app;
}

/// What the changelog has of one kind, in its order.
std::vector<std::string> payloads(engine_world& world, entry_kind kind) {
  std::vector<std::string> all;
  for (const auto& pack : world.read("changelog")) {
    auto reader = pack_reader::open(pack.value).value();
    pack_reader::entry next;
    while (reader.next(next))
      if (next.kind == kind)
        all.emplace_back(next.payload);
  }
  return all;
}

/// Behind the engine's back, for the log lets only units write there.
void append_to_changelog(engine_world& world, std::string_view pack) {
  ports::append made;
  made.value = pack;
  const std::lock_guard lock{world.storage()->gate()};
  for (std::uint32_t t = 0; t < world.storage()->topic_count(); ++t)
    if (world.storage()->spec(t).role == ports::topic_role::changelog)
      world.storage()->apply({{t, 0, &made}});
}

} // namespace

TEST_CASE("a source that is taken out and put back goes on where it was, also "
          "when compaction has cut the changelog meanwhile",
          "[runtime][engine][recovery]") {
  auto options = one_shard();
  options.changelog_slack_bytes = 4096;
  engine_world world{with_second_source(), options};
  REQUIRE(world.start());
  for (int i = 0; i < 5; ++i)
    world.send("more", "a", json({.amount = 1}));
  world.settle();
  world.crash();
  world.deploy(counting_application(), options);
  REQUIRE(world.start());
  for (int i = 0; i < 300; ++i) {
    world.send("adds", "b", json({.amount = 1}));
    world.pass(100ms);
  }
  world.settle();
  REQUIRE(world.count().compacted_bytes > 0);
  world.crash();
  world.deploy(with_second_source(), options);
  REQUIRE(world.start());
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(5, 5));
}

TEST_CASE("an engine says that it has finished only when all it took is "
          "committed",
          "[runtime][engine][recovery]") {
  auto options = one_shard();
  options.shard_count = 3;
  options.worker_count = 3;
  // Every place in the course of a commit at which the stop may be asked for.
  int compared = 0;
  for (int before = 0; before < 12; ++before)
    for (int between = 0; between < 20; ++between) {
      engine_world world{counting_application(), options};
      REQUIRE(world.start());
      world.run_ready();
      world.time.advance(100ms);
      for (int i = 0; i < before && world.host().step(); ++i) {
      }
      for (int i = 0; i < 30; ++i)
        world.send("adds", "k" + std::to_string(i), json({.amount = 1}));
      for (int i = 0; i < between && world.host().step(); ++i) {
      }
      bool finished = false;
      world.host().when_finished([&finished] { finished = true; });
      for (int i = 0; i < 50 && !finished; ++i) {
        while (!finished && world.host().step()) {
        }
        world.time.advance(100ms);
      }
      REQUIRE(finished);
      const auto counted = world.count();
      // Counters tell of what is committed, the journal shows it.
      REQUIRE(world.read("counter-events").size() == counted.applied);
      world.crash();
      world.deploy(counting_application(), options);
      REQUIRE(world.start());
      world.settle();
      REQUIRE(world.count().applied == 30 - counted.applied);
      ++compared;
    }
  CHECK(compared == 240);
}

TEST_CASE("counters go on when a shard is restarted",
          "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  for (int i = 0; i < 50; ++i)
    world.send("adds", "a", json({.amount = 1}));
  world.settle();
  CHECK(world.count().applied == 50);
  world.log().refuse_fetches({errc::unavailable, "as planned"});
  world.send("adds", "a", json({.amount = 1}));
  world.settle();
  CHECK(world.count().applied == 51);
  CHECK(world.count().entities == 1);
}

TEST_CASE("a shard that ended before it read of its revocation is released by "
          "its successor",
          "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.settle();
  REQUIRE(world.log().is_owned(partition_index{0}));
  // Both reach the shard's mailbox before it looks into it.
  world.log().refuse_fetches({errc::unavailable, "as planned"});
  world.send("adds", "a", json({.amount = 1}));
  world.log().revoke({partition_index{0}});
  world.pass(1s);
  CHECK_FALSE(world.log().is_owned(partition_index{0}));
  world.log().grant({partition_index{0}});
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(1, 1));
}

TEST_CASE("an engine without shards of its own has nothing to wait for",
          "[runtime][engine][recovery]") {
  auto options = one_shard();
  options.shard_count = 2;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  world.settle();
  world.log().revoke({partition_index{0}, partition_index{1}});
  world.run_ready();
  world.settle(10s);
  CHECK_FALSE(world.log().is_owned(partition_index{0}));
}

TEST_CASE("a message that became a dead letter is tried anew when it is sent "
          "again, one that was answered is not",
          "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 5, .permanent = true}),
             {{"ce_id", "1"}});
  world.settle();
  CHECK(world.read("dead-letter-events").size() == 1);
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "1"}});
  world.send("adds", "a", json({.amount = 5}), {{"ce_id", "1"}});
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(5, 1));
  CHECK(world.count().duplicates == 1);
}

TEST_CASE("who sent what cannot be read hears that it is a dead letter",
          "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  // The header names the id; the type would be in the body.
  world.send("adds", "a", "{not json", {{"ce_id", "1"}});
  world.settle();
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].event_id == "1");
  CHECK(world.answers[0].status == engine::answer_status::dead_lettered);
}

TEST_CASE("a record in another partition than its key's makes no second entity",
          "[runtime][engine][recovery]") {
  auto options = one_shard();
  options.shard_count = 2;
  engine_world world{counting_application(), options};
  REQUIRE(world.start());
  const partition_index home = partition_of("a", 2);
  const partition_index other{1 - home.value()};
  world.send_to(home, "adds", "a", json({.amount = 1}));
  world.send_to(other, "adds", "a", json({.amount = 2}));
  world.settle();
  CHECK(world.state_of("counter", "a") == counter_state(1, 1));
  CHECK(world.count().entities == 1);
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "in the wrong partition");
  CHECK_THAT(
      letters[0].headers.at("dlq_error"),
      Catch::Contains("belongs to partition " + std::to_string(home.value())));
}

TEST_CASE("a suspect that was committed before its node could say so is "
          "acquitted",
          "[runtime][engine][recovery]") {
  class accusing final : public ports::crash_ledger {
  public:
    std::vector<suspect> begin(const std::vector<std::string>&,
                               std::uint32_t workers) override {
      slots_ = std::vector<ports::crash_slot>(workers);
      return {{"adds", partition_index{0}, 0, 2},
              {"adds", partition_index{0}, 7, 1}};
    }
    ports::crash_slot& slot(worker_index worker) override {
      return slots_[worker.value()];
    }
    void acquit(const suspect& whom) override {
      acquitted.push_back(whom.offset);
    }
    std::vector<std::int64_t> acquitted;

  private:
    std::vector<ports::crash_slot> slots_;
  };
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.settle();
  world.crash();
  accusing accuser;
  world.ledger = &accuser;
  REQUIRE(world.start());
  world.settle();
  CHECK(accuser.acquitted == std::vector<std::int64_t>{0});
}

namespace {

/// A log that keeps positions of its own, as Kafka does.
class positioned_log final : public testkit::forwarding_log {
public:
  positioned_log(ports::event_log& below, topic_index source, next_offset taken)
      : forwarding_log(below), source_(source), taken_(taken) {}

  void granted(std::vector<ports::shard_grant> shards) override {
    for (auto& each : shards)
      each.taken = {{{source_, each.shard}, taken_}};
    forwarding_log::granted(std::move(shards));
  }

private:
  const topic_index source_;
  const next_offset taken_;
};

} // namespace

TEST_CASE(
    "a changelog that is behind the log's own positions has lost records: "
    "nothing is done twice, the node stops and says so",
    "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  for (int i = 0; i < 3; ++i)
    world.send("adds", "a", json({.amount = 1}));
  world.settle();
  const topic_index source = world.plan()->topic("adds").value();
  const auto restart_at = [&](std::int64_t taken) {
    world.interpose = [source, taken](ports::event_log& below) {
      return std::make_unique<positioned_log>(below, source,
                                              next_offset{taken});
    };
    REQUIRE(world.restart());
  };
  // As far, or less far because they were set back or expired.
  for (const std::int64_t taken : {3, 1}) {
    restart_at(taken);
    world.settle();
    CHECK(world.state_of("counter", "a") == counter_state(3, 3));
  }
  restart_at(4);
  REQUIRE_THROWS_WITH(
      world.settle(),
      Catch::Contains("records of changelog are lost")
          && Catch::Contains("adds, partition 0, was taken up to offset 3")
          && Catch::Contains("positions are at 4"));
}

TEST_CASE("an engine tells where the shards that it serves stand",
          "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  for (int i = 0; i < 3; ++i)
    world.send("adds", "a", json({.amount = 1}));
  world.settle();
  const topic_partition source{world.plan()->topic("adds").value(),
                               partition_index{0}};
  const auto all = world.positions();
  const auto found =
      std::find_if(all.begin(), all.end(),
                   [&](const auto& each) { return each.source == source; });
  REQUIRE(found != all.end());
  CHECK(found->next == next_offset{3});
  CHECK_FALSE(found->is_paused);
  world.log().revoke({partition_index{0}});
  world.pass(1s);
  CHECK(world.positions().empty());
}

TEST_CASE("a changelog record that is cut stops the node, which says so",
          "[runtime][engine][recovery]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.settle();
  std::string cut = world.read("changelog").back().value;
  cut.pop_back();
  append_to_changelog(world, cut);
  REQUIRE(world.restart());
  world.pass(1s);
  REQUIRE(world.host().failure());
  CHECK(world.host().failure()->code == errc::corrupt);
  CHECK_THAT(world.host().failure()->context,
             Catch::Contains("shard 0: changelog, offset 1: ")
                 && Catch::Contains("is cut; restore"));
}

TEST_CASE(
    "a state that had to wait for its schema does not take the place of a "
    "newer one",
    "[runtime][engine][recovery]") {
  const auto kind = GENERATE(entry_kind::state, // and of who stays in memory:
                             entry_kind::state_of_shared_hash);
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 1}));
  world.settle();
  world.send("adds", "a", json({.amount = 4}));
  world.settle();
  const auto states = payloads(world, entry_kind::state);
  const auto schemas = payloads(world, entry_kind::schema);
  REQUIRE(states.size() == 2);
  const auto older = pack_reader::state(states[0]).value();
  const auto newer = pack_reader::state(states[1]).value();
  const auto by_id = [&](const std::string& payload) {
    return pack_reader::schema(payload)->id == newer.schema;
  };
  const auto found = std::find_if(schemas.begin(), schemas.end(), by_id);
  REQUIRE(found != schemas.end());
  auto schema = pack_reader::schema(*found).value();
  constexpr std::uint32_t late = 99;
  const auto append = [&](std::uint64_t unit, const auto& put) {
    pack_writer writer;
    writer.begin(unit);
    put(writer);
    append_to_changelog(world, writer.pack(0));
  };
  const auto state = [&](std::uint32_t id, const auto& of) {
    return [&, id](pack_writer& writer) {
      writer.put_state(kind, id, "b", of.sequence,
                       [&](std::string& out) { out.append(of.bytes); });
    };
  };
  append(101, state(late, older));
  append(102, state(newer.schema, newer));
  schema.id = late;
  append(103, [&](pack_writer& writer) { writer.put(schema); });
  REQUIRE(world.restart());
  world.settle();
  CHECK(world.state_of("counter", "b") == counter_state(5, 2));
  CHECK(world.state_of("counter", "a") == counter_state(5, 2));
}
