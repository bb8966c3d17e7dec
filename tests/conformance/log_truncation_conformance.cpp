// What every event log promises about deleting from the front.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a partition that was truncated to empty counts on after a restart",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  std::int64_t last = 0;
  {
    log_life life{fixture->open()};
    life.append(at(changelog_topic, 0), {"a", "b", "c"});
    last = life.read_all(at(changelog_topic, 0)).back().offset;
    life.cut(at(changelog_topic, 0), last + 1);
    CHECK(life.read_all(at(changelog_topic, 0), last + 1).empty());
  }
  log_life life{fixture->open()};
  CHECK(life.read_all(at(changelog_topic, 0), last + 1).empty());
  life.append(at(changelog_topic, 0), {"d"});
  const auto all = life.read_all(at(changelog_topic, 0), last + 1);
  REQUIRE(all.size() == 1);
  CHECK(all[0].value == "d");
  CHECK(all[0].offset > last);
}

TEST_CASE("recovery tells the begin of a truncated changelog",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 1), {"a", "b", "c"});
  const auto all = life.read_all(at(changelog_topic, 1));
  life.cut(at(changelog_topic, 1), all[2].offset);
  life.recover();
  CHECK(life.grant(1).changelog_begin == next_offset{all[2].offset});
  CHECK(life.grant(0).changelog_begin == next_offset{0});
}

TEST_CASE("recovery does not give back what was given up a moment before",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition target = at(changelog_topic, 1);
  for (int round = 0; round < 5; ++round) {
    life.append(target, {"a", "b", "c"});
    const auto all =
        life.read_all(target, life.grant(1).changelog_begin.value());
    const auto last = all.back().offset;
    life.log->truncate(target, next_offset{last - 1});
    life.log->truncate(target, next_offset{last});
    life.recover();
    CHECK(life.grant(1).changelog_begin == next_offset{last});
  }
}

TEST_CASE("a truncation survives a restart and shows in the grants",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  std::int64_t cut = 0;
  {
    log_life life{fixture->open()};
    life.append(at(changelog_topic, 1), {"a", "b", "c"});
    cut = life.read_all(at(changelog_topic, 1))[1].offset;
    life.cut(at(changelog_topic, 1), cut);
  }
  log_life life{fixture->open()};
  CHECK(life.grant(1).changelog_begin == next_offset{cut});
  const auto left = life.read_all(at(changelog_topic, 1), cut);
  REQUIRE(left.size() == 2);
  CHECK(left[0].value == "b");
  CHECK(life.fetch_error(at(changelog_topic, 1), cut - 1).has_value());
}

TEST_CASE("a truncation shows in the reader's bounds", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 1), {"a", "b", "c"});
  const std::int64_t cut = life.read_all(at(changelog_topic, 1))[1].offset;
  life.cut(at(changelog_topic, 1), cut);
  const auto reader = fixture->open_reader();
  const auto topics = reader->topics();
  REQUIRE(topics.has_value());
  const auto& bounds = (*topics)[changelog_topic.value()].partitions[1];
  CHECK(bounds.begin == next_offset{cut});
  CHECK(bounds.end > bounds.begin);
  const auto gone =
      reader->read(at(changelog_topic, 1), next_offset{cut - 1}, 100);
  REQUIRE(!gone.has_value());
  CHECK(gone.error().code == errc::not_found);
}

TEST_CASE("truncating above the end spares what is appended later",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 0), {"a"});
  const std::int64_t end = life.end_of(at(changelog_topic, 0));
  life.log->truncate(at(changelog_topic, 0), next_offset{end + 100});
  life.append(at(changelog_topic, 0), {"b"});
  for (int i = 0; i < 10; ++i)
    life.append(at(output_topic, 0), {"tick"});
  const auto left = life.read_all(at(changelog_topic, 0), end);
  REQUIRE(left.size() == 1);
  CHECK(left[0].value == "b");
  CHECK(left[0].offset >= end);
}

TEST_CASE("truncating what does not exist changes nothing",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"kept"});
  life.log->truncate(at(topic_index{9}, 0), next_offset{1});
  life.log->truncate(at(output_topic, 3), next_offset{1});
  life.append(at(output_topic, 1), {"tick"});
  CHECK(life.values_of(at(output_topic, 0)) == texts{"kept"});
}

TEST_CASE("a fetch that is parked stays so while its partition is truncated",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const auto target = at(changelog_topic, 0);
  life.append(target, {"a", "b"});
  const std::int64_t end = life.end_of(target);
  life.park(target, end);
  life.log->truncate(target, next_offset{end});
  for (int i = 0; i < 5; ++i)
    life.append(at(output_topic, 0), {"tick"});
  CHECK(life.heard.look([&] {
    return life.heard.batches[target].empty()
           && life.heard.failures[target].empty();
  }));
  life.append(target, {"c"});
  const auto batch = life.await_batch(target);
  REQUIRE(batch->records.size() == 1);
  CHECK(batch->records[0].value == "c");
}

TEST_CASE("a batch stays readable after what it holds was truncated",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const std::string text(5000, 'v');
  life.append(at(changelog_topic, 0), {text});
  const auto batch = life.fetch(at(changelog_topic, 0), 0);
  REQUIRE(batch->records.size() == 1);
  life.cut(at(changelog_topic, 0), batch->records[0].offset.value() + 1);
  for (int i = 0; i < 10; ++i) // what it occupied is used again
    life.append(at(output_topic, 0), {std::string(5000, 'w')});
  CHECK(batch->records[0].value == text);
}
