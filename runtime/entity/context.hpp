#pragma once

#include "runtime/codec/codec.hpp"
#include "runtime/entity/effects.hpp"
#include "runtime/entity/traits.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace freehold {

namespace detail {

template <class List, class Event>
inline constexpr bool is_in_list = false;
template <class Event, class... Es>
inline constexpr bool
    is_in_list<event_list<Es...>, Event> = (std::is_same_v<Es, Event> || ...);

template <class Entity, class Event>
concept lists_event = requires {
  typename Entity::events;
}
&&is_in_list<typename Entity::events, Event>;

} // namespace detail

/// What a handler may do besides looking at its state: every effect, the time
/// and chance go through here, so that a message has all of its effects or
/// none, and the same ones when it is handled again. One context per message;
/// it must not outlive the handler.
template <class Entity>
class context {
public:
  using state = typename Entity::state;

  context(const incoming& message, std::uint64_t sequence, effect_sink& sink,
          const settings_of<Entity>& settings)
      : message_(message),
        sequence_(sequence),
        sink_(sink),
        settings_(settings) {}
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  /// What the application was made with: `application::entity(settings)`.
  [[nodiscard]] const settings_of<Entity>& settings() const noexcept {
    return settings_;
  }

  // -- what came -------------------------------------------------------------

  /// The key of this entity.
  [[nodiscard]] std::string_view key() const noexcept { return message_.key; }
  /// The sender's id of the message; empty where it gave none.
  [[nodiscard]] std::string_view event_id() const noexcept {
    return message_.event_id;
  }
  /// When the message says it happened.
  [[nodiscard]] timestamp message_time() const noexcept {
    return message_.time;
  }
  /// 1 at the first try, then 2, 3, ...
  [[nodiscard]] std::uint32_t attempt() const noexcept {
    return message_.attempt;
  }

  // -- event time, where the application has it ------------------------------

  /// Results up to here are complete but for what is late: the least of the
  /// latest event times that the source partitions have come to, idle ones
  /// left out; as of when the message was taken, also where that had to wait.
  /// `after_all_time` when a bounded run closes what is open.
  [[nodiscard]] timestamp watermark() const noexcept {
    return message_.watermark;
  }
  /// The latest event time in the source partition that this message goes back
  /// to, up to the record it goes back to. How late a record is follows from
  /// it alone: it depends on the order in that partition, and on nothing that
  /// differs between two runs.
  [[nodiscard]] timestamp source_watermark() const noexcept {
    return message_.source_watermark;
  }

  // -- time and chance -------------------------------------------------------

  [[nodiscard]] timestamp now() const { return sink_.now(); }
  [[nodiscard]] std::uint64_t random() { return sink_.random(); }
  /// The id of the next event or record that this handler publishes. It
  /// derives from the message's place in the log, never from chance.
  [[nodiscard]] std::string next_event_id() const {
    return sink_.next_event_id();
  }

  // -- effects ---------------------------------------------------------------

  /// Changes the state by an event: `Entity::apply` runs after the handler,
  /// and a journaled entity's event is appended to the journal.
  template <class Event>
  void emit(const Event& event) {
    static_assert(
        requires(state & s, const Event& e) {
          { Entity::apply(s, e) }
          noexcept;
        },
        "freehold: emit needs `static void apply(state&, const Event&) "
        "noexcept` in the entity");
    if constexpr (Entity::traits.journal == journal_mode::events) {
      static_assert(detail::lists_event<Entity, Event>,
                    "freehold: a journaled entity emits an event that its "
                    "`using events = event_list<...>` does not name; the "
                    "journal could not be read back");
      std::string& buffer = sink_.scratch();
      codec::to_json(buffer, event, codec::bad_text::refused);
      sink_.publish({.topic = Entity::traits.journal_topic,
                     .key = message_.key,
                     .type = codec::type_name<Event>(),
                     .version = codec::type_version<Event>(),
                     .format = body_format::json,
                     .value = buffer,
                     .sequence = sequence_ + events_.size() + 1});
    } else {
      codec::check_encodable(event); // what comes of it will be in the state
    }
    using held = held_event<Event>;
    events_.emplace_back(::new (memory_.allocate(sizeof(held), alignof(held)))
                             held{event});
  }

  /// Appends a message to an output topic, keyed by this entity.
  template <class Message>
  void publish(std::string_view topic, const Message& message) {
    publish(topic, message_.key, message);
  }

  template <class Message>
  void publish(std::string_view topic, std::string_view key,
               const Message& message) {
    std::string& buffer = sink_.scratch();
    codec::to_json(buffer, message, codec::bad_text::refused);
    sink_.publish({.topic = topic,
                   .key = key,
                   .type = codec::type_name<Message>(),
                   .version = codec::type_version<Message>(),
                   .value = buffer});
  }

  /// Appends bytes to an output topic, without headers.
  void publish_raw(std::string_view topic, std::string_view key,
                   std::string_view value) {
    sink_.publish({.topic = topic,
                   .key = key,
                   .type = {},
                   .format = body_format::raw,
                   .value = value});
  }

  /// Sends a message to another entity: durable, exactly once, delivered
  /// after this unit has committed.
  template <class Message>
  void tell(std::string_view type, std::string_view key,
            const Message& message) {
    if (!codec::is_utf8(key))
      throw permanent_failure{"tells an entity whose key is not UTF-8"};
    std::string& buffer = sink_.scratch();
    codec::to_msgpack(buffer, message);
    sink_.tell(type, key, codec::type_name<Message>(),
               codec::type_version<Message>(), buffer);
  }

  /// Sends a message to this entity at `due` or later. A timer of the same
  /// name is replaced. Durable.
  template <class Message>
  void schedule(std::string_view name, timestamp due, const Message& message) {
    schedule_by(timer_clock::processing_time, name, due, message);
  }

  /// The same by event time: the message comes when the watermark has reached
  /// `due`. A timer of the same name is replaced, whatever it goes by.
  template <class Message>
  void schedule_at_watermark(std::string_view name, timestamp due,
                             const Message& message) {
    schedule_by(timer_clock::event_time, name, due, message);
  }

  /// Takes a timer back; harmless where there is none.
  void cancel(std::string_view name) { sink_.cancel(name); }

  /// Answers the message. The asker gets it after the commit.
  template <class Message>
  void reply(const Message& message) {
    std::string& buffer = sink_.scratch();
    codec::to_json(buffer, message, codec::bad_text::refused);
    sink_.reply(buffer);
  }

  /// Refuses the message: an expected answer, not a failure. No other effect
  /// of this message happens.
  void reject(std::string reason) { rejection_ = std::move(reason); }

  // -- for the runtime -------------------------------------------------------

  [[nodiscard]] const std::optional<std::string>& rejection() const noexcept {
    return rejection_;
  }
  [[nodiscard]] std::size_t event_count() const noexcept {
    return events_.size();
  }
  void apply_events(state& to) noexcept {
    for (const auto& event : events_)
      event->apply(to);
  }

private:
  template <class Message>
  void schedule_by(timer_clock by, std::string_view name, timestamp due,
                   const Message& message) {
    std::string& buffer = sink_.scratch();
    codec::to_msgpack(buffer, message);
    sink_.schedule(name, by, due, codec::type_name<Message>(),
                   codec::type_version<Message>(), buffer);
  }

  struct event_base {
    event_base() = default;
    event_base(const event_base&) = delete;
    event_base& operator=(const event_base&) = delete;
    virtual ~event_base() = default;
    virtual void apply(state& to) noexcept = 0;
  };
  struct ends_only {
    void operator()(event_base* which) const noexcept {
      std::destroy_at(which);
    }
  };

  template <class Event>
  class held_event final : public event_base {
  public:
    explicit held_event(const Event& event) : event_(event) {}
    void apply(state& to) noexcept override { Entity::apply(to, event_); }

  private:
    Event event_;
  };

  const incoming& message_;
  const std::uint64_t sequence_;
  effect_sink& sink_;
  const settings_of<Entity>& settings_;
  std::optional<std::string> rejection_;
  /// What most messages emit fits into it.
  alignas(std::max_align_t) std::array<std::byte, 512> room_;
  std::pmr::monotonic_buffer_resource memory_{room_.data(), room_.size()};
  std::pmr::vector<std::unique_ptr<event_base, ends_only>> events_{&memory_};
};

} // namespace freehold
