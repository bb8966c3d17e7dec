// What the engine makes of what others say about their records: headers,
// content types, ids and versions.
#include "tests/testkit/engine_world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <string>

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

TEST_CASE("a record in MessagePack is read as such", "[runtime][engine]") {
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  const std::string form =
      GENERATE("application/msgpack", "application/X-MsgPack; v=5");
  world.send("payments", "a",
             "\x81\xA5"
             "cents\x05",
             {{"ce_type", "Pay"},
              {"ce_id", "1"},
              {"ce_dataversion", "2"},
              {"content-type", form}});
  // Without headers about the message, its fields say what it is.
  for (int i = 0; i < 2; ++i)
    world.send("payments", "a",
               "\x83\xA4type\xA3Pay\xA7"
               "eventId\x07\xA7"
               "dollars\x03",
               {{"content-type", form}});
  world.settle();
  CHECK(world.state_of("purse", "a") == R"({"cents":305})");
  CHECK(world.count().duplicates == 1);
}

TEST_CASE("a described message in another content type is undecodable",
          "[runtime][engine]") {
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  world.send("payments", "a", R"({"cents":5})",
             {{"ce_type", "Pay"},
              {"ce_id", "1"},
              {"content-type", "application/avro"}});
  world.settle();
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "undecodable");
  CHECK(letters[0].headers.at("dlq_error").find("application/avro")
        != std::string::npos);
}

TEST_CASE("an integer is an event id by its digits", "[runtime][engine]") {
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  for (const char* id : {"17", "\"17\"", "17", "18446744073709551615"})
    world.send("payments", "a",
               R"({"type":"Pay","dollars":1,"eventId":)" + std::string{id}
                   + "}");
  world.settle();
  CHECK(world.state_of("purse", "a") == R"({"cents":200})");
  CHECK(world.count().duplicates == 2);
}

TEST_CASE("an event id that is none makes the record undecodable",
          "[runtime][engine]") {
  const std::string id = GENERATE("\"\"", "1.5", "true", "[]", "{}");
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  world.send("payments", "a",
             R"({"type":"Pay","dollars":1,"eventId":)" + id + "}");
  world.send("payments", "a", R"({"type":"Pay","dollars":1,"eventId":null})");
  world.send("payments", "a",
             R"({"type":"Pay","dollars":1,"eventId":)" + id + "}",
             {{"ce_id", "of the header"}});
  world.settle();
  CHECK(world.state_of("purse", "a") == R"({"cents":200})");
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "undecodable");
  CHECK(letters[0].headers.at("dlq_error").find("eventId")
        != std::string::npos);
}

TEST_CASE("of a header's id and a body's the header's counts",
          "[runtime][engine]") {
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  for (const char* id : {"a", "b", "a"})
    world.send("payments", "a", R"({"dollars":1,"eventId":"x"})",
               {{"ce_type", "Pay"}, {"ce_id", id}});
  world.settle();
  CHECK(world.state_of("purse", "a") == R"({"cents":200})");
}

TEST_CASE(
    "of a source whose headers are not read the body says all, and a dead "
    "letter has none of them",
    "[runtime][engine]") {
  application app{"purses"};
  app.entity<purse>();
  app.source({.topic = "payments",
              .entity = "purse",
              .default_message = "Pay",
              .read_headers = false});
  engine_world world{app, one_shard()};
  REQUIRE(world.start());
  const engine_world::headers misleading{
      {"ce_type", "Refund"}, {"ce_id", "same"}, {"ce_dataversion", "2"}};
  world.send("payments", "a", R"({"dollars":1,"eventId":"1"})", misleading);
  world.send("payments", "a", R"({"dollars":2,"eventId":"2"})", misleading);
  world.send("payments", "a", R"({"dollars":)", misleading);
  world.settle();
  CHECK(world.state_of("purse", "a") == R"({"cents":300})");
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "undecodable");
  CHECK(letters[0].headers.count("ce_id") == 0);
  CHECK(letters[0].headers.count("ce_dataversion") == 0);
}

TEST_CASE("a key that is not UTF-8 makes the record undecodable",
          "[runtime][engine]") {
  engine_world world{purses(), one_shard()};
  REQUIRE(world.start());
  world.send("payments", "a\xFF", R"({"type":"Pay","dollars":1})");
  world.send("payments", "a\xC3\xA4", R"({"type":"Pay","dollars":1})");
  world.settle();
  const auto letters = world.read("dead-letter-events");
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].headers.at("dlq_reason") == "undecodable");
  CHECK(letters[0].headers.at("dlq_error").find("key is not UTF-8")
        != std::string::npos);
  CHECK(world.state_of("purse", "a\xC3\xA4") == R"({"cents":100})");
}
