// What a log promises that deletes records by their age.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

constexpr std::chrono::seconds retention{60};

ports::log_layout layout_with_retention() {
  auto layout = make_layout();
  for (auto& topic : layout.topics)
    topic.retention = retention;
  return layout;
}

/// Time passes, and the log has a chance to look after it.
void pass(log_fixture& fixture, log_life& life,
          std::chrono::milliseconds time) {
  fixture.advance_clock(time);
  life.append(at(output_topic, 2), {"tick"});
}

} // namespace

TEST_CASE("retention deletes what is older", "[conformance][log][retention]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open(), layout_with_retention()};
  life.append(at(output_topic, 0), {"old"});
  pass(*fixture, life, 2 * retention);
  const auto why = life.fetch_error(at(output_topic, 0), 0);
  REQUIRE(why.has_value());
  CHECK(why->code == errc::not_found);
}

TEST_CASE("retention spares young records behind old ones",
          "[conformance][log][retention]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open(), layout_with_retention()};
  life.append(at(output_topic, 0), {"old"});
  pass(*fixture, life, retention * 3 / 4);
  life.append(at(output_topic, 0), {"young"});
  pass(*fixture, life, retention / 2);
  REQUIRE(life.fetch_error(at(output_topic, 0), 0).has_value());
  const auto left = life.read_all(at(output_topic, 0), 1);
  REQUIRE(left.size() == 1);
  CHECK(left[0].value == "young");
}

TEST_CASE("retention spares what was appended now, whatever its timestamp",
          "[conformance][log][retention]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open(), layout_with_retention()};
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "historic", 0);
  REQUIRE(life.commit({part}).outcome == commit_outcome::done);
  pass(*fixture, life, retention / 2);
  CHECK(life.values_of(at(output_topic, 0)) == texts{"historic"});
}

TEST_CASE("retention spares input that was not taken, also after a restart",
          "[conformance][log][retention]") {
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open(), layout_with_retention()};
    life.append(at(source_topic, 0), {"unread"});
    pass(*fixture, life, 2 * retention);
    CHECK(life.values_of(at(source_topic, 0)) == texts{"unread"});
  }
  log_life life{fixture->open(), layout_with_retention()};
  pass(*fixture, life, 2 * retention);
  CHECK(life.values_of(at(source_topic, 0)) == texts{"unread"});
}

TEST_CASE("retention deletes old input that was taken",
          "[conformance][log][retention]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open(), layout_with_retention()};
  life.append(at(source_topic, 0), {"taken"});
  auto part = life.part();
  part->positions.emplace_back(at(source_topic, 0), next_offset{1});
  REQUIRE(life.commit({part}).outcome == commit_outcome::done);
  pass(*fixture, life, 2 * retention);
  CHECK(life.fetch_error(at(source_topic, 0), 0).has_value());
}

TEST_CASE("retention spares changelog and inbox",
          "[conformance][log][retention]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open(), layout_with_retention()};
  life.append(at(changelog_topic, 0), {"state"});
  life.append(at(inbox_topic, 0), {"message"});
  pass(*fixture, life, 2 * retention);
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"state"});
  CHECK(life.values_of(at(inbox_topic, 0)) == texts{"message"});
}
