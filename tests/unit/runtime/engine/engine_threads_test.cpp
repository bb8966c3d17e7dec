// The engine with real threads: the same records on the in-memory and on the
// embedded log must end in the same states. No timing is looked at.
#include "bridges/log/embedded_log.hpp"
#include "bridges/log/memory_log.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/engine/engine.hpp"
#include "runtime/engine/entity_cell.hpp"
#include "tests/conformance/temporary_directory.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include <deque>
#include <future>

using namespace freehold;
using namespace freehold::test_entities;

namespace {

constexpr int record_count = 20'000;
constexpr int key_count = 500;

struct owned_request final : ports::produce_request {
  std::deque<std::pair<std::string, std::string>> texts;
};

void send_all(ports::event_log& log, const engine::application_plan& plan) {
  for (int first = 0; first < record_count; first += 1000) {
    auto request = std::make_shared<owned_request>();
    for (int i = first; i < first + 1000; ++i) {
      const std::string key = "k" + std::to_string(i % key_count);
      add message{.amount = i};
      if (i % 7 == 0)
        message.tell = "l" + std::to_string(i % 13);
      auto& [kept_key, value] = request->texts.emplace_back(key, "");
      codec::to_json(value, message);
      ports::append& made = request->appends.emplace_back();
      made.target = {*plan.topic("adds"),
                     partition_of(key, plan.options.shard_count)};
      made.key = kept_key;
      made.value = value;
    }
    std::promise<ports::commit_outcome> told;
    log.produce(request, [&](const ports::produce_result& answer) {
      told.set_value(answer.outcome);
    });
    REQUIRE(told.get_future().get() == ports::commit_outcome::done);
  }
}

std::string state_of(engine::engine& host, const char* type,
                     const std::string& key) {
  const caf::actor entity = host.find_entity(type, key);
  if (!entity)
    return {};
  caf::scoped_actor self{host.system()};
  std::string text;
  self->request(entity, std::chrono::seconds{30}, engine::read_state{})
      .receive(
          [&](const std::string& json) { text = json; },
          [&](const caf::error& why) { text = host.system().render(why); });
  return text;
}

/// Runs everything and gives what the counters say.
engine::counters run(ports::event_log& log, bool direct, bool send) {
  engine::engine_options options;
  options.shard_count = 8;
  options.worker_count = 4;
  options.direct_delivery = direct;
  options.commit_interval = std::chrono::milliseconds{10};
  const auto plan =
      engine::application_plan::make(counting_application(), options).value();
  system_clock time;
  auto host = engine::engine::make(plan, {.log = log, .time = time}).value();
  REQUIRE(host->start());
  if (send)
    send_all(log, *plan);
  REQUIRE(host->wait_until_idle());
  const auto done = host->count();
  for (int k = 0; k < key_count; k += 37) {
    std::int64_t total = 0;
    for (int i = k; i < record_count; i += key_count)
      total += i;
    CHECK(state_of(*host, "counter", "k" + std::to_string(k))
          == R"({"total":)" + std::to_string(total) + R"(,"adds":)"
                 + std::to_string(record_count / key_count) + "}");
  }
  for (int l = 0; l < 13; ++l) {
    std::int64_t total = 0;
    int entries = 0;
    for (int i = 0; i < record_count; i += 7)
      if (i % 13 == l) {
        total += i;
        ++entries;
      }
    CHECK(state_of(*host, "ledger", "l" + std::to_string(l))
          == R"({"total":)" + std::to_string(total) + R"(,"entries":)"
                 + std::to_string(entries) + "}");
  }
  REQUIRE(host->stop(std::chrono::seconds{30}));
  return done;
}

} // namespace

TEST_CASE("threads on the in-memory log end in the right states",
          "[runtime][engine][threads]") {
  const bool direct = GENERATE(true, false);
  const auto storage = std::make_shared<bridges::log::memory_log_storage>();
  {
    bridges::log::memory_log log{storage};
    const auto done = run(log, direct, true);
    CHECK(done.entities == key_count + 13);
    CHECK(done.dead_lettered == 0);
  }
  bridges::log::memory_log again{storage};
  run(again, direct, false);
}

TEST_CASE("threads on the embedded log end in the right states",
          "[runtime][engine][threads]") {
  const bool direct = GENERATE(true, false);
  const conformance::temporary_directory directory;
  bridges::log::embedded_log_options options;
  options.directory = directory.path();
  options.fsync = false;
  const system_clock retention_clock;
  options.clock = &retention_clock;
  options.map_bytes_max = std::uint64_t{1} << 30U;
  {
    auto opened = bridges::log::embedded_log::open(options);
    if (!opened)
      FAIL(to_string(opened.error()));
    const auto log = *std::move(opened);
    const auto done = run(*log, direct, true);
    CHECK(done.entities == key_count + 13);
  }
  const auto log = bridges::log::embedded_log::open(options).value();
  run(*log, direct, false);
}
