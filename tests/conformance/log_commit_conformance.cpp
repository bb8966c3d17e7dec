// What every event log promises about commits, ownership and lives.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a unit becomes visible in all its topics", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto first = life.part(0);
  first->add(at(changelog_topic, 0), "s", "state 0")
      .add(at(output_topic, 2), "o", "output 0")
      .add(at(inbox_topic, 1), "m", "message");
  auto second = life.part(1);
  second->add(at(changelog_topic, 1), "s", "state 1")
      .add(at(output_topic, 2), "o", "output 1");
  CHECK(life.commit({first, second}).outcome == commit_outcome::done);
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"state 0"});
  CHECK(life.values_of(at(changelog_topic, 1)) == texts{"state 1"});
  CHECK(life.values_of(at(output_topic, 2)) == texts{"output 0", "output 1"});
  CHECK(life.values_of(at(inbox_topic, 1)) == texts{"message"});
}

TEST_CASE("a commit tells the offsets of its changelog records",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  for (int unit = 0; unit < 3; ++unit) {
    auto first = life.part(0);
    auto second = life.part(1);
    first->add(at(output_topic, 0), "o", "skip me")
        .add(at(changelog_topic, 0), "a", std::to_string(unit))
        .add(at(inbox_topic, 0), "m", "skip me too")
        .add(at(changelog_topic, 0), "b", std::to_string(unit));
    second->add(at(changelog_topic, 1), "c", std::to_string(unit));
    auto third = life.part(0);
    third->add(at(output_topic, 0), "o", "none");
    const auto result = life.commit({first, second, third});
    REQUIRE(result.outcome == commit_outcome::done);
    REQUIRE(result.changelog_offsets.size() == 3);
    REQUIRE(result.changelog_offsets[0].size() == 2);
    REQUIRE(result.changelog_offsets[1].size() == 1);
    CHECK(result.changelog_offsets[2].empty());
    const auto check = [&](std::uint32_t partition, record_offset offset,
                           std::string_view key) {
      const auto found =
          life.fetch(at(changelog_topic, partition), offset.value());
      REQUIRE(!found->records.empty());
      CHECK(found->records[0].offset == offset);
      CHECK(found->records[0].key == key);
      CHECK(found->records[0].value == std::to_string(unit));
    };
    check(0, result.changelog_offsets[0][0], "a");
    check(0, result.changelog_offsets[0][1], "b");
    check(1, result.changelog_offsets[1][0], "c");
  }
}

TEST_CASE("an empty unit is committed", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  CHECK(life.commit({}).outcome == commit_outcome::done);
  CHECK(life.commit({life.part(1)}).outcome == commit_outcome::done);
}

TEST_CASE("a unit of many large records is committed whole",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part();
  for (int i = 0; i < 3000; ++i)
    part->add(at(output_topic, static_cast<std::uint32_t>(i % 3)),
              std::to_string(i), std::string(1000, 'v'));
  REQUIRE(life.commit({part}).outcome == commit_outcome::done);
  for (std::uint32_t p = 0; p < 3; ++p) {
    const auto all = life.read_all(at(output_topic, p));
    REQUIRE(all.size() == 1000);
    for (std::size_t i = 0; i < all.size(); ++i)
      CHECK(all[i].key == std::to_string(3 * i + p));
  }
}

TEST_CASE("after its outcome the log does not keep a unit",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "v");
  const std::weak_ptr<owning_part> watched = part;
  REQUIRE(life.commit({std::move(part)}).outcome == commit_outcome::done);
  // Whoever tells the outcome may still be on its way back.
  life.append(at(output_topic, 0), {"another"});
  CHECK(watched.expired());
}

TEST_CASE("a failed unit leaves nothing behind", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"before"});
  fixture->plan_commit(planned::failed);
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "lost")
      .add(at(changelog_topic, 0), "k", "lost");
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(!result.why.context.empty());
  life.recover();
  CHECK(life.values_of(at(output_topic, 0)) == texts{"before"});
  CHECK(life.values_of(at(changelog_topic, 0)).empty());
  life.append(at(output_topic, 0), {"behind"});
  CHECK(life.values_of(at(output_topic, 0)) == texts{"before", "behind"});
}

TEST_CASE("recovery tells the truth about an unknown outcome",
          "[conformance][log]") {
  const bool applied = GENERATE(true, false);
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 0), {"first"});
  const next_offset before = life.grant(0).changelog_end;
  fixture->plan_commit(applied ? planned::unknown_applied
                               : planned::unknown_lost);
  const shard_epoch old = life.epoch(0);
  auto part = life.part();
  part->add(at(changelog_topic, 0), "k", "second")
      .add(at(output_topic, 1), "k", "output");
  CHECK(life.commit({part}).outcome == commit_outcome::unknown);
  life.recover();
  CHECK(life.epoch(0) > old);
  CHECK(life.grant(0).changelog_end > before);
  const auto states = life.values_of(at(changelog_topic, 0));
  const auto outputs = life.values_of(at(output_topic, 1));
  if (applied) {
    CHECK(states == texts{"first", "second"});
    CHECK(outputs == texts{"output"});
  } else {
    CHECK(states == texts{"first"});
    CHECK(outputs.empty());
  }
  // All that is there lies before the end that recovery told.
  CHECK(life.read_all(at(changelog_topic, 0)).back().offset
        < life.grant(0).changelog_end.value());
  life.append(at(changelog_topic, 0), {"third"});
  CHECK(life.values_of(at(changelog_topic, 0)).back() == "third");
}

TEST_CASE("no unit is taken between a failure and the recovery",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->plan_commit(planned::failed);
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "1");
  CHECK(life.commit({part}).outcome == commit_outcome::failed);
  CHECK(life.commit({part}).outcome == commit_outcome::failed);
  CHECK(life.values_of(at(output_topic, 0)).empty());
}

TEST_CASE("a unit of an older epoch is fenced", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto stale = life.part(1);
  stale->add(at(output_topic, 0), "k", "stale");
  life.recover();
  auto fresh = life.part(0);
  fresh->add(at(output_topic, 0), "k", "fresh");
  const auto result = life.commit({fresh, stale});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::fenced);
  CHECK(life.values_of(at(output_topic, 0)).empty());
}

TEST_CASE("a unit for what does not exist fails as a whole",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "good")
      .add(at(output_topic, 3), "k", "no such partition");
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::not_found);
  life.recover();
  CHECK(life.values_of(at(output_topic, 0)).empty());
}

TEST_CASE("produced records are all or nothing and never in the changelog",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto good = std::make_shared<owning_request>();
  good->add(at(source_topic, 0), "a", "1").add(at(source_topic, 1), "b", "2");
  CHECK(life.produce(good).outcome == commit_outcome::done);
  auto bad = std::make_shared<owning_request>();
  bad->add(at(source_topic, 0), "a", "3").add(at(changelog_topic, 0), "b", "4");
  const auto refused = life.produce(bad);
  CHECK(refused.outcome == commit_outcome::failed);
  CHECK(refused.why.code == errc::invalid_argument);
  auto missing = std::make_shared<owning_request>();
  missing->add(at(source_topic, 0), "a", "5").add(at(source_topic, 9), "b", "");
  CHECK(life.produce(missing).why.code == errc::not_found);
  CHECK(life.values_of(at(source_topic, 0)) == texts{"1"});
  CHECK(life.values_of(at(source_topic, 1)) == texts{"2"});
  // The engine's units are not hurt by what others got wrong.
  life.append(at(output_topic, 0), {"fine"});
}

TEST_CASE("many threads may produce and fetch while units are committed",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  constexpr int each_count = 200;
  int answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < each_count; ++i) {
        auto request = std::make_shared<owning_request>();
        request->add(at(source_topic, 0), std::to_string(t), std::to_string(i));
        life.log->produce(request, [&](ports::produce_result) {
          life.heard.note([&] { ++answered; });
        });
      }
    });
  for (int i = 0; i < 50; ++i)
    life.append(at(inbox_topic, 0), {std::to_string(i)});
  for (std::thread& each : threads)
    each.join();
  life.heard.wait([&] { return answered == 3 * each_count; });
  std::map<std::string, int> next;
  for (const auto& each : life.read_all(at(source_topic, 0)))
    CHECK(each.value == std::to_string(next[*each.key]++));
  CHECK(next["0"] + next["1"] + next["2"] == 3 * each_count);
  CHECK(life.values_of(at(inbox_topic, 0)).size() == 50);
}

TEST_CASE("a restart keeps everything and raises the epochs",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  shard_epoch epoch;
  next_offset end;
  {
    log_life life{fixture->open()};
    life.append(at(changelog_topic, 1), {"a", "b"});
    life.append(at(output_topic, 0), {"c"});
    epoch = life.epoch(1);
    const auto batch = life.fetch(at(changelog_topic, 1), 0);
    end = batch->end;
  }
  log_life life{fixture->open()};
  CHECK(life.epoch(1) > epoch);
  CHECK(life.grant(1).changelog_begin == next_offset{0});
  CHECK(life.grant(1).changelog_end == end);
  CHECK(life.values_of(at(changelog_topic, 1)) == texts{"a", "b"});
  CHECK(life.values_of(at(output_topic, 0)) == texts{"c"});
  life.append(at(changelog_topic, 1), {"d"});
  CHECK(life.values_of(at(changelog_topic, 1)) == texts{"a", "b", "d"});
}

TEST_CASE("topics may be added and reordered, not resized",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open()};
    life.append(at(output_topic, 0), {"kept"});
  }
  auto layout = make_layout();
  layout.topics.insert(layout.topics.begin(),
                       {"journal", 2, ports::topic_role::output, {}});
  {
    log_life life{fixture->open(), layout};
    CHECK(life.values_of(at(topic_index{4}, 0)) == texts{"kept"});
    CHECK(life.values_of(at(topic_index{0}, 0)).empty());
    life.append(at(topic_index{0}, 1), {"new"});
    CHECK(life.values_of(at(topic_index{0}, 1)) == texts{"new"});
  }
  layout.topics.back().partition_count = 5;
  const auto log = fixture->open();
  recording_listener heard;
  const auto started = log->start(layout, heard);
  REQUIRE(!started.has_value());
  CHECK(started.error().code == errc::mismatch);
  CHECK_THAT(started.error().context, Catch::Contains("outputs")
                                          && Catch::Contains("3")
                                          && Catch::Contains("5"));
  log->stop();
}

TEST_CASE("a layout that contradicts itself is refused", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  const auto log = fixture->open();
  recording_listener heard;
  auto layout = make_layout();
  layout.topics[0].partition_count = 7; // not one per shard
  const auto started = log->start(layout, heard);
  REQUIRE(!started.has_value());
  CHECK(started.error().code == errc::mismatch);
  CHECK_THAT(started.error().context, Catch::Contains("commands"));
}

TEST_CASE("a log is started once", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  recording_listener other;
  const auto again = life.log->start(make_layout(), other);
  REQUIRE(!again.has_value());
  CHECK(again.error().code == errc::invalid_argument);
  CHECK(other.event_count == 0);
  life.append(at(output_topic, 0), {"still alive"});
}

TEST_CASE("a stopped log is silent and may be stopped again",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.park(at(source_topic, 0), 0);
  life.log->stop();
  const auto before = life.heard.look([&] { return life.heard.event_count; });
  life.log->fetch(
      {at(source_topic, 0), next_offset{0}, 100, ports::fetch_wait::no});
  life.log->commit(std::make_shared<ports::commit_unit>());
  life.log->recover();
  life.log->produce(std::make_shared<owning_request>(),
                    [&](ports::produce_result) { life.heard.note([] {}); });
  life.log->truncate(at(source_topic, 0), next_offset{1});
  life.log->release({partition_index{0}});
  life.log->stop();
  CHECK(life.heard.look([&] { return life.heard.event_count; }) == before);
}

TEST_CASE("a log that was never started stops", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  fixture->open()->stop();
  log_life life{fixture->open()};
}

TEST_CASE("a released shard is committed for no more", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part(1);
  part->add(at(output_topic, 0), "k", "v");
  CHECK(life.commit({part}).outcome == commit_outcome::done);
  life.log->release({partition_index{1}});
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::fenced);
  life.recover();
  CHECK(life.heard.look([&] {
    return life.heard.grants.count(partition_index{1}) == 0
           && life.heard.grants.count(partition_index{0}) == 1;
  }));
  CHECK(life.values_of(at(output_topic, 0)) == texts{"v"});
}
