// What entity_type_of makes of an author's struct: the right handler for each
// message, all or nothing, and states of older versions.

#include "runtime/codec/codec.hpp"
#include "runtime/entity/application.hpp"
#include "runtime/entity/dispatch.hpp"
#include "tests/testkit/entity_harness.hpp"
#include "tests/testkit/entity_kit.hpp"
#include "tests/testkit/recorded_effects.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using namespace freehold;
using freehold::testkit::entity_kit;
using freehold::testkit::recording_sink;

namespace {

/// What a handler is asked to do, after it has had effects.
enum class deed : std::uint8_t {
  finish,
  reject,
  fail_for_now,
  fail_for_good,
  throw_logic_error,
  throw_number,
};
BOOST_DESCRIBE_ENUM(deed, finish, reject, fail_for_now, fail_for_good,
                    throw_logic_error, throw_number)

struct decide {
  static constexpr std::string_view type = "Decide";
  deed what = deed::finish;
};
BOOST_DESCRIBE_STRUCT(decide, (), (what))

struct change {
  static constexpr std::string_view type = "Change";
  deed what = deed::finish;
};
BOOST_DESCRIBE_STRUCT(change, (), (what))

struct happened {
  static constexpr std::string_view type = "Happened";
  std::uint32_t by = 0;
};
BOOST_DESCRIBE_STRUCT(happened, (), (by))

void finish(deed what, auto& ctx) {
  switch (what) {
  case deed::finish:
    return;
  case deed::reject:
    return ctx.reject("no");
  case deed::fail_for_now:
    throw transient_failure{"later"};
  case deed::fail_for_good:
    throw permanent_failure{"never"};
  case deed::throw_logic_error:
    throw std::logic_error{"a bug"};
  case deed::throw_number:
    throw 17;
  }
}

/// Both handler forms, and everything that a handler can do.
struct counter {
  struct state {
    static constexpr std::string_view type = "CounterState";
    std::uint32_t count = 0;
    std::string note;
  };
  static constexpr entity_traits traits{.type = "counter"};
  using messages = message_list<decide, change, raw_message>;

  static void effects(context<counter>& ctx) {
    ctx.publish("out", happened{1});
    ctx.publish_raw("out", "k", "bytes");
    ctx.tell("counter", "2", happened{2});
    ctx.schedule("soon", timestamp{5}, happened{3});
    ctx.cancel("soon");
    ctx.reply(happened{4});
  }
  static void handle(const state&, const decide& what, context<counter>& ctx) {
    effects(ctx);
    ctx.emit(happened{10});
    finish(what.what, ctx);
  }
  static void handle(state& now, const change& what, context<counter>& ctx) {
    effects(ctx);
    ++now.count;
    now.note = "changed";
    finish(what.what, ctx);
  }
  static void handle(state& now, const raw_message& raw,
                     context<counter>& ctx) {
    if (raw.value == "no")
      ctx.reject("raw");
    now.note = raw.value;
  }
  static void apply(state& now, const happened& event) noexcept {
    now.count += event.by;
  }
};
BOOST_DESCRIBE_STRUCT(counter::state, (), (count, note))

struct note {
  static constexpr std::string_view type = "Note";
  static constexpr std::uint32_t version = 2;
  std::string text;
  static void upcast(std::uint32_t, codec::dynamic_value& fields) {
    if (fields.find("broken") != nullptr)
      throw std::runtime_error{"an upcaster with a bug"};
    fields.rename("words", "text");
  }
};
BOOST_DESCRIBE_STRUCT(note, (), (text))

/// Takes nothing raw.
struct strict {
  struct state {
    static constexpr std::string_view type = "StrictState";
    std::string last;
  };
  static constexpr entity_traits traits{.type = "strict"};
  using messages = message_list<note>;
  static void handle(state& now, const note& taken, context<strict>&) {
    now.last = taken.text;
  }
};
BOOST_DESCRIBE_STRUCT(strict::state, (), (last))

template <class E>
handling handle(typename E::state& now, const incoming& message,
                effect_sink& sink) {
  return entity_type_of<E>{}.handle(&now, 0, message, sink);
}

template <class Message>
handling give(counter::state& now, deed what, effect_sink& sink) {
  std::string body;
  codec::to_json(body, Message{what});
  return handle<counter>(now, {.key = "1", .type = Message::type, .body = body},
                         sink);
}

} // namespace

TEST_CASE("a handler over a constant state changes it by its events",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  counter::state now{.count = 1, .note = "before"};
  const handling done = give<decide>(now, deed::finish, sink);
  CHECK(done.outcome == handled::applied);
  CHECK(done.changed);
  CHECK(done.events == 1);
  CHECK(now.count == 11);
  CHECK(sink.effects().records.size() == 2);
  CHECK(sink.effects().tells.size() == 1);
  CHECK(sink.effects().timers.size() == 2);
  CHECK(sink.effects().reply == R"({"by":4})");
}

TEST_CASE("a handler over a changeable state changes it directly",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  counter::state now{.count = 1, .note = "before"};
  const handling done = give<change>(now, deed::finish, sink);
  CHECK(done.outcome == handled::applied);
  CHECK(done.changed);
  CHECK(done.events == 0);
  CHECK(now.count == 2);
  CHECK(now.note == "changed");
}

TEST_CASE("what is not applied leaves the state as it was, in both forms",
          "[runtime][entity]") {
  struct expectation {
    deed what;
    handled outcome;
    const char* why;
  };
  const auto expected = GENERATE(
      expectation{deed::reject, handled::rejected, "no"},
      expectation{deed::fail_for_now, handled::failed_transient, "later"},
      expectation{deed::fail_for_good, handled::failed_permanent, "never"},
      expectation{deed::throw_logic_error, handled::failed_transient, "a bug"},
      expectation{deed::throw_number, handled::failed_transient,
                  "the handler threw something that is no std::exception"});
  const bool constant = GENERATE(true, false);
  recording_sink sink{timestamp{}, 1};
  counter::state now{.count = 1, .note = "before"};
  const handling done = constant ? give<decide>(now, expected.what, sink)
                                 : give<change>(now, expected.what, sink);
  CHECK(done.outcome == expected.outcome);
  CHECK(done.why == expected.why);
  CHECK_FALSE(done.changed);
  CHECK(done.events == 0);
  CHECK(now.count == 1);
  CHECK(now.note == "before");
}

TEST_CASE("no effect is left of what was not applied", "[runtime][entity]") {
  entity_kit<counter> kit{"1"};
  kit.when(decide{deed::reject}).then_rejects("no").then_nothing_else();
  kit.when(change{deed::reject}).then_rejects("no").then_nothing_else();
  kit.when(decide{deed::fail_for_now})
      .then_fails_for_now("later")
      .then_nothing_else();
  kit.when(change{deed::fail_for_good})
      .then_fails_for_good("never")
      .then_nothing_else();
}

TEST_CASE("bytes that are no such message are undecodable and say why",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  counter::state now;
  for (const auto format : {body_format::json, body_format::msgpack}) {
    const handling done = handle<counter>(
        now, {.key = "1", .type = "Decide", .format = format, .body = "\x81"},
        sink);
    CHECK(done.outcome == handled::undecodable);
    CHECK_THAT(done.why, Catch::StartsWith("Decide"));
  }
  const handling done = handle<counter>(
      now, {.key = "1", .type = "Decide", .body = R"({"what":"dance"})"}, sink);
  CHECK(done.outcome == handled::undecodable);
  CHECK_THAT(done.why, Catch::Contains("Decide.what"));
}

TEST_CASE("a message of an unknown type is undecodable and names it",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  strict::state now;
  const handling done =
      handle<strict>(now, {.key = "1", .type = "Song", .body = "{}"}, sink);
  CHECK(done.outcome == handled::undecodable);
  CHECK(done.why == R"(strict takes no message of type "Song")");
}

TEST_CASE("raw_message takes what no other entry of the list names",
          "[runtime][entity]") {
  const entity_type_of<counter> type;
  CHECK(type.takes("Decide"));
  CHECK(type.takes("anything"));
  CHECK_FALSE(entity_type_of<strict>{}.takes("anything"));
  recording_sink sink{timestamp{}, 1};
  counter::state now;
  for (const char* name : {"", "Song", "raw"}) {
    const std::string body = std::string{"\xff\x00 by ", 6} + name;
    CHECK(handle<counter>(now, {.key = "1", .type = name, .body = body}, sink)
              .outcome
          == handled::applied);
    CHECK(now.note == body);
  }
  const handling done =
      handle<counter>(now, {.key = "1", .type = "Song", .body = "no"}, sink);
  CHECK(done.outcome == handled::rejected);
  CHECK(now.note != "no");
}

TEST_CASE("a message of an older version goes through its upcaster",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  strict::state now;
  const auto old = [&](std::string_view body, std::uint32_t version) {
    return handle<strict>(
        now, {.key = "1", .type = "Note", .version = version, .body = body},
        sink);
  };
  CHECK(old(R"({"words":"hi"})", 1).outcome == handled::applied);
  CHECK(now.last == "hi");
  CHECK(old(R"({"words":"hi"})", 2).outcome == handled::undecodable);
  CHECK(old(R"({"text":"hi"})", 3).outcome == handled::undecodable);
}

TEST_CASE("an upcaster that throws makes the message undecodable",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  strict::state now{.last = "before"};
  const handling done = handle<strict>(
      now,
      {.key = "1", .type = "Note", .version = 1, .body = R"({"broken":1})"},
      sink);
  CHECK(done.outcome == handled::undecodable);
  CHECK_THAT(done.why, Catch::Contains("an upcaster with a bug"));
  CHECK(now.last == "before");
}

namespace {

struct add {
  static constexpr std::string_view type = "Add";
  std::uint32_t by = 0;
};
BOOST_DESCRIBE_STRUCT(add, (), (by))

/// The state as version 1 stored it.
struct old_sum_state {
  static constexpr std::string_view type = "SumState";
  std::uint32_t total = 0;
  std::string gone;
};
BOOST_DESCRIBE_STRUCT(old_sum_state, (), (total, gone))

struct sum {
  struct state {
    static constexpr std::string_view type = "SumState";
    static constexpr std::uint32_t version = 2;
    std::uint64_t sum_total = 0;
    std::optional<std::string> label;
    static void upcast(std::uint32_t, codec::dynamic_value& fields) {
      fields.rename("total", "sumTotal");
    }
  };
  static constexpr entity_traits traits{
      .type = "sum", .journal = journal_mode::events, .journal_topic = "sums"};
  using messages = message_list<add>;
  using events = event_list<happened>;
  static void handle(const state&, const add& what, context<sum>& ctx) {
    for (std::uint32_t i = 0; i < what.by; ++i)
      ctx.emit(happened{1});
  }
  static void apply(state& now, const happened& event) noexcept {
    now.sum_total += event.by;
  }
};
BOOST_DESCRIBE_STRUCT(sum::state, (), (sum_total, label))

} // namespace

TEST_CASE("a state that version 1 stored is read by version 2",
          "[runtime][entity]") {
  entity_kit<sum> kit{"1"};
  kit.given_state(old_sum_state{.total = 40, .gone = "x"})
      .when(add{2})
      .then_emits(happened{1})
      .then_emits(happened{1})
      .then_nothing_else()
      .then_state([](const sum::state& now) { return now.sum_total == 42; });
}

TEST_CASE("a stored schema that is none or newer gives no decoder",
          "[runtime][entity]") {
  const entity_type_of<sum> type;
  const auto none = type.decoder("nonsense");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::undecodable);
  auto newer = codec::schema_of<sum::state>();
  newer.structs.front().version = 3;
  const auto later = type.decoder(codec::encode_schema(newer));
  REQUIRE_FALSE(later);
  CHECK(later.error().code == errc::mismatch);
}

TEST_CASE("journaled events are numbered on from the sequence",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  sum::state now;
  const handling done = entity_type_of<sum>{}.handle(
      &now, 7, {.key = "1", .type = "Add", .body = R"({"by":2})"}, sink);
  CHECK(done.events == 2);
  REQUIRE(sink.effects().records.size() == 2);
  CHECK(sink.effects().records[0].topic == "sums");
  CHECK(sink.effects().records[0].key == "1");
  CHECK(sink.effects().records[0].type == "Happened");
  CHECK(sink.effects().records[0].sequence == 8);
  CHECK(sink.effects().records[1].sequence == 9);
}

TEST_CASE("replay applies events and refuses what is none",
          "[runtime][entity]") {
  const entity_type_of<sum> type;
  sum::state now;
  CHECK(type.replay(&now, "Happened", 1, R"({"by":3})"));
  CHECK(now.sum_total == 3);
  const auto unknown = type.replay(&now, "Add", 1, R"({"by":3})");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().context == R"(sum has no event of type "Add")");
  CHECK_FALSE(type.replay(&now, "Happened", 1, "{}"));
  CHECK_FALSE(type.replay(&now, "Happened", 2, R"({"by":3})"));
  CHECK(now.sum_total == 3);
}

namespace {

/// An event that once counted dollars.
struct paid {
  static constexpr std::string_view type = "Paid";
  static constexpr std::uint32_t version = 2;
  std::int64_t cents = 0;
  static void upcast(std::uint32_t, codec::dynamic_value& fields) {
    fields.set("cents", fields.at("dollars").to_int() * 100);
  }
};
BOOST_DESCRIBE_STRUCT(paid, (), (cents))

struct till {
  struct state {
    static constexpr std::string_view type = "TillState";
    std::int64_t cents = 0;
  };
  static constexpr entity_traits traits{.type = "till",
                                        .journal = journal_mode::events,
                                        .journal_topic = "till-events"};
  using messages = message_list<add>;
  using events = event_list<paid>;
  static void handle(const state&, const add& what, context<till>& ctx) {
    ctx.emit(paid{what.by});
    ctx.publish("receipts", paid{what.by});
  }
  static void apply(state& now, const paid& event) noexcept {
    now.cents += event.cents;
  }
};
BOOST_DESCRIBE_STRUCT(till::state, (), (cents))

} // namespace

TEST_CASE("published records carry the version of their type",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  till::state now;
  CHECK(entity_type_of<till>{}
            .handle(&now, 0, {.key = "1", .type = "Add", .body = R"({"by":2})"},
                    sink)
            .outcome
        == handled::applied);
  REQUIRE(sink.effects().records.size() == 2);
  CHECK(sink.effects().records[0].version == 2);
  CHECK(sink.effects().records[1].version == 2);
}

TEST_CASE("replay lifts events of an older version", "[runtime][entity]") {
  till::state now;
  const entity_type_of<till> type;
  CHECK(type.replay(&now, "Paid", 1, R"({"dollars":3})"));
  CHECK(type.replay(&now, "Paid", 2, R"({"cents":50})"));
  CHECK(now.cents == 350);
}

TEST_CASE("the kit folds events of a raised version", "[testkit][entity]") {
  entity_kit<till> kit{"1"};
  kit.given(paid{7}).when(add{2}).then_emits(paid{2}).then_state(
      [](const till::state& now) { return now.cents == 9; });
}

namespace {

/// Says what it is told in every way there is.
struct say {
  static constexpr std::string_view type = "Say";
  std::string how;
};
BOOST_DESCRIBE_STRUCT(say, (), (how))

struct said {
  static constexpr std::string_view type = "Said";
  std::string what;
};
BOOST_DESCRIBE_STRUCT(said, (), (what))

struct herald {
  struct state {
    static constexpr std::string_view type = "HeraldState";
    std::string last;
  };
  static constexpr entity_traits traits{.type = "herald",
                                        .journal = journal_mode::events,
                                        .journal_topic = "herald-events"};
  using messages = message_list<say>;
  using events = event_list<said>;
  static void handle(const state&, const say& m, context<herald>& ctx) {
    const said bad{"z\xFF"};
    if (m.how == "emit")
      ctx.emit(bad);
    if (m.how == "publish")
      ctx.publish("out", bad);
    if (m.how == "tell")
      ctx.tell("herald", "2", bad);
    if (m.how == "tell-key")
      ctx.tell("herald", bad.what, said{});
    if (m.how == "schedule")
      ctx.schedule("soon", timestamp{5}, bad);
    if (m.how == "reply")
      ctx.reply(bad);
  }
  static void apply(state& now, const said& event) noexcept {
    now.last = event.what;
  }
};
BOOST_DESCRIBE_STRUCT(herald::state, (), (last))

} // namespace

TEST_CASE("a described message in an unknown form names its content type",
          "[runtime][entity]") {
  recording_sink sink{timestamp{}, 1};
  counter::state now;
  const handling done = handle<counter>(now,
                                        {.key = "1",
                                         .type = "Decide",
                                         .format = body_format::raw,
                                         .content_type = "application/avro",
                                         .body = R"({"what":"finish"})"},
                                        sink);
  CHECK(done.outcome == handled::undecodable);
  CHECK(done.why
        == R"(Decide cannot be read from the content type "application/avro")");
}

TEST_CASE("text that is not UTF-8 leaves an entity in no way",
          "[runtime][entity]") {
  const std::string how =
      GENERATE("emit", "publish", "tell", "tell-key", "schedule", "reply");
  entity_kit<herald> kit{"1"};
  kit.when(say{how}).then_fails_for_good("not UTF-8").then_nothing_else();
}

TEST_CASE("an application declares a journal once", "[runtime][entity]") {
  application sums{"sums"};
  sums.entity<sum>().output({.topic = "sums"}).output({.topic = "more"});
  REQUIRE(sums.outputs().size() == 2);
  CHECK(sums.outputs()[0].topic == "sums");
}
