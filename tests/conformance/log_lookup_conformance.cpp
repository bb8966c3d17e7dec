// What every event log promises about reading single records.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;

namespace {

class collecting_lookup final : public ports::lookup {
public:
  void found(const record& what) override { seen.emplace_back(what); }
  std::vector<plain_record> seen;
};

std::pair<std::vector<plain_record>, result<void>>
look_up(log_life& life, topic_partition source,
        const std::vector<std::int64_t>& offsets) {
  auto what = std::make_shared<collecting_lookup>();
  what->source = source;
  for (const std::int64_t each : offsets)
    what->offsets.emplace_back(each);
  life.log->look_up(what);
  life.heard.wait([&] { return !life.heard.lookups.empty(); });
  return life.heard.look([&] {
    auto [which, outcome] = std::move(life.heard.lookups.front());
    life.heard.lookups.pop_front();
    REQUIRE(which == what);
    return std::pair{what->seen, std::move(outcome)};
  });
}

} // namespace

using texts = std::vector<std::string>;

TEST_CASE("single records are found by their offsets, as they were appended",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition source = at(changelog_topic, 1);
  for (int unit = 0; unit < 10; ++unit) {
    texts some;
    for (int i = 0; i < 7; ++i)
      some.push_back(std::string(static_cast<std::size_t>(i * 3000), 'x')
                     + std::to_string(unit));
    life.append(source, some);
  }
  const auto all = life.read_all(source);
  REQUIRE(all.size() == 70);
  std::vector<std::int64_t> wanted;
  for (std::size_t i = 0; i < all.size(); i += 3)
    wanted.push_back(all[i].offset);
  const auto [seen, outcome] = look_up(life, source, wanted);
  REQUIRE(outcome.has_value());
  REQUIRE(seen.size() == wanted.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(seen[i].offset == wanted[i]);
    CHECK(seen[i].value == all[i * 3].value);
    CHECK(seen[i].key == all[i * 3].key);
    CHECK(seen[i].time == all[i * 3].time);
  }
}

TEST_CASE("a lookup leaves out what was truncated and what is not there yet",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition source = at(changelog_topic, 0);
  life.append(source, {"a", "b"});
  life.append(source, {"c", "d"});
  const auto all = life.read_all(source);
  REQUIRE(all.size() == 4);
  life.cut(source, all[2].offset);
  const auto [seen, outcome] = look_up(
      life, source, {all[0].offset, all[3].offset, all[3].offset + 100});
  REQUIRE(outcome.has_value());
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].value == "d");
}

TEST_CASE("a lookup of nothing is answered", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const auto [seen, outcome] = look_up(life, at(changelog_topic, 0), {});
  CHECK(outcome.has_value());
  CHECK(seen.empty());
}

TEST_CASE("a lookup in a partition that does not exist says so",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const auto [seen, outcome] = look_up(life, at(topic_index{9}, 0), {0});
  REQUIRE(!outcome.has_value());
  CHECK(outcome.error().code == errc::not_found);
  CHECK(seen.empty());
}

TEST_CASE("a lookup does not disturb the fetch of its partition",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  const topic_partition source = at(changelog_topic, 0);
  life.append(source, {"a"});
  const auto all = life.read_all(source);
  const std::int64_t end = life.end_of(source);
  life.park(source, end);
  const auto [seen, outcome] = look_up(life, source, {all[0].offset});
  CHECK(outcome.has_value());
  CHECK(seen.size() == 1);
  life.append(source, {"b"});
  const auto batch = life.await_batch(source);
  REQUIRE(batch->records.size() == 1);
  CHECK(batch->records[0].value == "b");
}
