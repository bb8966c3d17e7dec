// How much a feeder may have under way, against a log that answers when it is
// told to.
#include "bridges/log/memory_log.hpp"
#include "node/application_wiring.hpp"
#include "node/produce_window.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace freehold;
using namespace freehold::node;
namespace log_bridge = freehold::bridges::log;

namespace {

class quiet_listener final : public ports::log_listener {
public:
  void granted(std::vector<ports::shard_grant>) override {}
  void revoked(std::vector<partition_index>) override {}
  void lost(std::vector<partition_index>) override {}
  void fetched(next_offset, ports::record_batch_ptr) override {}
  void fetch_failed(topic_partition, next_offset, error) override {}
  void looked_up(std::shared_ptr<ports::lookup>, result<void>) override {}
  void committed(ports::commit_result) override {}
  void recovered(std::vector<ports::shard_grant>) override {}
  void broken(error) override {}
};

struct stepped_log {
  log_bridge::memory_log log{
      std::make_shared<log_bridge::memory_log_storage>(),
      {log_bridge::memory_log_options::execution::stepped}};
  quiet_listener listener;
  topic_index topic;

  stepped_log() {
    configuration values;
    values.topics_prefix = "market";
    const auto plan = make_plan(values).value();
    topic = plan->sources.front().topic;
    REQUIRE(log.start(plan->layout, listener));
    log.run_until_idle();
  }
  ~stepped_log() { log.stop(); }
  stepped_log(const stepped_log&) = delete;
  stepped_log& operator=(const stepped_log&) = delete;

  [[nodiscard]] std::shared_ptr<ports::produce_request> batch() const {
    auto made = std::make_shared<ports::produce_request>();
    ports::append& one = made->appends.emplace_back();
    one.target = {topic, partition_index{0}};
    one.key = "k";
    one.value = "v";
    return made;
  }
};

} // namespace

TEST_CASE("a window is full at its bound until the log answers",
          "[node][produce]") {
  stepped_log to;
  int wakes = 0;
  produce_window window{[&wakes] { ++wakes; }};
  CHECK(window.is_empty());
  for (std::uint32_t i = 0; i < produce_window::batches_max; ++i) {
    CHECK_FALSE(window.is_full());
    window.send(to.log, to.batch(), 10);
  }
  CHECK(window.is_full());
  CHECK(window.appended() == 0);
  REQUIRE(to.log.step());
  CHECK_FALSE(window.is_full());
  CHECK(window.appended() == 10);
  CHECK(wakes == 1);
  to.log.run_until_idle();
  CHECK(window.is_empty());
  CHECK(window.appended() == 10 * produce_window::batches_max);
  CHECK_FALSE(window.failure());
}

TEST_CASE("a batch that was not appended is not counted and is a failure",
          "[node][produce]") {
  stepped_log to;
  to.log.plan_produces(log_bridge::planned_outcome::unknown_lost);
  produce_window window{[] {}};
  window.send(to.log, to.batch(), 10);
  window.send(to.log, to.batch(), 1);
  to.log.run_until_idle();
  CHECK(window.failure());
  CHECK(window.appended() == 1);
  CHECK(window.is_empty());
}

TEST_CASE("an answer that comes after the window is harmless",
          "[node][produce]") {
  stepped_log to;
  bool woken = false;
  {
    produce_window window{[&woken] { woken = true; }};
    window.send(to.log, to.batch(), 1);
  }
  to.log.run_until_idle();
  CHECK(woken);
}
