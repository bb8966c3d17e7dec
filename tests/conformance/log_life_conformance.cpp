// What every event log promises about the begin and the end of its lives.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a batch outlives its log", "[conformance][log]") {
  const auto fixture = make_log_fixture();
  const std::string text(5000, 'v');
  ports::record_batch_ptr batch;
  {
    log_life life{fixture->open()};
    life.append(at(output_topic, 0), {text});
    batch = life.fetch(at(output_topic, 0), 0);
    life.log->stop();
    REQUIRE(batch->records.size() == 1);
    CHECK(batch->records[0].value == text);
  }
  CHECK(batch->records[0].value == text);
  CHECK(batch->records[0].key == "key");
}

TEST_CASE("a log may be stopped by two threads while others use it",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  for (int round = 0; round < 10; ++round) {
    log_life life{fixture->open()};
    std::atomic<bool> ending{false};
    std::atomic<int> used{0};
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        while (!ending) {
          auto request = std::make_shared<owning_request>();
          request->add(at(source_topic, t % 2), "k", "v");
          life.log->produce(
              request, [&](ports::produce_result) { life.heard.note([] {}); });
          life.log->fetch({at(output_topic, t), next_offset{0}, 100,
                           ports::fetch_wait::no});
          life.log->truncate(at(source_topic, t % 2), next_offset{1});
          life.log->recover();
          ++used;
        }
      });
    while (used < 20)
      std::this_thread::yield();
    std::thread other{[&] { life.log->stop(); }};
    life.log->stop();
    other.join();
    const auto told = life.heard.look([&] { return life.heard.event_count; });
    const int before = used;
    while (used < before + 20) // still in use, and silent
      std::this_thread::yield();
    ending = true;
    for (std::thread& each : threads)
      each.join();
    CHECK(life.heard.look([&] { return life.heard.event_count; }) == told);
  }
}

TEST_CASE("what was committed before a stop under load is there afterwards",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  std::atomic<int> done{0};
  {
    log_life life{fixture->open()};
    std::atomic<bool> ending{false};
    std::thread producer{[&] {
      while (!ending) {
        auto request = std::make_shared<owning_request>();
        request->add(at(source_topic, 0), "k", "v");
        life.log->produce(request, [&](ports::produce_result result) {
          done += result.outcome == commit_outcome::done ? 1 : 0;
        });
        std::this_thread::yield();
      }
    }};
    while (done < 50)
      std::this_thread::yield();
    life.log->stop();
    ending = true;
    producer.join();
  }
  log_life life{fixture->open()};
  // Whatever was under way may be there as well.
  CHECK(life.read_all(at(source_topic, 0)).size()
        >= static_cast<std::size_t>(done));
}

TEST_CASE("a start that fails leaves everything as it was",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open()};
    life.append(at(output_topic, 0), {"kept"});
  }
  auto wrong = make_layout();
  wrong.topics.insert(wrong.topics.begin(),
                      {"added", 2, ports::topic_role::output, {}});
  wrong.topics.back().partition_count = 5;
  {
    const auto log = fixture->open();
    recording_listener heard;
    const auto started = log->start(wrong, heard);
    REQUIRE(!started.has_value());
    CHECK(started.error().code == errc::mismatch);
    log->stop();
    CHECK(heard.event_count == 0);
  }
  log_life life{fixture->open()};
  CHECK(life.values_of(at(output_topic, 0)) == texts{"kept"});
  const auto topics = fixture->open_reader()->topics();
  REQUIRE(topics.has_value());
  CHECK(topics->size() == 4); // nothing was added
}

TEST_CASE("a start that failed may be mended and repeated",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  {
    log_life life{fixture->open()};
    life.append(at(output_topic, 0), {"kept"});
  }
  auto layout = make_layout();
  layout.topics.back().partition_count = 5;
  auto log = fixture->open();
  {
    recording_listener heard;
    REQUIRE(!log->start(layout, heard).has_value());
  }
  log_life life{std::move(log)};
  CHECK(life.values_of(at(output_topic, 0)) == texts{"kept"});
  life.append(at(output_topic, 0), {"goes on"});
}

TEST_CASE("keys, values, headers and times come back after a restart",
          "[conformance][log]") {
  const auto fixture = make_log_fixture();
  std::string headers;
  append_header(headers, "ce_type", "offer");
  append_header(headers, "empty", "");
  const topic_partition target = at(output_topic, 2);
  {
    log_life life{fixture->open()};
    auto part = life.part();
    part->add(target, std::nullopt, "no key", 0)
        .add(target, "", "empty key", -1)
        .add(target, "no value", std::nullopt, -1'000'000'000'000)
        .add(target, "empty value", "", 1)
        .add(target, "headers", "v", 4'102'444'800'000, headers);
    REQUIRE(life.commit({part}).outcome == commit_outcome::done);
  }
  log_life life{fixture->open()};
  const auto found = life.read_all(target);
  const auto kept = [&fixture](std::int64_t when) {
    return fixture->kept_time(timestamp{when}).value();
  };
  REQUIRE(found.size() == 5);
  CHECK(found[0].key == std::nullopt);
  CHECK(found[0].time == kept(0));
  CHECK(found[1].key == "");
  CHECK(found[1].time == kept(-1));
  CHECK(found[2].value == std::nullopt);
  CHECK(found[2].time == kept(-1'000'000'000'000));
  CHECK(found[3].value == "");
  CHECK(found[4].headers == headers);
  CHECK(found[4].time == 4'102'444'800'000);
}
