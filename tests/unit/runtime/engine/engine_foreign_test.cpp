// What the engine makes of what others say about their records: headers,
// content types, ids and versions.
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::test_entities;
using testkit::engine_world;

namespace {

/// A command and an event that once counted dollars.
struct pay {
  static constexpr std::string_view type = "Pay";
  static constexpr std::uint32_t version = 2;
  std::int64_t cents = 0;
  static void upcast(std::uint32_t, codec::dynamic_value& fields) {
    fields.set("cents", fields.at("dollars").to_int() * 100);
  }
};
BOOST_DESCRIBE_STRUCT(pay, (), (cents))

struct purse {
  struct state {
    static constexpr std::string_view type = "purse-state";
    std::int64_t cents = 0;
  };
  static constexpr entity_traits traits{.type = "purse",
                                        .journal = journal_mode::events,
                                        .journal_topic = "purse-events"};
  using messages = message_list<pay>;
  using events = event_list<pay>;
  static void handle(const state&, const pay& m, context<purse>& ctx) {
    ctx.emit(m);
  }
  static void apply(state& now, const pay& event) noexcept {
    now.cents += event.cents;
  }
};
BOOST_DESCRIBE_STRUCT(purse::state, (), (cents))

application purses() {
  application app{"purses"};
  app.entity<purse>();
  app.source({.topic = "payments", .entity = "purse"});
  return app;
}

} // namespace

TEST_CASE("a record's version is read from its header and is 1 without",
          "[runtime][engine]") {
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  world.send("payments", "a", R"({"cents":5})",
             {{"ce_type", "Pay"}, {"ce_id", "1"}, {"ce_dataversion", "2"}});
  world.send("payments", "a", R"({"type":"Pay","eventId":"2","dollars":3})");
  world.settle();
  CHECK(world.state_of("purse", "a") == R"({"cents":305})");
  const auto events = world.read("purse-events");
  REQUIRE(events.size() == 2);
  for (const auto& each : events)
    CHECK(each.headers.at("ce_dataversion") == "2");
}

TEST_CASE("a published record of version 1 names no version",
          "[runtime][engine]") {
  engine_world world{counting_application(), one_shard()};
  REQUIRE(world.start());
  world.send("adds", "a", json({.amount = 5}));
  world.settle();
  const auto events = world.read("counter-events");
  REQUIRE(events.size() == 1);
  CHECK(events[0].headers.count("ce_dataversion") == 0);
}

TEST_CASE("a version that is none makes the record undecodable",
          "[runtime][engine]") {
  const std::string said = GENERATE("0", "", "two", "2x", "-1", "4294967296");
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  world.send("payments", "a", R"({"cents":5})",
             {{"ce_type", "Pay"}, {"ce_id", "1"}, {"ce_dataversion", said}});
  world.settle();
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "undecodable");
  CHECK(letters[0].headers.at("dlq_error").find("ce_dataversion")
        != std::string::npos);
}
