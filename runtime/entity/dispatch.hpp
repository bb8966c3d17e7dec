#pragma once

#include "runtime/codec/codec.hpp"
#include "runtime/codec/heap_bytes.hpp"
#include "runtime/entity/context.hpp"
#include "runtime/entity/entity_type.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace freehold {

namespace detail {

template <class E, class M>
concept decides = requires {
  static_cast<void (*)(const typename E::state&, const M&, context<E>&)>(
      &E::handle);
};

template <class E, class M>
concept changes = requires {
  static_cast<void (*)(typename E::state&, const M&, context<E>&)>(&E::handle);
};

template <class E, class M>
concept takes_by_value = requires {
  static_cast<void (*)(const typename E::state&, M, context<E>&)>(&E::handle);
}
|| requires {
  static_cast<void (*)(typename E::state&, M, context<E>&)>(&E::handle);
};

/// Finds the handler of message `M` in entity `E`, or fails to compile with
/// both names in the error.
template <class E, class M>
struct handler_of {
  static_assert(!takes_by_value<E, M>,
                "freehold: a handler takes its message by value. Write `const "
                "M&` in the `handle` of the entity E for the message M, and "
                "once only; E and M stand in handler_of<E, M>.");
  static_assert(decides<E, M> || changes<E, M> || takes_by_value<E, M>,
                "freehold: missing handler. The entity E lists the message M "
                "but has no `static void handle(const state&, const M&, "
                "context<E>&)`; E and M stand in handler_of<E, M>.");
  static_assert(!changes<E, M> || E::traits.journal == journal_mode::none,
                "freehold: a journaled entity changes its state by events "
                "only. Take `const state&` in the handler of M and emit; E "
                "and M stand in handler_of<E, M>.");
  static_assert(!(decides<E, M> && changes<E, M>),
                "freehold: ambiguous handler. The entity E has `handle` for "
                "the message M both with `const state&` and with `state&`; "
                "keep one. E and M stand in handler_of<E, M>.");
};

/// Checks two entries of one list of entity `E`.
template <class E, class A, class B>
struct names_differ {
  static_assert(codec::type_name<A>() != codec::type_name<B>(),
                "freehold: two messages, or two events, of one entity have the "
                "same `type`, so a record cannot say which of them it is. E "
                "and both stand in names_differ<E, A, B>.");
};

/// Checks one message or event of entity `E`.
template <class E, class M>
struct versions_of {
  static_assert(codec::versions_reach_inside<M>,
                "freehold: a struct inside the message M has a `version` or an "
                "`upcast`. Only the version of the whole message travels with "
                "it: give M a `version` and an `upcast` that lifts what is "
                "inside. E and M stand in versions_of<E, M>.");
};
template <class E>
struct versions_of<E, raw_message> {};

template <class E, template <class...> class List>
constexpr void check_entries(List<>) {}

/// Every entry of a list by itself and against those behind it.
template <class E, template <class...> class List, class First, class... Rest>
constexpr void check_entries(List<First, Rest...>) {
  static_cast<void>(sizeof(versions_of<E, First>));
  (static_cast<void>(sizeof(names_differ<E, First, Rest>)), ...);
  check_entries<E>(List<Rest...>{});
}

template <class E>
struct events_of {
  using type = event_list<>;
};
template <class E>
requires requires { typename E::events; }
struct events_of<E> {
  using type = typename E::events;
};

template <class State>
class stored_state_decoder final : public state_decoder {
public:
  explicit stored_state_decoder(codec::stored_reader<State> reader)
      : reader_(std::move(reader)) {}
  result<void> read(std::string_view bytes, void* state) const override {
    return reader_.read(bytes, *static_cast<State*>(state));
  }

private:
  codec::stored_reader<State> reader_;
};

} // namespace detail

/// Makes the engine's view of an author's entity struct. See
/// docs/guides/first-entity.md for the struct.
template <class E>
class entity_type_of final : public entity_type {
public:
  using state = typename E::state;
  static_assert(std::is_nothrow_default_constructible_v<
                    state> || std::is_default_constructible_v<state>,
                "freehold: an entity's state needs a default constructor");
  static_assert(E::traits.journal == journal_mode::none
                    || !E::traits.journal_topic.empty(),
                "freehold: a journaled entity names its journal_topic");

  entity_type_of() = default;
  explicit entity_type_of(settings_of<E> settings)
      : settings_(std::move(settings)) {}

  [[nodiscard]] const entity_traits& traits() const noexcept override {
    return E::traits;
  }

  [[nodiscard]] bool takes(std::string_view message) const noexcept override {
    return takes_one_of(typename E::messages{}, message);
  }

  [[nodiscard]] std::size_t state_size() const noexcept override {
    return sizeof(state);
  }
  [[nodiscard]] std::size_t state_alignment() const noexcept override {
    return alignof(state);
  }
  void construct(void* at) const override { ::new (at) state{}; }
  void destroy(void* at) const noexcept override {
    std::destroy_at(static_cast<state*>(at));
  }
  [[nodiscard]] bool owns_memory() const noexcept override {
    return codec::owns_memory<state>;
  }
  [[nodiscard]] std::size_t heap_bytes(const void* of) const override {
    return codec::heap_bytes(*static_cast<const state*>(of));
  }

  [[nodiscard]] std::string schema() const override {
    return codec::encode_schema(codec::schema_of<state>());
  }
  void encode(const void* from, std::string& out) const override {
    codec::to_stored(out, *static_cast<const state*>(from));
  }
  [[nodiscard]] result<std::unique_ptr<state_decoder>>
  decoder(std::string_view stored_schema) const override {
    auto schema = codec::decode_schema(stored_schema);
    if (!schema)
      return schema.error();
    auto reader = codec::stored_reader<state>::create(std::move(*schema));
    if (!reader)
      return reader.error();
    return std::unique_ptr<state_decoder>{
        std::make_unique<detail::stored_state_decoder<state>>(
            std::move(*reader))};
  }
  [[nodiscard]] std::string to_json(const void* from) const override {
    std::string text;
    codec::to_json(text, *static_cast<const state*>(from));
    return text;
  }

  [[nodiscard]] handling handle(void* at, std::uint64_t sequence,
                                const incoming& message,
                                effect_sink& sink) const noexcept override {
    return guarded([&] {
      return handle_one_of(typename E::messages{}, *static_cast<state*>(at),
                           sequence, message, sink);
    });
  }

  result<void> replay(void* at, std::string_view event, std::uint32_t version,
                      std::string_view json) const override {
    return replay_one_of(typename detail::events_of<E>::type{},
                         *static_cast<state*>(at), event, version, json);
  }

private:
  template <class... Ms>
  static bool takes_one_of(message_list<Ms...>, std::string_view name) {
    return ((std::same_as<Ms, raw_message> || codec::type_name<Ms>() == name)
            || ...);
  }

  template <class... Ms>
  handling handle_one_of(message_list<Ms...>, state& now,
                         std::uint64_t sequence, const incoming& message,
                         effect_sink& sink) const {
    static_assert(sizeof...(Ms) > 0,
                  "freehold: an entity takes at least one message");
    (static_cast<void>(sizeof(detail::handler_of<E, Ms>)), ...);
    detail::check_entries<E>(message_list<Ms...>{});
    detail::check_entries<E>(typename detail::events_of<E>::type{});
    handling done;
    bool found = false;
    const auto try_one = [&]<class M>(std::type_identity<M>) {
      if (found || codec::type_name<M>() != message.type)
        return;
      found = true;
      done = decode_and_run<M>(now, sequence, message, sink);
    };
    (try_one(std::type_identity<Ms>{}), ...);
    if (found)
      return done;
    if constexpr ((std::same_as<Ms, raw_message> || ...))
      return run(now, sequence, raw_message{message.body}, message, sink);
    return {.outcome = handled::undecodable,
            .why = std::string{E::traits.type} + " takes no message of type "
                   + codec::detail::shown_string(message.type)};
  }

  template <class M>
  handling decode_and_run(state& now, std::uint64_t sequence,
                          const incoming& message, effect_sink& sink) const {
    if constexpr (std::same_as<M, raw_message>) {
      return run(now, sequence, raw_message{message.body}, message, sink);
    } else {
      if (message.format == body_format::raw)
        return {.outcome = handled::undecodable,
                .why = std::string{codec::type_name<M>()}
                       + " cannot be read from the content type "
                       + codec::detail::shown_string(message.content_type)};
      auto decoded = message.format == body_format::msgpack
                         ? codec::from_msgpack<M>(message.body, message.version)
                         : codec::from_json<M>(message.body, message.version);
      if (!decoded)
        return {.outcome = handled::undecodable,
                .why = decoded.error().context};
      return run(now, sequence, *decoded, message, sink);
    }
  }

  template <class M>
  handling run(state& now, std::uint64_t sequence, const M& decoded,
               const incoming& message, effect_sink& sink) const {
    context<E> ctx{message, sequence, sink, settings_};
    if constexpr (detail::decides<E, M> && codec::nests_without_limit<state>) {
      // Events may take the state deeper than it can be read back.
      E::handle(std::as_const(now), decoded, ctx);
      if (ctx.rejection())
        return {.outcome = handled::rejected, .why = *ctx.rejection()};
      state next = now;
      ctx.apply_events(next);
      codec::check_encodable(next);
      now = std::move(next);
      return {.changed = ctx.event_count() > 0,
              .events = static_cast<std::uint32_t>(ctx.event_count())};
    } else if constexpr (detail::decides<E, M>) {
      E::handle(std::as_const(now), decoded, ctx);
      if (ctx.rejection())
        return {.outcome = handled::rejected, .why = *ctx.rejection()};
      ctx.apply_events(now);
      return {.changed = ctx.event_count() > 0,
              .events = static_cast<std::uint32_t>(ctx.event_count())};
    } else {
      state before = now;
      try {
        E::handle(now, decoded, ctx);
        if (!ctx.rejection()) {
          ctx.apply_events(now);
          // States are written only at the commit, too late for this message
          // to be the one that fails.
          codec::check_encodable(now);
        }
      } catch (...) { // thrown on, once the state is put back
        now = std::move(before);
        throw;
      }
      if (ctx.rejection()) {
        now = std::move(before);
        return {.outcome = handled::rejected, .why = *ctx.rejection()};
      }
      return {.changed = true,
              .events = static_cast<std::uint32_t>(ctx.event_count())};
    }
  }

  /// What authors write may throw anything: handlers, and also upcasters and
  /// value codecs while a message is decoded.
  template <class Step>
  static handling guarded(const Step& step) noexcept {
    try {
      return step();
    } catch (const permanent_failure& thrown) {
      return {.outcome = handled::failed_permanent, .why = thrown.what()};
    } catch (const codec::encode_failure& thrown) {
      return {.outcome = handled::failed_permanent, .why = thrown.what()};
    } catch (const std::exception& thrown) {
      return {.outcome = handled::failed_transient, .why = thrown.what()};
    } catch (...) {
      return {.outcome = handled::failed_transient,
              .why = "the handler threw something that is no std::exception"};
    }
  }

  template <class... Es>
  static result<void>
  replay_one_of(event_list<Es...>, [[maybe_unused]] state& now,
                std::string_view event, [[maybe_unused]] std::uint32_t version,
                [[maybe_unused]] std::string_view json) {
    result<void> done{
        error{errc::undecodable, std::string{E::traits.type}
                                     + " has no event of type "
                                     + codec::detail::shown_string(event)}};
    (replay_if<Es>(now, event, version, json, done), ...);
    return done;
  }

  template <class Event>
  static void replay_if([[maybe_unused]] state& now, std::string_view event,
                        std::uint32_t version, std::string_view json,
                        result<void>& done) {
    if (codec::type_name<Event>() != event)
      return;
    const auto decoded = codec::from_json<Event>(json, version);
    if (!decoded) {
      done = decoded.error();
      return;
    }
    E::apply(now, *decoded);
    done = result<void>{};
  }

  const settings_of<E> settings_{};
};

} // namespace freehold
