// What retention may delete and what it must not: the clock is moved by hand.
#include "tests/unit/bridges/log/embedded_log_testkit.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <iterator>
#include <mutex>

using namespace freehold;
using namespace freehold::bridges::log;
using namespace freehold::bridges::log::testkit;
using namespace freehold::conformance;

namespace {

using texts = std::vector<std::string>;

ports::log_layout layout_keeping(topic_index topic,
                                 std::chrono::milliseconds retention) {
  auto layout = make_layout();
  layout.topics[topic.value()].retention = retention;
  return layout;
}

} // namespace

TEST_CASE("records older than their topic's retention go, others stay",
          "[bridges][log]") {
  const temporary_directory directory;
  auto layout = make_layout();
  layout.topics[output_topic.value()].retention = std::chrono::seconds{60};
  log_life life{open_log(options_for(directory)), layout};
  const auto write = [&](topic_partition target) {
    auto part = life.part();
    part->add(target, "k", "v", test_clock.now().value());
    REQUIRE(life.commit({part}).outcome == commit_outcome::done);
  };
  write(at(output_topic, 0));
  write(at(inbox_topic, 0));
  test_clock.advance(30'000);
  write(at(output_topic, 0));
  CHECK(!life.fetch_error(at(output_topic, 0), 0).has_value());
  test_clock.advance(31'000);
  write(at(output_topic, 1));
  const auto gone = life.fetch_error(at(output_topic, 0), 0);
  REQUIRE(gone.has_value());
  CHECK(gone->code == errc::not_found);
  CHECK(life.fetch(at(output_topic, 0), 1)->records.size() == 1);
  CHECK(life.fetch(at(inbox_topic, 0), 0)->records.size() == 1);
}

TEST_CASE("what retention marked does not outlive the unit that was undone",
          "[bridges][log]") {
  const bool recovers = GENERATE(true, false);
  const temporary_directory directory;
  std::atomic<store_fault> fault{store_fault::none};
  auto options = options_for(directory);
  options.batch_bytes = 1024; // every record is a batch of its own
  options.next_fault = [&] { return fault.exchange(store_fault::none); };
  log_life life{open_log(options),
                layout_keeping(output_topic, std::chrono::seconds{60})};
  const std::int64_t old = test_clock.now().value() - 120'000;
  auto first = life.part();
  first->add(at(output_topic, 0), "k", "old", old);
  REQUIRE(life.commit({first}).outcome == commit_outcome::done);
  test_clock.advance(2'000); // retention is due with the next unit

  fault = store_fault::unknown_lost;
  auto lost = life.part();
  for (int i = 0; i < 8; ++i)
    lost->add(at(output_topic, 0), "k", std::string(900, 'o'), old);
  auto fresh = std::make_shared<owning_request>();
  texts expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(std::to_string(i) + std::string(900, 'f'));
    fresh->add(at(output_topic, 0), "k", expected.back(),
               test_clock.now().value());
  }
  CHECK(life.commit({lost}).outcome == commit_outcome::unknown);
  if (recovers)
    life.recover();
  CHECK(life.produce(fresh).outcome == commit_outcome::done);
  texts found;
  for (const auto& each : life.read_all(at(output_topic, 0), 1))
    found.push_back(each.value.value_or(""));
  CHECK(found == expected);
}

TEST_CASE("retention goes by the time of appending, not by the record's own",
          "[bridges][log]") {
  const temporary_directory directory;
  log_life life{open_log(options_for(directory)),
                layout_keeping(output_topic, std::chrono::seconds{60})};
  const std::int64_t now = test_clock.now().value();
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "from the past", now - 1'000'000)
      .add(at(output_topic, 1), "k", "from the future", now * 1000);
  REQUIRE(life.commit({part}).outcome == commit_outcome::done);
  test_clock.advance(30'000);
  life.append(at(output_topic, 2), {"looks after retention"});
  CHECK(life.values_of(at(output_topic, 0)) == texts{"from the past"});
  test_clock.advance(31'000);
  life.append(at(output_topic, 2), {"looks after retention"});
  for (const std::uint32_t partition : {0U, 1U}) {
    const auto gone = life.fetch_error(at(output_topic, partition), 0);
    REQUIRE(gone.has_value());
    CHECK(gone->code == errc::not_found);
  }
}

TEST_CASE("a clock that steps back makes no record look older than those "
          "before it",
          "[bridges][log]") {
  const temporary_directory directory;
  const auto layout = layout_keeping(output_topic, std::chrono::seconds{60});
  {
    log_life life{open_log(options_for(directory)), layout};
    life.append(at(output_topic, 0), {"before"});
  }
  // A machine that begins in the past and learns the time a little later.
  test_clock.advance(-500'000);
  log_life life{open_log(options_for(directory)), layout};
  life.append(at(output_topic, 0), {"in the past"});
  test_clock.advance(530'000);
  life.append(at(output_topic, 1), {"looks after retention"});
  CHECK(life.values_of(at(output_topic, 0)) == texts{"before", "in the past"});
}

TEST_CASE("retention spares input that no unit has taken", "[bridges][log]") {
  const temporary_directory directory;
  const auto layout = layout_keeping(source_topic, std::chrono::seconds{60});
  {
    log_life life{open_log(options_for(directory)), layout};
    life.append(at(source_topic, 0), {"a"});
    life.append(at(source_topic, 0), {"b"});
    life.append(at(source_topic, 1), {"of another shard"});
  }
  test_clock.advance(1'000'000);
  log_life life{open_log(options_for(directory)), layout};
  life.append(at(output_topic, 0), {"looks after retention"});
  CHECK(life.values_of(at(source_topic, 0)) == texts{"a", "b"});

  const auto take = [&](std::int64_t next) {
    auto part = life.part();
    part->positions.emplace_back(at(source_topic, 0), next_offset{next});
    return life.commit({part}).outcome;
  };
  REQUIRE(take(1) == commit_outcome::done);
  test_clock.advance(2'000);
  life.append(at(output_topic, 0), {"looks after retention"});
  CHECK(life.fetch_error(at(source_topic, 0), 0).has_value());
  const auto left = life.read_all(at(source_topic, 0), 1);
  REQUIRE(left.size() == 1);
  CHECK(left[0].value == "b");
  CHECK(life.values_of(at(source_topic, 1)) == texts{"of another shard"});
}

TEST_CASE("positions of a unit that failed let nothing age", "[bridges][log]") {
  const temporary_directory directory;
  std::atomic<store_fault> fault{store_fault::none};
  auto options = options_for(directory);
  options.next_fault = [&] { return fault.exchange(store_fault::none); };
  log_life life{open_log(options),
                layout_keeping(source_topic, std::chrono::seconds{60})};
  life.append(at(source_topic, 0), {"unread"});
  auto part = life.part();
  part->positions.emplace_back(at(source_topic, 0), next_offset{1});
  fault = store_fault::unknown_lost;
  REQUIRE(life.commit({part}).outcome == commit_outcome::unknown);
  life.recover();
  test_clock.advance(1'000'000);
  life.append(at(output_topic, 0), {"looks after retention"});
  CHECK(life.values_of(at(source_topic, 0)) == texts{"unread"});
}

TEST_CASE("inbox and changelog do not age, whatever their retention",
          "[bridges][log]") {
  const temporary_directory directory;
  auto layout = layout_keeping(inbox_topic, std::chrono::seconds{60});
  layout.topics[changelog_topic.value()].retention = std::chrono::seconds{60};
  log_life life{open_log(options_for(directory)), layout};
  life.append(at(inbox_topic, 0), {"message"});
  life.append(at(changelog_topic, 0), {"state"});
  test_clock.advance(1'000'000);
  life.append(at(output_topic, 0), {"looks after retention"});
  CHECK(life.values_of(at(inbox_topic, 0)) == texts{"message"});
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"state"});
}

TEST_CASE("a damaged batch that stops retention is told once",
          "[bridges][log]") {
  const temporary_directory directory;
  const auto layout = layout_keeping(output_topic, std::chrono::seconds{60});
  auto options = options_for(directory);
  {
    log_life life{open_log(options), layout};
    life.append(at(output_topic, 0), {std::string(10'000, 'x')});
    life.append(at(output_topic, 0), {"behind it"});
  }
  {
    std::ifstream in{data_of(directory), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    const auto found = bytes.find(std::string(5'000, 'x'));
    REQUIRE(found != std::string::npos);
    overwrite(data_of(directory), found + 100, 1);
  }
  std::mutex gate;
  std::vector<error> warnings;
  options.warn = [&](const error& what) {
    const std::lock_guard lock{gate};
    warnings.push_back(what);
  };
  log_life life{open_log(options), layout};
  for (int i = 0; i < 5; ++i) {
    test_clock.advance(100'000);
    life.append(at(output_topic, 1), {"looks after retention"});
  }
  const std::lock_guard lock{gate};
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].code == errc::corrupt);
  CHECK_THAT(warnings[0].context, Catch::Contains("outputs")
                                      && Catch::Contains("partition 0")
                                      && Catch::Contains("offset 0"));
  CHECK(life.heard.look([&] { return life.heard.breaks.empty(); }));
  CHECK(life.fetch(at(output_topic, 0), 1)->records.size() == 1);
}
