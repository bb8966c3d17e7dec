#include "bridges/kafka/kafka_error.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace freehold;
using namespace freehold::bridges::kafka;
using Catch::Contains;

TEST_CASE("what a cluster refuses as it is configured says what to change",
          "[unit][bridges][kafka]") {
  const auto [code, remedy] = GENERATE(table<rd_kafka_resp_err_t, std::string>(
      {{RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, "kafka.session-timeout-ms"},
       {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
        "kafka.transaction-timeout-ms"},
       {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, "application.name"},
       {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "READ on the group"},
       {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        "WRITE on the transactional ids"}}));
  const error why = to_error(code, "kafka: joins");
  CHECK(why.code == errc::invalid_argument);
  CHECK_THAT(why.context, Catch::StartsWith("kafka: joins: Broker: "));
  CHECK_THAT(why.context, Contains(remedy));
}

TEST_CASE("what may pass by itself is unavailable, and asks for nothing",
          "[unit][bridges][kafka]") {
  const error why =
      to_error(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, "kafka: joins");
  CHECK(why.code == errc::unavailable);
  CHECK(why.context == "kafka: joins: Broker: Coordinator load in progress");
}
