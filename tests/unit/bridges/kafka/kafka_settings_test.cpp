#include "bridges/kafka/kafka_settings.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace freehold;
using namespace freehold::bridges::kafka;
using namespace std::chrono_literals;

namespace {

constexpr client_role all_roles[] = {
    client_role::member,     client_role::reader,   client_role::point_reader,
    client_role::end_finder, client_role::producer, client_role::admin};

kafka_settings with_timeouts(std::chrono::milliseconds session,
                             std::chrono::milliseconds transaction) {
  kafka_settings how;
  how.bootstrap_servers = "127.0.0.1:1";
  how.application = "market";
  how.node_id = "node";
  how.session_timeout = session;
  how.transaction_timeout = transaction;
  return how;
}

} // namespace

TEST_CASE("the shortest and the longest timeouts that the configuration takes "
          "make clients of every role",
          "[unit][bridges][kafka]") {
  const auto how =
      GENERATE(with_timeouts(1s, 1s), with_timeouts(1s, 15min),
               with_timeouts(30min, 1s), with_timeouts(30min, 15min));
  for (const client_role role : all_roles) {
    const auto made = open_client(
        how, role, role == client_role::producer ? "market-node" : "");
    INFO((made ? "" : to_string(made.error())));
    CHECK(made);
  }
}
