// The view of a shard beside an engine: the engine runs on the in-memory log,
// the view reads the same log and must tell what the engine would restore.

#include "runtime/engine/changelog_view.hpp"
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using freehold::engine::changelog_view;

namespace {

namespace bridges_log = freehold::bridges::log;
using freehold::test_entities::counter;
using freehold::test_entities::counting_application;

freehold::engine::engine_options two_shards() {
  freehold::engine::engine_options options;
  options.shard_count = 2;
  options.worker_count = 1;
  options.changelog_slack_bytes = 16U << 10U;
  return options;
}

/// A world whose log can be read from beside.
class watched_world {
public:
  watched_world()
      : plan_(freehold::engine::application_plan::make(counting_application(),
                                                       two_shards())
                  .value()),
        storage_(std::make_shared<bridges_log::memory_log_storage>()),
        log_(storage_),
        engine_(freehold::engine::engine::make(
                    plan_, {.log = log_,
                            .time = time,
                            .mode = freehold::engine::run_mode::stepped})
                    .value()) {
    REQUIRE(engine_->start());
    engine_->run_ready();
  }

  void send(const std::string& key, const std::string& json) {
    struct owned final : freehold::ports::produce_request {
      std::string key;
      std::string value;
    };
    auto request = std::make_shared<owned>();
    request->key = key;
    request->value = json;
    freehold::ports::append made;
    made.target = {*plan_->topic("adds"), freehold::partition_of(key, 2)};
    made.time = time.now();
    made.key = request->key;
    made.value = request->value;
    request->appends.push_back(made);
    log_.produce(request, [](const freehold::ports::produce_result&) {});
  }

  void pass(std::chrono::milliseconds duration) {
    for (auto left = duration; left > 0ms; left -= 100ms) {
      engine_->run_ready();
      time.advance(100ms);
      engine_->run_ready();
    }
  }

  freehold::result<changelog_view> view(std::uint32_t shard) {
    bridges_log::memory_log_reader reader{storage_};
    return changelog_view::read(reader, plan_,
                                freehold::partition_index{shard});
  }
  freehold::result<changelog_view> view_of(const std::string& key) {
    return view(freehold::partition_of(key, 2).value());
  }

  freehold::testkit::manual_clock time;

private:
  std::shared_ptr<const freehold::engine::application_plan> plan_;
  std::shared_ptr<bridges_log::memory_log_storage> storage_;
  bridges_log::memory_log log_;
  std::unique_ptr<freehold::engine::engine> engine_;
};

constexpr std::uint32_t counter_type = 0;
constexpr std::uint32_t ledger_type = 1;

} // namespace

TEST_CASE("a view of a shard that nothing was written to is empty",
          "[engine][changelog_view]") {
  watched_world world;
  const auto view = world.view(0);
  REQUIRE(view);
  CHECK(view->unit() == 0);
  CHECK(view->of_type(counter_type).empty());
  CHECK(view->positions().empty());
}

TEST_CASE("a view names the shards there are when asked for another one",
          "[engine][changelog_view]") {
  watched_world world;
  const auto view = world.view(2);
  REQUIRE_FALSE(view);
  CHECK(view.error().code == freehold::errc::not_found);
  CHECK(view.error().context.find("2 shards") != std::string::npos);
}

TEST_CASE("a view shows the latest committed states, versions and positions",
          "[engine][changelog_view]") {
  watched_world world;
  world.send("a", R"({"amount": 2})");
  world.send("a", R"({"amount": 3, "tell": "a"})");
  world.pass(500ms);
  const auto view = world.view_of("a");
  REQUIRE(view);
  const auto* stored = view->find(counter_type, "a");
  REQUIRE(stored != nullptr);
  CHECK(stored->sequence == 2);
  CHECK(view->json(counter_type, "a", *stored).value()
        == R"({"total":5,"adds":2})");
  const auto state = view->state<counter>(counter_type, "a", *stored);
  REQUIRE(state);
  CHECK(state->total == 5);
  CHECK(view->find(counter_type, "nobody") == nullptr);
  const auto* told = view->find(ledger_type, "a");
  REQUIRE(told != nullptr);
  CHECK(view->json(ledger_type, "a", *told).value()
        == R"({"total":3,"entries":1})");
  std::map<std::string, std::int64_t> positions;
  for (const auto& [topic, next] : view->positions())
    positions[topic] = next.value();
  CHECK(positions.at("adds") == 2);
  CHECK(positions.at("inbox") == 1);
  CHECK(view->unit() > 0);
}

TEST_CASE("a view shows held messages until they are finished",
          "[engine][changelog_view]") {
  watched_world world;
  world.send("a", R"({"amount": 2, "failures": 1})");
  world.send("a", R"({"amount": 3})");
  world.pass(300ms);
  const auto before = world.view_of("a");
  REQUIRE(before);
  REQUIRE(before->held().size() == 2);
  const auto& head = before->held().begin()->second;
  CHECK(head.entity == "counter");
  CHECK(head.key == "a");
  CHECK(head.attempts == 1);
  CHECK(head.topic == "adds");
  CHECK(head.offset == freehold::record_offset{0});
  CHECK(head.last_error.find("told to fail") != std::string::npos);
  CHECK(head.value == R"({"amount": 2, "failures": 1})");
  world.pass(10s);
  const auto after = world.view_of("a");
  REQUIRE(after);
  CHECK(after->held().empty());
  const auto* stored = after->find(counter_type, "a");
  REQUIRE(stored != nullptr);
  CHECK(after->state<counter>(counter_type, "a", *stored)->total == 5);
}

TEST_CASE("a view shows timers until they fire", "[engine][changelog_view]") {
  watched_world world;
  world.send("a", R"({"amount": 2, "againAfter": 60000})");
  world.pass(300ms);
  const auto before = world.view_of("a");
  REQUIRE(before);
  REQUIRE(before->timers().size() == 1);
  const auto& timer = before->timers().begin()->second;
  CHECK(timer.entity == "counter");
  CHECK(timer.name == "again");
  CHECK(timer.message == "Add");
  world.pass(61s);
  const auto after = world.view_of("a");
  REQUIRE(after);
  CHECK(after->timers().empty());
}

TEST_CASE("a view is the same after compaction has cut the changelog's front",
          "[engine][changelog_view]") {
  watched_world world;
  world.send("once", R"({"amount": 7})");
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i)
      world.send("key-" + std::to_string(i), R"({"amount": 1})");
    world.pass(100ms);
  }
  world.pass(1s);
  const auto view = world.view_of("once");
  REQUIRE(view);
  const auto* stored = view->find(counter_type, "once");
  REQUIRE(stored != nullptr);
  CHECK(view->state<counter>(counter_type, "once", *stored)->total == 7);
  std::int64_t total = 0;
  for (std::uint32_t shard = 0; shard < 2; ++shard) {
    const auto each = world.view(shard);
    REQUIRE(each);
    for (const auto& [key, state] : each->of_type(counter_type))
      total += each->state<counter>(counter_type, key, state)->total;
  }
  CHECK(total == 7 + 200 * 20);
}
