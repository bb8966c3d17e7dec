// What every event log promises about outcomes that are not done, and about
// what follows them.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("an outcome that is not done names its unit and says why",
          "[conformance][log]") {
  const auto how = GENERATE(planned::failed, planned::unknown_applied,
                            planned::unknown_lost);
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"unit 1"});
  fixture->plan_commit(how);
  auto part = life.part();
  part->add(at(changelog_topic, 0), "k", "unit 2");
  const auto result = life.commit({part});
  CHECK(result.outcome != commit_outcome::done);
  CHECK(result.id == unit_id{2});
  CHECK(result.changelog_offsets.empty());
  CHECK(result.why.code != errc::ok);
  CHECK(!result.why.context.empty());
}

TEST_CASE("a unit that is refused names itself and says why",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part();
  part->add(at(changelog_topic, 0), "k", "good")
      .add(at(topic_index{9}, 0), "k", "no such topic");
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.id == unit_id{1});
  CHECK(result.changelog_offsets.empty());
  CHECK(result.why.code == errc::not_found);
  CHECK(!result.why.context.empty());
}

TEST_CASE("a part of a shard that does not exist is fenced",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part(0);
  part->shard = partition_index{77};
  part->add(at(output_topic, 0), "k", "v");
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::fenced);
  life.recover();
  CHECK(life.values_of(at(output_topic, 0)).empty());
}

TEST_CASE("a part under an epoch that was never granted is fenced",
          "[conformance][log]") {
  const std::uint64_t difference = GENERATE(0, 1);
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto part = life.part(0);
  // None at all, and one that is still to come.
  part->epoch =
      shard_epoch{difference == 0 ? 0 : part->epoch.value() + difference};
  part->add(at(output_topic, 0), "k", "v");
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::fenced);
}

TEST_CASE("recovery with nothing wrong keeps the shards and raises all epochs",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 1), {"kept"});
  const auto first = std::pair{life.epoch(0), life.epoch(1)};
  life.recover();
  const auto second = std::pair{life.epoch(0), life.epoch(1)};
  CHECK(second.first > first.first);
  CHECK(second.second > first.second);
  life.recover();
  CHECK(life.epoch(0) > second.first);
  CHECK(life.epoch(1) > second.second);
  CHECK(life.values_of(at(changelog_topic, 1)) == texts{"kept"});
  life.append(at(changelog_topic, 1), {"behind"});
}

TEST_CASE("recovery after a failure is answered as often as it is asked for",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->plan_commit(planned::unknown_applied);
  auto part = life.part();
  part->add(at(changelog_topic, 0), "k", "once");
  REQUIRE(life.commit({part}).outcome == commit_outcome::unknown);
  life.recover();
  life.recover();
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"once"});
  life.append(at(changelog_topic, 0), {"behind"});
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"once", "behind"});
}

TEST_CASE("a log that stops without recovery shows its next life all of a unit "
          "or none",
          "[conformance][log]") {
  const bool applied = GENERATE(true, false);
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open()};
    life.append(at(changelog_topic, 0), {"before"});
    fixture->plan_commit(applied ? planned::unknown_applied
                                 : planned::unknown_lost);
    auto part = life.part();
    part->add(at(changelog_topic, 0), "k", "state")
        .add(at(output_topic, 0), "k", "output")
        .add(at(inbox_topic, 1), "k", "message");
    REQUIRE(life.commit({part}).outcome == commit_outcome::unknown);
  }
  log_life life{fixture->open()};
  const auto states = life.values_of(at(changelog_topic, 0));
  CHECK(states == (applied ? texts{"before", "state"} : texts{"before"}));
  CHECK(life.values_of(at(output_topic, 0)).size() == (applied ? 1 : 0));
  CHECK(life.values_of(at(inbox_topic, 1)).size() == (applied ? 1 : 0));
  // What the new owner was told to restore holds all of it.
  CHECK(life.read_all(at(changelog_topic, 0)).back().offset
        < life.grant(0).changelog_end.value());
  life.append(at(changelog_topic, 0), {"goes on"});
}

TEST_CASE("a parked fetch is answered by recovery at the latest where the unit "
          "was applied",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.park(at(inbox_topic, 0), 0);
  fixture->plan_commit(planned::unknown_applied);
  auto part = life.part();
  part->add(at(inbox_topic, 0), "k", "there after all");
  REQUIRE(life.commit({part}).outcome == commit_outcome::unknown);
  life.recover();
  const auto batch = life.await_batch(at(inbox_topic, 0));
  REQUIRE(batch->records.size() == 1);
  CHECK(batch->records[0].value == "there after all");
}

TEST_CASE("produced records that fail leave nothing behind",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->plan_produce(planned::failed);
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "lost")
      .add(at(source_topic, 1), "k", "lost");
  const auto result = life.produce(request);
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(!result.why.context.empty());
  CHECK(life.values_of(at(source_topic, 0)).empty());
  CHECK(life.values_of(at(source_topic, 1)).empty());
  CHECK(life.produce(request).outcome == commit_outcome::done);
  CHECK(life.values_of(at(source_topic, 0)) == texts{"lost"});
}

TEST_CASE("produced records of unknown outcome are there as a whole or not at "
          "all",
          "[conformance][log]") {
  const bool applied = GENERATE(true, false);
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->plan_produce(applied ? planned::unknown_applied
                                : planned::unknown_lost);
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "a")
      .add(at(source_topic, 1), "k", "b");
  CHECK(life.produce(request).outcome == commit_outcome::unknown);
  // The next ones come behind, whatever became of these.
  auto next = std::make_shared<owning_request>();
  next->add(at(source_topic, 0), "k", "next")
      .add(at(source_topic, 1), "k", "next");
  CHECK(life.produce(next).outcome == commit_outcome::done);
  CHECK(life.values_of(at(source_topic, 0))
        == (applied ? texts{"a", "next"} : texts{"next"}));
  CHECK(life.values_of(at(source_topic, 1))
        == (applied ? texts{"b", "next"} : texts{"next"}));
}

TEST_CASE("produced records of unknown outcome do not stop units",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->plan_produce(planned::unknown_lost);
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "v");
  CHECK(life.produce(request).outcome == commit_outcome::unknown);
  life.append(at(output_topic, 0), {"a unit"});
  CHECK(life.values_of(at(output_topic, 0)) == texts{"a unit"});
}

TEST_CASE("records may be produced between a failed unit and the recovery",
          "[conformance][log]") {
  const auto how = GENERATE(planned::failed, planned::unknown_applied,
                            planned::unknown_lost);
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->plan_commit(how);
  auto part = life.part();
  part->add(at(source_topic, 0), "k", "of the unit");
  REQUIRE(life.commit({part}).outcome != commit_outcome::done);
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "from outside");
  CHECK(life.produce(request).outcome == commit_outcome::done);
  life.recover();
  CHECK(life.values_of(at(source_topic, 0))
        == (how == planned::unknown_applied
                ? texts{"of the unit", "from outside"}
                : texts{"from outside"}));
}
