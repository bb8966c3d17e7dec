#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/codec/codec.hpp"
#include "runtime/entity/application.hpp"
#include "runtime/entity/dispatch.hpp"
#include "runtime/entity/effects.hpp"
#include "runtime/entity/traits.hpp"
#include "tests/testkit/entity_harness.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace freehold::testkit {

namespace detail {

template <class T, class List>
inline constexpr bool listed_in = false;
template <class T, template <class...> class List, class... Ts>
inline constexpr bool listed_in<T, List<Ts...>> = (std::same_as<T, Ts> || ...);

template <class T>
std::string json_of(const T& value) {
  std::string text;
  codec::to_json(text, value);
  return text;
}

} // namespace detail

/// Tests one entity as a script, without an engine, a log or a framework:
///
///     entity_kit<property> kit{"7129300520"};
///     kit.given(list_property{...})
///         .when(record_sale{...})
///         .then_emits<property_sold>([](const auto& event) { ... })
///         .then_tells("neighborhood", "98178", sale_recorded{...})
///         .then_nothing_else();
///
/// `given` sets the scene: messages that must be applied, and events that
/// happened. `when` handles one message. Each `then_` takes the next effect of
/// its kind and throws `entity_kit_failure` if it is another one; checks are
/// callables that return bool, or nothing and use a framework's own macros.
/// A message that was not applied must be met by `then_rejects` or its like
/// before anything else is asked and before the script ends. What is checked
/// besides, on every message, stands at `entity_harness`. One thread.
template <class Entity>
class entity_kit {
public:
  using state = typename Entity::state;

  /// Where the clock stands without `at`.
  static constexpr timestamp first_time = entity_harness::first_time;

  explicit entity_kit(std::string key, settings_of<Entity> settings = {})
      : type_(std::move(settings)), harness_(type_, std::move(key)) {}
  /// The entity as part of an application, which then must have the topics,
  /// entity types and messages that effects name.
  entity_kit(const application& app, std::string key,
             settings_of<Entity> settings = {})
      : entity_kit(std::move(key), std::move(settings)) {
    harness_.within(app);
  }
  // The harness refers to the type.
  entity_kit(const entity_kit&) = delete;
  entity_kit& operator=(const entity_kit&) = delete;
  /// A script may not end with a message that was not applied and that no
  /// `then_` met: throws, unless something else was thrown already.
  ~entity_kit() noexcept(false) {
    if (!failed_ && std::uncaught_exceptions() == thrown_before_)
      must_be_met("the script ends");
  }

  // -- the scene -------------------------------------------------------------

  /// The clock's time and the time of the next messages.
  entity_kit& at(timestamp now) {
    harness_.time(now);
    return *this;
  }
  entity_kit& event_id(std::string id) {
    harness_.event_id(std::move(id));
    return *this;
  }
  entity_kit& attempt(std::uint32_t number) {
    harness_.attempt(number);
    return *this;
  }

  /// Event time as the next messages find it: results are complete up to
  /// `here`, and their source partition has come to `there`.
  entity_kit& watermark(timestamp here) {
    harness_.watermark(here);
    return *this;
  }
  entity_kit& source_watermark(timestamp there) {
    harness_.source_watermark(there);
    return *this;
  }

  /// Each is a message of the entity, which must be applied, or an event of
  /// it. What is both counts as a message.
  template <class... Ts>
  entity_kit& given(const Ts&... happened) {
    (given_one(happened), ...);
    return *this;
  }

  /// Goes on from a state. One that another version of the state's type
  /// describes is stored under its own schema and read as the engine would.
  template <class State>
  entity_kit& given_state(const State& stored) {
    must_be_met("given_state");
    std::string bytes;
    codec::to_stored(bytes, stored);
    harness_.restore(codec::encode_schema(codec::schema_of<State>()), bytes);
    nothing_taken();
    return *this;
  }

  // -- the message -----------------------------------------------------------

  /// Handles the message as JSON and as MessagePack.
  template <class Message>
  entity_kit& when(const Message& message) {
    static_assert(detail::listed_in<Message, typename Entity::messages>,
                  "freehold: the entity does not list this message");
    std::string packed;
    codec::to_msgpack(packed, message);
    return handle(codec::type_name<Message>(), codec::type_version<Message>(),
                  {{body_format::json, detail::json_of(message)},
                   {body_format::msgpack, std::move(packed)}});
  }

  /// Handles bytes as they are: what foreign programs send.
  entity_kit& when_bytes(std::string_view type, std::string body,
                         body_format format = body_format::json,
                         std::uint32_t version = 1) {
    return handle(type, version, {{format, std::move(body)}});
  }

  // -- what came of it -------------------------------------------------------

  /// The next event in the journal equals this one.
  template <class Event>
  entity_kit& then_emits(const Event& expected) {
    const recorded_record& found = next_event<Event>();
    equal(found.type, detail::json_of(expected), found.value);
    return *this;
  }
  /// The next event in the journal is of this type.
  template <class Event>
  entity_kit& then_emits() {
    static_cast<void>(next_event<Event>());
    return *this;
  }
  /// ... and passes a check.
  template <class Event, std::invocable<const Event&> Check>
  entity_kit& then_emits(Check&& check) {
    const recorded_record& found = next_event<Event>();
    pass<Event>(codec::from_json<Event>(found.value), check, found.value);
    return *this;
  }

  /// The next record in that topic, under whatever key; the other form also
  /// checks that one.
  template <class Message>
  entity_kit& then_publishes(std::string_view topic, const Message& expected) {
    const recorded_record& found = next_record(topic);
    equal("the record", named(expected), found.type + " " + found.value);
    return *this;
  }

  template <class Message>
  entity_kit& then_publishes(std::string_view topic, std::string_view key,
                             const Message& expected) {
    const recorded_record& found = next_record(topic);
    equal("the record", "key " + std::string{key} + ": " + named(expected),
          "key " + found.key + ": " + found.type + " " + found.value);
    return *this;
  }

  /// The next record in that topic, of that type, passes a check.
  template <class Message, std::invocable<const Message&> Check>
  entity_kit& then_publishes(std::string_view topic, std::string_view key,
                             Check&& check) {
    const recorded_record& found = next_record(topic);
    equal("the record's key and type",
          std::string{key} + " " + std::string{codec::type_name<Message>()},
          found.key + " " + found.type);
    pass<Message>(codec::from_json<Message>(found.value), check, found.value);
    return *this;
  }

  /// The next message told to another entity equals this one.
  template <class Message>
  entity_kit& then_tells(std::string_view type, std::string_view key,
                         const Message& expected) {
    const recorded_tell& found = next_tell<Message>(type, key);
    std::string packed;
    codec::to_msgpack(packed, expected);
    equal(found.message, packed_to_text(packed), packed_to_text(found.body));
    equal("the version of " + found.message,
          std::to_string(codec::type_version<Message>()),
          std::to_string(found.version));
    return *this;
  }
  template <class Message, std::invocable<const Message&> Check>
  entity_kit& then_tells(std::string_view type, std::string_view key,
                         Check&& check) {
    const recorded_tell& found = next_tell<Message>(type, key);
    pass<Message>(codec::from_msgpack<Message>(found.body, found.version),
                  check, packed_to_text(found.body));
    return *this;
  }

  template <class Message>
  entity_kit& then_schedules(std::string_view name, timestamp due,
                             const Message& expected) {
    return then_sets_timer(timer_clock::processing_time, name, due, expected);
  }
  template <class Message>
  entity_kit& then_schedules_at_watermark(std::string_view name, timestamp due,
                                          const Message& expected) {
    return then_sets_timer(timer_clock::event_time, name, due, expected);
  }
  entity_kit& then_cancels(std::string_view name) {
    if (!next_timer(name).message.empty())
      fail("the timer \"" + std::string{name} + "\" was set, not cancelled");
    return *this;
  }

  template <class Message>
  entity_kit& then_replies(const Message& expected) {
    must_be_met("then_replies");
    if (!harness_.effects().reply || replied_)
      fail("no reply");
    replied_ = true;
    equal("the reply", detail::json_of(expected), *harness_.effects().reply);
    return *this;
  }

  /// The last message was refused for a reason that contains this text.
  entity_kit& then_rejects(std::string_view reason) {
    return then_outcome(handled::rejected, reason);
  }
  /// The handler threw what a later attempt may mend.
  entity_kit& then_fails_for_now(std::string_view reason) {
    return then_outcome(handled::failed_transient, reason);
  }
  /// The handler threw `permanent_failure`.
  entity_kit& then_fails_for_good(std::string_view reason) {
    return then_outcome(handled::failed_permanent, reason);
  }
  entity_kit& then_undecodable(std::string_view reason) {
    return then_outcome(handled::undecodable, reason);
  }

  /// Every effect was taken by a `then_`.
  entity_kit& then_nothing_else() {
    must_be_met("then_nothing_else");
    const recorded_effects& effects = harness_.effects();
    recorded_effects left;
    left.records.assign(effects.records.begin() + difference(records_),
                        effects.records.end());
    left.tells.assign(effects.tells.begin() + difference(tells_),
                      effects.tells.end());
    left.timers.assign(effects.timers.begin() + difference(timers_),
                       effects.timers.end());
    if (!replied_)
      left.reply = effects.reply;
    if (left != recorded_effects{})
      fail("more happened than was asked for:\n" + left.to_text());
    return *this;
  }

  /// A check of the state, read back from its stored form.
  template <std::invocable<const state&> Check>
  entity_kit& then_state(Check&& check) {
    must_be_met("then_state");
    const auto& now = *static_cast<const state*>(harness_.state());
    if (!passes(check, now))
      fail("the state does not pass the check: " + harness_.state_json());
    return *this;
  }

  /// How many events the entity has emitted.
  [[nodiscard]] std::uint64_t sequence() const { return harness_.sequence(); }

private:
  static std::ptrdiff_t difference(std::size_t count) {
    return static_cast<std::ptrdiff_t>(count);
  }

  template <class Check, class T>
  static bool passes(Check& check, const T& value) {
    if constexpr (std::same_as<std::invoke_result_t<Check&, const T&>, void>) {
      check(value);
      return true;
    } else {
      return static_cast<bool>(check(value));
    }
  }

  template <class T>
  static std::string named(const T& value) {
    return std::string{codec::type_name<T>()} + " " + detail::json_of(value);
  }

  template <class Message>
  entity_kit& then_sets_timer(timer_clock by, std::string_view name,
                              timestamp due, const Message& expected) {
    const recorded_timer& found = next_timer(name);
    std::string packed;
    codec::to_msgpack(packed, expected);
    equal("timer " + found.name,
          timer_text(by, due, codec::type_name<Message>(), packed),
          timer_text(found.clock, found.due, found.message, found.body));
    return *this;
  }

  static std::string timer_text(timer_clock by, timestamp due,
                                std::string_view message,
                                std::string_view body) {
    return std::to_string(due.value())
           + (by == timer_clock::event_time ? " ms of event time: " : " ms: ")
           + std::string{message} + " " + packed_to_text(body);
  }

  [[noreturn]] void fail(const std::string& what) const {
    failed_ = true;
    throw entity_kit_failure{harness_.message() + ": " + what};
  }

  /// Nothing may be asked before a failing outcome was.
  void must_be_met(std::string_view asked) {
    if (harness_.outcome().outcome == handled::applied || met_)
      return;
    fail(std::string{asked} + ", but the message was "
         + std::string{to_string(harness_.outcome().outcome)} + ": "
         + harness_.outcome().why);
  }

  entity_kit& handle(std::string_view type, std::uint32_t version,
                     const std::vector<message_body>& forms) {
    must_be_met("another message");
    harness_.handle(type, version, forms);
    nothing_taken();
    return *this;
  }

  void nothing_taken() {
    met_ = replied_ = false;
    records_ = tells_ = timers_ = 0;
  }

  template <class T>
  void given_one(const T& happened) {
    if constexpr (detail::listed_in<T, typename Entity::messages>) {
      when(happened);
      must_be_met("given");
    } else {
      static_assert(
          detail::listed_in<T,
                            typename freehold::detail::events_of<Entity>::type>,
          "freehold: the entity lists this neither as message nor as event");
      must_be_met("given");
      harness_.replay(codec::type_name<T>(), codec::type_version<T>(),
                      detail::json_of(happened));
    }
  }

  entity_kit& then_outcome(handled expected, std::string_view reason) {
    const handling& outcome = harness_.outcome();
    if (outcome.outcome != expected) {
      const bool applied = outcome.outcome == handled::applied;
      fail("expected to be " + std::string{to_string(expected)}
           + ", but it was " + std::string{to_string(outcome.outcome)}
           + (applied ? ", effects\n" + harness_.effects().to_text()
                      : ": " + outcome.why));
    }
    if (outcome.why.find(reason) == std::string::npos)
      fail(std::string{to_string(expected)} + " for another reason\nexpected "
           + std::string{reason} + "\nfound " + outcome.why);
    met_ = true;
    return *this;
  }

  const recorded_record& next_record(std::string_view topic) {
    must_be_met("a record");
    const auto& records = harness_.effects().records;
    if (records_ == records.size())
      fail("no (further) record was published; all effects:\n"
           + harness_.effects().to_text());
    const recorded_record& found = records[records_++];
    if (found.topic != topic)
      fail("the next record goes to " + found.topic + " and not to "
           + std::string{topic} + "; all effects:\n"
           + harness_.effects().to_text());
    return found;
  }

  template <class Event>
  const recorded_record& next_event() {
    static_assert(Entity::traits.journal == journal_mode::events,
                  "freehold: then_emits reads the journal, and this entity "
                  "has none; look at its state with then_state");
    const recorded_record& found = next_record(Entity::traits.journal_topic);
    if (found.type != codec::type_name<Event>())
      fail("the next event is no " + std::string{codec::type_name<Event>()}
           + "; all effects:\n" + harness_.effects().to_text());
    return found;
  }

  template <class Message>
  const recorded_tell& next_tell(std::string_view type, std::string_view key) {
    must_be_met("a tell");
    const auto& tells = harness_.effects().tells;
    if (tells_ == tells.size())
      fail("nothing (further) was told; all effects:\n"
           + harness_.effects().to_text());
    const recorded_tell& found = tells[tells_++];
    if (found.type != type || found.key != key
        || found.message != codec::type_name<Message>())
      fail("the next tell is no " + std::string{codec::type_name<Message>()}
           + " to " + std::string{type} + "/" + std::string{key}
           + "; all effects:\n" + harness_.effects().to_text());
    return found;
  }

  const recorded_timer& next_timer(std::string_view name) {
    must_be_met("a timer");
    const auto& timers = harness_.effects().timers;
    if (timers_ == timers.size() || timers[timers_].name != name)
      fail("the next timer is not \"" + std::string{name} + "\"; all effects:\n"
           + harness_.effects().to_text());
    return timers[timers_++];
  }

  void equal(const std::string& what, const std::string& expected,
             const std::string& found) const {
    if (expected != found)
      fail(what + " is another\nexpected " + expected + "\nfound " + found);
  }

  template <class T, class Check>
  void pass(const result<T>& decoded, Check& check,
            const std::string& shown) const {
    if (!decoded)
      fail(freehold::to_string(decoded.error()));
    if (!passes(check, *decoded))
      fail(std::string{codec::type_name<T>()}
           + " does not pass the check: " + shown);
  }

  entity_type_of<Entity> type_;
  entity_harness harness_;
  const int thrown_before_ = std::uncaught_exceptions();
  /// The test knows already.
  mutable bool failed_ = false;
  bool met_ = false;
  bool replied_ = false;
  std::size_t records_ = 0;
  std::size_t tells_ = 0;
  std::size_t timers_ = 0;
};

} // namespace freehold::testkit
