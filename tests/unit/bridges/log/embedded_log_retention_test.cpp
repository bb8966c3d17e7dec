// What retention may delete and what it must not: the clock is moved by hand.
#include "tests/unit/bridges/log/embedded_log_testkit.hpp"

#include <catch2/catch.hpp>

#include <atomic>

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
