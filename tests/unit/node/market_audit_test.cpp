// The audit of a log: what agrees, and that each kind of damage is named.
#include "actors/market_application.hpp"
#include "actors/messages/property_messages.hpp"
#include "bridges/log/memory_log_storage.hpp"
#include "node/journal.hpp"
#include "node/market_audit.hpp"
#include "node/market_summary.hpp"
#include "tests/testkit/engine_world.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::node;
using testkit::engine_world;

namespace {

/// Sales of three neighborhoods and their windows, all closed but one.
struct market_world {
  engine_world world{market::market_application(), options()};
  std::shared_ptr<const engine::application_plan> plan =
      engine::application_plan::make(market::market_application(), options())
          .value();

  market_world() {
    if (!world.start())
      throw std::runtime_error("the engine does not start");
    for (int i = 0; i < 60; ++i)
      sell("p" + std::to_string(i), "9800" + std::to_string(i % 3),
           100'000 + i * 1'000, first_day() + i * 86'400'000LL);
    world.settle();
    world.host().close_windows();
    world.settle();
    sell("open", "98001", 5'000, first_day() + 100 * 86'400'000LL);
    world.settle();
  }

  static engine::engine_options options() {
    engine::engine_options how;
    how.shard_count = 3;
    return how;
  }
  [[nodiscard]] std::int64_t first_day() const {
    return world.time.now().value() - 200 * 86'400'000LL;
  }

  void sell(const std::string& key, const std::string& zipcode,
            std::int64_t dollars, std::int64_t at) {
    std::string text;
    codec::to_json(text,
                   market::list_property{market::money::of_dollars(dollars),
                                         zipcode, "", "", "", std::nullopt});
    send(at, key, "ListProperty", text);
    text.clear();
    codec::to_json(text, market::record_sale{
                             market::money::of_dollars(dollars), {}, "", ""});
    send(at, key, "RecordSale", text);
  }

  void send(std::int64_t at, const std::string& key, const std::string& type,
            std::string body) {
    body.insert(1, R"("type":")" + type + R"(",)");
    world.send_dated(timestamp{at}, "property-commands", key, body);
  }

  [[nodiscard]] audit_report audit() {
    bridges::log::memory_log_reader reader{world.storage()};
    audit_report report;
    REQUIRE(audit_journals(reader, plan, report));
    REQUIRE(audit_windows(reader, plan, report));
    return report;
  }
};

/// Ten sales that others tell of; of two nobody says where the home is.
struct followed_world {
  engine_world world{market::following_market_application(),
                     market_world::options()};
  std::shared_ptr<const engine::application_plan> plan =
      engine::application_plan::make(market::following_market_application(),
                                     market_world::options())
          .value();

  followed_world() {
    if (!world.start())
      throw std::runtime_error("the engine does not start");
    for (int i = 0; i < 10; ++i) {
      const std::string number = std::to_string(i);
      const std::string where =
          i < 2 ? "" : R"(,"metadata":{"zipcode":"98001"})";
      world.send("property-events", "p" + number,
                 R"({"eventId":")" + number + R"(","timestamp":"2014-05-0)"
                     + std::to_string(1 + i % 9)
                     + R"(T00:00:00Z","changes":{"status":"sold","price":)"
                     + std::to_string(100 + i) + "}" + where + "}");
    }
    world.settle();
    world.host().close_windows();
    world.settle();
  }
};

engine_world::headers event_headers(const std::string& type,
                                    const std::string& sequence) {
  return {{"ce_type", type},
          {"ce_sequence", sequence},
          {"ce_id", "forged/0/0/0"},
          {"ce_time", "2014-05-02T00:00:00.000Z"}};
}

} // namespace

TEST_CASE("a log that nobody touched agrees, and the audit says how much",
          "[node][audit]") {
  market_world market;
  const audit_report report = market.audit();
  for (const auto& each : report.faults)
    UNSCOPED_INFO(each);
  CHECK(report.fault_count == 0);
  CHECK(report.states == 61);
  CHECK(report.events == 122);
  CHECK(report.newer_events == 0);
  CHECK(report.closed_windows >= 6);
  CHECK(report.open_windows == 1);
}

TEST_CASE("a log of properties that follow a topic is audited by their journal",
          "[node][audit]") {
  followed_world market;
  bridges::log::memory_log_reader reader{market.world.storage()};
  audit_report report;
  REQUIRE(audit_journals(reader, market.plan, report));
  REQUIRE(audit_windows(reader, market.plan, report));
  for (const auto& each : report.faults)
    UNSCOPED_INFO(each);
  CHECK(report.fault_count == 0);
  CHECK(report.states == 10);
  CHECK(report.events == 10);
  CHECK(report.closed_windows == 1);
  // A sale that no window has.
  market.world.send(
      "property-journal", "stray",
      R"({"eventId":"e","timestamp":"2014-05-02T00:00:00.000Z",)"
      R"("propertyId":"stray","changes":{"price":1,"status":"sold"},)"
      R"("metadata":{"zipcode":"98009"}})",
      event_headers("PropertySold", "1"));
  market.world.settle();
  REQUIRE(audit_windows(reader, market.plan, report));
  CHECK(report.fault_count == 1);
}

TEST_CASE("the summary names the sales whose neighborhood nobody has named",
          "[node][summary]") {
  followed_world market;
  bridges::log::memory_log_reader reader{market.world.storage()};
  const auto figures = read_market(reader, market.plan);
  REQUIRE(figures);
  CHECK(figures->sales == 8);
  CHECK(figures->unplaced == 2);
  const auto text = summary_text(*figures, {}, false, "data/x");
  CHECK(text.find("2 sales of properties whose neighborhood no event has named")
        != std::string::npos);
  CHECK(text.find("topic cat property-journal") != std::string::npos);
}

TEST_CASE("an event that was added to a journal is found", "[node][audit]") {
  market_world market;
  // Once more what happened already: the fold then has another count.
  const auto events = market.world.read("property-events");
  const auto sold =
      std::find_if(events.begin(), events.end(), [](const auto& each) {
        return each.headers.at("ce_type") == "PropertySold";
      });
  REQUIRE(sold != events.end());
  market.world.send("property-events", sold->key, sold->value,
                    event_headers("PropertySold", "2"));
  market.world.settle();
  const audit_report report = market.audit();
  CHECK(report.fault_count == 3);
  std::string all;
  for (const auto& each : report.faults)
    all += each + "\n";
  CHECK(all.find("property/" + sold->key + ": event 2 follows") != all.npos);
  CHECK(all.find("its journal makes") != all.npos);
  CHECK(all.find("the window of") != all.npos);
}

TEST_CASE("a window that says another thing than its sales is found",
          "[node][audit]") {
  market_world market;
  const auto prices = market.world.read("neighborhood-prices");
  REQUIRE_FALSE(prices.empty());
  std::string forged = prices.front().value;
  const auto at = forged.find("\"count\":");
  REQUIRE(at != forged.npos);
  forged.insert(at + 8, "9");
  market.world.send("neighborhood-prices", prices.front().key, forged,
                    {{"ce_type", "NeighborhoodPrices"}});
  market.world.settle();
  const audit_report report = market.audit();
  REQUIRE(report.fault_count == 1);
  CHECK(report.faults.front().find("as published") != std::string::npos);
}

TEST_CASE("a sale that no window has is found", "[node][audit]") {
  market_world market;
  market.world.send(
      "property-events", "stray",
      R"({"eventId":"e","timestamp":"2014-05-02T00:00:00.000Z",)"
      R"("propertyId":"stray","changes":{"price":1,"status":"sold"},)"
      R"("metadata":{"userId":"","source":"","zipcode":"98009"}})",
      event_headers("PropertySold", "1"));
  market.world.settle();
  const audit_report report = market.audit();
  CHECK(report.newer_events == 1);
  REQUIRE(report.fault_count == 1);
  CHECK(report.faults.front().find("98009") != std::string::npos);
}

TEST_CASE("what caused an event is told from its id", "[node][journal]") {
  CHECK(cause_text("property-commands/3/17/0")
        == "property-commands partition 3 offset 17");
  CHECK(cause_text("timer/0/5/1") == "timer partition 0 offset 5");
  for (const char* other : {"", "/", "a/b", "1/2/3", "/1/2/3"})
    CHECK(cause_text(other) == other);
}

TEST_CASE("a record without what an event has is none", "[node][journal]") {
  std::string packed;
  append_header(packed, "ce_type", "PropertySold");
  record from;
  from.headers = header_list{packed};
  CHECK(read_event(from).error().code == errc::undecodable);
  append_header(packed, "ce_sequence", "7");
  from.headers = header_list{packed};
  CHECK(read_event(from).error().code == errc::undecodable);
  append_header(packed, "ce_time", "2014-05-02T00:00:00.000Z");
  from.headers = header_list{packed};
  REQUIRE(read_event(from));
  CHECK(read_event(from)->sequence == 7);
  append_header(packed, "ce_dataversion", "two");
  from.headers = header_list{packed};
  CHECK(read_event(from).error().code == errc::undecodable);
}
