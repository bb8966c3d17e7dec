// What a log promises whose shards may be taken away.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a revoked shard is committed for until it is released",
          "[conformance][log][ownership]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->revoke({partition_index{1}});
  life.heard.wait([&] { return !life.heard.revocations.empty(); });
  CHECK(life.heard.look([&] { return life.heard.revocations[0]; })
        == std::vector{partition_index{1}});
  auto part = life.part(1);
  part->add(at(output_topic, 0), "k", "under way");
  CHECK(life.commit({part}).outcome == commit_outcome::done);
  life.log->release({partition_index{1}});
  CHECK(life.commit({part}).why.code == errc::fenced);
}

TEST_CASE("a shard that was released and granted again is committed for",
          "[conformance][log][ownership]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const shard_epoch before = life.epoch(1);
  fixture->revoke({partition_index{1}});
  life.heard.wait([&] { return !life.heard.revocations.empty(); });
  life.log->release({partition_index{1}});
  fixture->grant({partition_index{1}});
  life.heard.wait(
      [&] { return life.heard.grants.at(partition_index{1}).epoch > before; });
  CHECK(life.epoch(1) > before);
  auto part = life.part(1);
  part->add(at(changelog_topic, 1), "k", "v");
  CHECK(life.commit({part}).outcome == commit_outcome::done);
}

TEST_CASE("one shard that is lost leaves the others as they are",
          "[conformance][log][ownership]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto kept = life.part(1);
  kept->add(at(output_topic, 0), "k", "kept");
  fixture->lose({partition_index{0}});
  life.heard.wait([&] { return !life.heard.losses.empty(); });
  CHECK(life.commit({kept}).outcome == commit_outcome::done);
}

TEST_CASE("a unit with a part of a lost shard fails as a whole",
          "[conformance][log][ownership]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto kept = life.part(1);
  kept->add(at(output_topic, 0), "k", "kept");
  auto lost = life.part(0);
  lost->add(at(output_topic, 0), "k", "lost");
  fixture->lose({partition_index{0}});
  life.heard.wait([&] { return !life.heard.losses.empty(); });
  CHECK(life.commit({kept, lost}).why.code == errc::fenced);
  life.recover();
  CHECK(life.values_of(at(output_topic, 0)).empty());
}

TEST_CASE("recovery tells nothing of a shard that was lost",
          "[conformance][log][ownership]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  fixture->lose({partition_index{0}});
  life.heard.wait([&] { return !life.heard.losses.empty(); });
  life.recover();
  CHECK(life.heard.look([&] {
    return life.heard.grants.count(partition_index{0}) == 0
           && life.heard.grants.count(partition_index{1}) == 1;
  }));
}

TEST_CASE("a shard that was lost and granted again has a higher epoch",
          "[conformance][log][ownership]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  auto stale = life.part(0);
  stale->add(at(output_topic, 0), "k", "stale");
  fixture->lose({partition_index{0}});
  life.heard.wait([&] { return !life.heard.losses.empty(); });
  CHECK(life.commit({stale}).why.code == errc::fenced);
  life.recover();
  fixture->grant({partition_index{0}});
  life.heard.wait(
      [&] { return life.heard.grants.contains(partition_index{0}); });
  CHECK(life.epoch(0) > stale->epoch);
  CHECK(life.commit({stale}).outcome == commit_outcome::failed);
  life.recover();
  auto fresh = life.part(0);
  fresh->add(at(output_topic, 0), "k", "fresh");
  CHECK(life.commit({fresh}).outcome == commit_outcome::done);
  CHECK(life.values_of(at(output_topic, 0)) == texts{"fresh"});
}
