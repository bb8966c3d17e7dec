// What a log promises whose offsets have gaps, as those of Kafka do.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a fetch from inside a gap begins with the next record",
          "[conformance][log][gaps]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"a"});
  life.append(at(output_topic, 0), {"b"});
  const auto all = life.read_all(at(output_topic, 0));
  REQUIRE(all.size() == 2);
  REQUIRE(all[1].offset > all[0].offset + 1); // or there is no gap
  const auto batch = life.fetch(at(output_topic, 0), all[0].offset + 1);
  REQUIRE(batch->records.size() == 1);
  CHECK(batch->records[0].value == "b");
  CHECK(batch->records[0].offset.value() == all[1].offset);
}

TEST_CASE("a fetch that does not wait moves over a gap without a record",
          "[conformance][log][gaps]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"a"});
  const auto whole = life.fetch(at(output_topic, 0), 0);
  REQUIRE(whole->records.size() == 1);
  const std::int64_t gap = whole->records[0].offset.value() + 1;
  REQUIRE(whole->end.value() > gap);
  const auto batch = life.fetch(at(output_topic, 0), gap);
  CHECK(batch->records.empty());
  CHECK(batch->next == whole->end);
  CHECK(batch->end == whole->end);
}

TEST_CASE("a fetch that waits for records is answered where only the position "
          "can move",
          "[conformance][log][gaps]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(output_topic, 0), {"a"});
  const auto whole = life.fetch(at(output_topic, 0), 0);
  const std::int64_t gap = whole->records.back().offset.value() + 1;
  REQUIRE(whole->end.value() > gap);
  life.park(at(output_topic, 0), gap);
  const auto batch = life.await_batch(at(output_topic, 0));
  CHECK(batch->records.empty());
  CHECK(batch->next == whole->end);
}

TEST_CASE("a parked fetch moves over what a failed unit leaves behind",
          "[conformance][log][gaps]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.park(at(output_topic, 0), 0);
  fixture->plan_commit(planned::failed);
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "lost");
  REQUIRE(life.commit({part}).outcome == commit_outcome::failed);
  const auto batch = life.await_batch(at(output_topic, 0));
  CHECK(batch->records.empty());
  CHECK(batch->next > next_offset{0});
  CHECK(batch->next == batch->end);
}

TEST_CASE("truncating inside a gap keeps the records behind it",
          "[conformance][log][gaps]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 0), {"a"});
  life.append(at(changelog_topic, 0), {"b"});
  const auto all = life.read_all(at(changelog_topic, 0));
  REQUIRE(all.size() == 2);
  REQUIRE(all[1].offset > all[0].offset + 1);
  life.cut(at(changelog_topic, 0), all[0].offset + 1);
  const auto left = life.read_all(at(changelog_topic, 0), all[0].offset + 1);
  REQUIRE(left.size() == 1);
  CHECK(left[0].value == "b");
}
