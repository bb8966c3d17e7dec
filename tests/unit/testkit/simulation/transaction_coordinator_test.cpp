#include "tests/testkit/simulation/transaction_coordinator.hpp"

#include <catch2/catch.hpp>

#include <deque>

using namespace freehold;
using namespace freehold::simulation;

namespace {

constexpr place partition{0, 0};
constexpr place other_partition{0, 1};

/// A coordinator whose markers are written when a test says so.
struct setting {
  schedule time{1, strategy::in_turn};
  kafka_marks marks;
  struct marker {
    place where;
    producer_session who;
    bool commit = false;
    schedule::task written;
  };
  std::deque<marker> markers;
  transaction_coordinator coordinator{
      time, marks,
      [this](place where, producer_session who, bool commit,
             schedule::task written) {
        markers.push_back({where, who, commit, std::move(written)});
      }};

  void write_all() {
    while (!markers.empty()) {
      markers.front().written();
      markers.pop_front();
    }
  }
  producer_session init() { return coordinator.init("p", 10s).session; }
};

} // namespace

TEST_CASE("a transaction is decided before its markers are written",
          "[simulation]") {
  setting with;
  const auto who = with.init();
  with.coordinator.add("p", who, {partition, other_partition});
  CHECK(with.coordinator.end("p", who, true) == kafka_error::none);
  CHECK(with.markers.size() == 2);
  CHECK(with.coordinator.unfinished_count() == 1);
  CHECK(with.coordinator.add("p", who, {partition})
        == kafka_error::concurrent_transactions);
  with.write_all();
  CHECK(with.coordinator.unfinished_count() == 0);
  CHECK(with.coordinator.add("p", who, {partition}) == kafka_error::none);
}

TEST_CASE("an end that comes late ends the next transaction of the same epoch",
          "[simulation]") {
  setting with;
  const auto who = with.init();
  with.coordinator.add("p", who, {partition});
  with.coordinator.end("p", who, true);
  with.write_all();
  with.coordinator.add("p", who, {partition});
  CHECK(with.coordinator.end("p", who, true) == kafka_error::none);
  CHECK(with.markers.size() == 1); // nobody asked for that one
}

TEST_CASE("a producer that begins anew fences itself and aborts what is open",
          "[simulation]") {
  setting with;
  const auto before = with.init();
  with.coordinator.add("p", before, {partition});
  CHECK(with.coordinator.init("p", 10s).error
        == kafka_error::concurrent_transactions);
  REQUIRE(with.markers.size() == 1);
  CHECK(!with.markers[0].commit);
  with.write_all();
  const auto now = with.init();
  CHECK(now.epoch > before.epoch);
  CHECK(with.coordinator.end("p", before, true)
        == kafka_error::invalid_producer_epoch);
  CHECK(with.coordinator.verify("p", before, partition)
        == kafka_error::invalid_producer_epoch);
}

TEST_CASE("a transaction that is open for too long is aborted, and its epoch "
          "with it",
          "[simulation]") {
  setting with;
  const auto who = with.init();
  with.coordinator.add("p", who, {partition});
  with.time.run_for(9s);
  CHECK(with.markers.empty());
  with.time.run_for(2s);
  REQUIRE(with.markers.size() == 1);
  CHECK(!with.markers[0].commit);
  CHECK(with.coordinator.end("p", who, true)
        == kafka_error::invalid_producer_epoch);
}

TEST_CASE("a partition that was not announced is not part of a transaction",
          "[simulation]") {
  setting with;
  const auto who = with.init();
  CHECK(with.coordinator.verify("p", who, partition)
        == kafka_error::invalid_txn_state);
  with.coordinator.add("p", who, {partition});
  CHECK(with.coordinator.verify("p", who, partition) == kafka_error::none);
  CHECK(with.coordinator.verify("p", who, other_partition)
        == kafka_error::invalid_txn_state);
}
