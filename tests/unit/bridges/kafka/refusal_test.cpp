// What a real Kafka, that of FREEHOLD_BOOTSTRAP, refuses as it is configured:
// to ask again would not help.
#include "bridges/kafka/group_member.hpp"
#include "bridges/kafka/topic_setup.hpp"
#include "bridges/kafka/transactional_producer.hpp"
#include "tests/unit/bridges/kafka/cluster_settings.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <string>

using namespace freehold;
using namespace freehold::bridges::kafka;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

// By default a broker grants half an hour and a quarter of one.
constexpr std::chrono::milliseconds session_refused = 31min;
constexpr std::chrono::milliseconds transaction_refused = 16min;

} // namespace

TEST_CASE("a session that the brokers do not grant is refused, not waited for",
          "[bridges][kafka]") {
  kafka_settings how = cluster_settings("refused");
  how.session_timeout = session_refused;
  REQUIRE(set_up_topics(how, {.topics = {}, .shard_count = 1}));
  serial_thread home;
  std::promise<error> told;
  const auto ignored = [](const bridges::kafka::group_member::shards&) {};
  bridges::kafka::group_member member{
      how, home, {ignored, ignored, ignored, [&](error why) {
                    told.set_value(why);
                  }}};
  home.post([&] { (void)member.start(); });

  const error why = told.get_future().get();
  CHECK(why.code == errc::invalid_argument);
  CHECK_THAT(why.context,
             Contains(how.application) && Contains("kafka.session-timeout-ms"));
  home.stop();
}

TEST_CASE("a transaction's timeout that the brokers do not grant is refused, "
          "not waited for",
          "[bridges][kafka]") {
  kafka_settings how = cluster_settings("refused");
  how.transaction_timeout = transaction_refused;
  std::promise<error> told;
  transactional_producer producer{
      how, how.application, {}, [&](error why) { told.set_value(why); }};
  producer.begin_anew([] {});

  const error why = told.get_future().get();
  CHECK(why.code == errc::invalid_argument);
  CHECK_THAT(why.context, Contains(how.application)
                              && Contains("kafka.transaction-timeout-ms"));
  producer.stop();
}
