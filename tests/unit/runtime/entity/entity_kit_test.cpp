// The entity kit fails when it should, and its texts tell why. Each entity
// here makes one mistake.

#include "tests/testkit/entity_kit.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <string>

using namespace freehold;
using freehold::testkit::entity_kit;
using freehold::testkit::entity_kit_failure;

namespace {

struct open_lid {
  static constexpr std::string_view type = "OpenLid";
  std::uint32_t by = 1;
};
BOOST_DESCRIBE_STRUCT(open_lid, (), (by))

struct refuse {
  static constexpr std::string_view type = "Refuse";
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(refuse, (), (reason))

struct fail_now {
  static constexpr std::string_view type = "FailNow";
};
BOOST_DESCRIBE_STRUCT(fail_now, (), ())

struct lid_opened {
  static constexpr std::string_view type = "LidOpened";
  std::uint32_t by = 0;
};
BOOST_DESCRIBE_STRUCT(lid_opened, (), (by))

struct lid_closed {
  static constexpr std::string_view type = "LidClosed";
};
BOOST_DESCRIBE_STRUCT(lid_closed, (), ())

/// Without a mistake.
struct box {
  struct state {
    static constexpr std::string_view type = "BoxState";
    std::uint32_t opened = 0;
  };
  static constexpr entity_traits traits{
      .type = "box", .journal = journal_mode::events, .journal_topic = "boxes"};
  using messages = message_list<open_lid, refuse, fail_now>;
  using events = event_list<lid_opened, lid_closed>;
  static void handle(const state&, const open_lid& what, context<box>& ctx) {
    ctx.emit(lid_opened{what.by});
    ctx.tell("cat", "tom", open_lid{what.by});
    ctx.schedule("close", timestamp{ctx.now().value() + 10}, fail_now{});
    ctx.cancel("sleep");
    ctx.publish("news", open_lid{what.by});
    ctx.reply(open_lid{what.by});
  }
  static void handle(const state&, const refuse& why, context<box>& ctx) {
    ctx.reject(why.reason);
  }
  static void handle(const state&, const fail_now&, context<box>&) {
    throw transient_failure{"the hinge is stuck"};
  }
  static void apply(state& now, const lid_opened& event) noexcept {
    now.opened += event.by;
  }
  static void apply(state&, const lid_closed&) noexcept {}
};
BOOST_DESCRIBE_STRUCT(box::state, (), (opened))

/// The text of the failure that a script ends with; `passed` without one.
std::string failure_of(const std::function<void()>& script) {
  try {
    script();
  } catch (const entity_kit_failure& failed) {
    return failed.what();
  }
  return "passed";
}

std::string failure_of_box(void (*script)(entity_kit<box>&)) {
  entity_kit<box> kit{"7"};
  return failure_of([&] { script(kit); });
}

using Catch::Contains;
using Catch::Equals;

} // namespace

TEST_CASE("a script that tells what happens passes", "[testkit][entity]") {
  const auto later = timestamp{entity_kit<box>::first_time.value() + 10};
  entity_kit<box> kit{"7"};
  kit.given(open_lid{2}, lid_closed{})
      .when(open_lid{3})
      .then_emits(lid_opened{3})
      .then_tells("cat", "tom", open_lid{3})
      .then_schedules("close", later, fail_now{})
      .then_cancels("sleep")
      .then_publishes("news", open_lid{3})
      .then_replies(open_lid{3})
      .then_nothing_else()
      .then_state([](const box::state& now) { return now.opened == 5; });
  CHECK(kit.sequence() == 3);
  kit.when(open_lid{1})
      .then_emits<lid_opened>([](const auto& event) { CHECK(event.by == 1); })
      .then_tells<open_lid>("cat", "tom",
                            [](const auto& told) { return told.by == 1; });
}

TEST_CASE("an event that differs is shown beside the expected one",
          "[testkit][entity]") {
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).then_emits(lid_opened{4});
             }),
             Equals("OpenLid: LidOpened is another\nexpected {\"by\":4}\n"
                    "found {\"by\":3}"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3})
                   .template then_emits<lid_opened>(
                       [](const lid_opened& event) { return event.by == 4; });
             }),
             Equals("OpenLid: LidOpened does not pass the check: {\"by\":3}"));
}

TEST_CASE("an effect that did not come is missed, with those that came",
          "[testkit][entity]") {
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).template then_emits<lid_closed>();
             }),
             Contains("the next event is no LidClosed; all effects:\n"
                      "  to topic boxes, key 7: LidOpened {\"by\":3}\n")
                 && Contains("  to cat/tom: OpenLid {by: 3}\n")
                 && Contains("  no timer sleep\n")
                 && Contains("  reply {\"by\":3}"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3})
                   .then_emits(lid_opened{3})
                   .then_emits(lid_opened{3});
             }),
             Contains("the next record goes to news and not to boxes"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).then_tells("dog", "rex", open_lid{3});
             }),
             Contains("the next tell is no OpenLid to dog/rex"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).then_tells("cat", "tom", open_lid{4});
             }),
             Contains("expected {by: 4}\nfound {by: 3}"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).then_cancels("close");
             }),
             Contains("the timer \"close\" was set, not cancelled"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).then_cancels("dream");
             }),
             Contains("the next timer is not \"dream\""));
  CHECK_THAT(
      failure_of_box([](auto& kit) {
        kit.when(open_lid{3}).then_schedules("close", timestamp{1}, fail_now{});
      }),
      Contains("timer close is another\nexpected 1 ms: FailNow"));
}

TEST_CASE("an effect that nobody asked for is shown", "[testkit][entity]") {
  CHECK_THAT(
      failure_of_box([](auto& kit) {
        kit.when(open_lid{3}).then_emits(lid_opened{3}).then_nothing_else();
      }),
      Contains("more happened than was asked for:\n  to topic news"));
}

TEST_CASE("a rejection must be met before anything else is asked",
          "[testkit][entity]") {
  const std::string met =
      "Refuse: then_nothing_else, but the message was rejected: too late";
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(refuse{"too late"}).then_nothing_else();
             }),
             Equals(met));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(refuse{"too late"}).when(open_lid{});
             }),
             Contains("another message, but the message was rejected"));
  CHECK_THAT(failure_of_box([](auto& kit) { kit.given(refuse{"too late"}); }),
             Contains("given, but the message was rejected: too late"));
}

TEST_CASE("another outcome or another reason is a failure",
          "[testkit][entity]") {
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3}).then_rejects("too late");
             }),
             Contains("expected to be rejected, but it was applied, effects\n"
                      "  to topic boxes"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(fail_now{}).then_rejects("too late");
             }),
             Contains("but it was failed for now: the hinge is stuck"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(refuse{"too late"}).then_rejects("too early");
             }),
             Contains("expected too early\nfound too late"));
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when_bytes("Song", "{}").then_rejects("");
             }),
             Contains("but it was undecodable: box takes no message"));
}

TEST_CASE("a script may not end with an outcome that nobody met",
          "[testkit][entity]") {
  CHECK(failure_of([] {
          entity_kit<box> kit{"7"};
          kit.when(refuse{"too late"});
        })
        == "Refuse: the script ends, but the message was rejected: too late");
  CHECK_THAT(
      failure_of([] { entity_kit<box>{"7"}.when(fail_now{}); }),
      Contains("the script ends, but the message was failed for now: the "
               "hinge is stuck"));
  CHECK(failure_of(
            [] { entity_kit<box>{"7"}.when(refuse{"no"}).then_rejects("no"); })
        == "passed");
}

TEST_CASE("a script that fails otherwise is told only once",
          "[testkit][entity]") {
  CHECK_THROWS_AS(
      [] {
        entity_kit<box> kit{"7"};
        kit.when(refuse{"too late"});
        throw std::runtime_error{"of the test"};
      }(),
      std::runtime_error);
}

TEST_CASE("a given state is a new beginning", "[testkit][entity]") {
  entity_kit<box> kit{"7"};
  kit.given(open_lid{3}).given_state(box::state{.opened = 40});
  CHECK(kit.sequence() == 0);
  kit.then_nothing_else();
  CHECK_THAT(failure_of([&] { kit.then_emits(lid_opened{3}); }),
             Contains("no (further) record"));
  kit.when(open_lid{2})
      .then_emits(lid_opened{2})
      .then_state([](const box::state& now) { return now.opened == 42; });
  CHECK(kit.sequence() == 1);
}

TEST_CASE("a record's key can be asked for", "[testkit][entity]") {
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.when(open_lid{3})
                   .then_emits(lid_opened{3})
                   .then_publishes("news", "8", open_lid{3});
             }),
             Contains("expected key 8: OpenLid {\"by\":3}\n"
                      "found key 7: OpenLid {\"by\":3}"));
  CHECK(failure_of_box([](auto& kit) {
          kit.when(open_lid{3})
              .then_emits(lid_opened{3})
              .then_publishes("news", "7", open_lid{3});
        })
        == "passed");
}

namespace {

/// `open_lid` by another name of its version.
struct newer_open_lid {
  static constexpr std::string_view type = "OpenLid";
  static constexpr std::uint32_t version = 2;
  std::uint32_t by = 1;
};
BOOST_DESCRIBE_STRUCT(newer_open_lid, (), (by))

/// Takes what boxes tell.
struct cat {
  struct state {
    static constexpr std::string_view type = "CatState";
    std::uint32_t woken = 0;
  };
  static constexpr entity_traits traits{.type = "cat"};
  using messages = message_list<open_lid>;
  static void handle(state& now, const open_lid&, context<cat>&) {
    ++now.woken;
  }
};
BOOST_DESCRIBE_STRUCT(cat::state, (), (woken))

/// Does what no application allows.
struct rogue {
  struct state {
    static constexpr std::string_view type = "RogueState";
    std::uint32_t deeds = 0;
  };
  static constexpr entity_traits traits{.type = "rogue"};
  using messages = message_list<refuse>;
  static void handle(state& now, const refuse& deed, context<rogue>& ctx) {
    ++now.deeds;
    if (deed.reason == "tell")
      ctx.tell("cat", "tom", lid_opened{});
    if (deed.reason == "schedule")
      ctx.schedule("soon", timestamp{1}, lid_opened{});
    if (deed.reason == "journal")
      ctx.publish("boxes", lid_opened{});
  }
};
BOOST_DESCRIBE_STRUCT(rogue::state, (), (deeds))

application house() {
  application app{"house"};
  app.entity<box>().entity<cat>().entity<rogue>().output({.topic = "news"});
  return app;
}

} // namespace

TEST_CASE("a message of another version is another one", "[testkit][entity]") {
  CHECK_THAT(
      failure_of_box([](auto& kit) {
        kit.when(open_lid{3}).then_tells("cat", "tom", newer_open_lid{3});
      }),
      Contains("the version of OpenLid is another\nexpected 2\n"
               "found 1"));
}

TEST_CASE("within its application an entity may name what is there",
          "[testkit][entity]") {
  entity_kit<box> kit{house(), "7"};
  kit.when(open_lid{3}).then_emits(lid_opened{3});
}

TEST_CASE("within an application, what it lacks is found out",
          "[testkit][entity]") {
  application no_news{"house"};
  no_news.entity<box>().entity<cat>();
  CHECK_THAT(failure_of([&] {
               entity_kit<box>{no_news, "7"}.when(open_lid{});
             }),
             Contains("publishes to the topic \"news\", which the application "
                      "house does not declare"));
  application no_cat{"house"};
  no_cat.entity<box>().output({.topic = "news"});
  CHECK_THAT(failure_of([&] {
               entity_kit<box>{no_cat, "7"}.when(open_lid{});
             }),
             Contains("tells an entity of type \"cat\", which the application "
                      "house does not have"));
  CHECK_THAT(failure_of([&] {
               entity_kit<cat>{no_cat, "7"}.when(open_lid{});
             }),
             Contains("does not have this entity type"));
  const auto deed = [](const char* what) {
    return failure_of([&] {
      entity_kit<rogue>{house(), "7"}.when(refuse{what});
    });
  };
  CHECK_THAT(deed("tell"),
             Contains("tells cat a LidOpened, which it does not"));
  CHECK_THAT(deed("schedule"), Contains("tells rogue a LidOpened"));
  CHECK_THAT(deed("journal"), Contains("publishes to the journal boxes"));
}

TEST_CASE("a state that fails its check is shown", "[testkit][entity]") {
  CHECK_THAT(failure_of_box([](auto& kit) {
               kit.given(open_lid{3}).then_state([](const box::state& now) {
                 return now.opened == 4;
               });
             }),
             Contains("does not pass the check: {\"opened\":3}"));
}

namespace {

/// Counts outside its state: handling is no function of what it is given.
struct moody {
  struct state {
    static constexpr std::string_view type = "MoodyState";
    std::uint32_t calls = 0;
  };
  static constexpr entity_traits traits{.type = "moody"};
  using messages = message_list<open_lid>;
  static inline std::uint32_t calls = 0;
  static void handle(state& now, const open_lid&, context<moody>&) {
    now.calls = ++calls;
  }
};
BOOST_DESCRIBE_STRUCT(moody::state, (), (calls))

/// Forgets to describe a member.
struct forgetful {
  struct state {
    static constexpr std::string_view type = "ForgetfulState";
    std::uint32_t kept = 0;
    std::uint32_t forgotten = 0;
  };
  static constexpr entity_traits traits{.type = "forgetful"};
  using messages = message_list<open_lid>;
  static void handle(state& now, const open_lid&, context<forgetful>& ctx) {
    ctx.tell("cat", "tom", open_lid{++now.forgotten});
  }
};
BOOST_DESCRIBE_STRUCT(forgetful::state, (), (kept))

/// An event that forgets to describe a member: the journal loses it.
struct lossy_opened {
  static constexpr std::string_view type = "LossyOpened";
  std::uint32_t by = 0;
  std::uint32_t lost = 0;
};
BOOST_DESCRIBE_STRUCT(lossy_opened, (), (by))

struct sneaky {
  struct state {
    static constexpr std::string_view type = "SneakyState";
    std::uint32_t opened = 0;
  };
  static constexpr entity_traits traits{.type = "sneaky",
                                        .journal = journal_mode::events,
                                        .journal_topic = "sneaks"};
  using messages = message_list<open_lid>;
  using events = event_list<lossy_opened>;
  static void handle(const state&, const open_lid& what, context<sneaky>& ctx) {
    ctx.emit(lossy_opened{what.by, 1});
  }
  static void apply(state& now, const lossy_opened& event) noexcept {
    now.opened += event.by + event.lost;
  }
};
BOOST_DESCRIBE_STRUCT(sneaky::state, (), (opened))

/// A value whose stored form keeps only a part of it.
struct blurred {
  std::uint32_t value = 0;
};

struct vague {
  struct state {
    static constexpr std::string_view type = "VagueState";
    blurred seen;
  };
  static constexpr entity_traits traits{.type = "vague"};
  using messages = message_list<open_lid>;
  static void handle(state& now, const open_lid& what, context<vague>&) {
    now.seen.value = what.by;
  }
};

} // namespace

template <>
struct freehold::codec::value_codec<blurred> {
  using primitive = std::uint32_t;
  static std::uint32_t to_primitive(const blurred& seen) { return seen.value; }
  static blurred from_primitive(std::uint32_t value) {
    return {value / 10 * 10};
  }
};

namespace {
BOOST_DESCRIBE_STRUCT(vague::state, (), (seen))
} // namespace

TEST_CASE("a handler that does not do the same twice is found out",
          "[testkit][entity]") {
  entity_kit<moody> kit{"1"};
  CHECK_THAT(failure_of([&] { kit.when(open_lid{}); }),
             Contains("moody/1, OpenLid: handled twice on the same state")
                 && Contains("state {\"calls\":1}")
                 && Contains("state {\"calls\":2}"));
}

TEST_CASE("a member of the state that is not described is found out",
          "[testkit][entity]") {
  entity_kit<forgetful> kit{"1"};
  kit.when(open_lid{});
  CHECK_THAT(failure_of([&] { kit.when(open_lid{}); }),
             Contains("is a member of the state not described?"));
}

TEST_CASE("a state that is not the fold of its events is found out",
          "[testkit][entity]") {
  entity_kit<sneaky> kit{"1"};
  CHECK_THAT(failure_of([&] { kit.when(open_lid{3}); }),
             Contains("the state is not the fold of its events")
                 && Contains("fold {\"opened\":3}\nstate {\"opened\":4}"));
}

TEST_CASE("a state that its stored form does not keep is found out",
          "[testkit][entity]") {
  entity_kit<vague> kit{"1"};
  kit.when(open_lid{20});
  CHECK_THAT(failure_of([&] { kit.when(open_lid{21}); }),
             Contains("does not survive its stored form\n"
                      "before {\"seen\":21}\nafter {\"seen\":20}"));
}

namespace {

struct newer_box_state {
  static constexpr std::string_view type = "BoxState";
  static constexpr std::uint32_t version = 2;
  std::uint32_t opened = 0;
};
BOOST_DESCRIBE_STRUCT(newer_box_state, (), (opened))

} // namespace

TEST_CASE("a given state that cannot be read is a failure",
          "[testkit][entity]") {
  CHECK_THAT(
      failure_of_box([](auto& kit) { kit.given_state(newer_box_state{}); }),
      Contains("box/7, a given state: the stored state cannot be read: "
               "mismatch"));
}

TEST_CASE("chance and ids are the same in every run of a script",
          "[testkit][entity]") {
  freehold::testkit::recording_sink first{timestamp{}, 4};
  freehold::testkit::recording_sink second{timestamp{}, 4};
  freehold::testkit::recording_sink other{timestamp{}, 5};
  const auto drawn = first.random();
  CHECK(drawn == second.random());
  CHECK(drawn != other.random());
  CHECK(drawn != first.random());
  CHECK(first.next_event_id() == "kit/0/4/0");
  first.tell("a", "b", "C", 1, "");
  CHECK(first.next_event_id() == "kit/0/4/1");
}
