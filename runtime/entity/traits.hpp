#pragma once

#include <cstdint>
#include <string_view>

/// The author's interface: what an entity is made of. Nothing here knows CAF,
/// Kafka, threads or files.
namespace freehold {

enum class journal_mode : std::uint8_t {
  /// Only the state is kept.
  none,
  /// Every emitted event is also appended to the entity's journal topic, in
  /// order, for ever by default: the truth about the entity.
  events,
};

/// What the runtime must know about an entity type. A `static constexpr
/// entity_traits traits` in the entity's struct.
struct entity_traits {
  /// The type's name in addresses: lower case, for ever.
  std::string_view type;
  journal_mode journal = journal_mode::none;
  /// Where the events go; required with `journal_mode::events`.
  std::string_view journal_topic{};
};

/// The messages that an entity takes, in any order.
template <class... Ms>
struct message_list {};

/// The events that an entity emits.
template <class... Es>
struct event_list {};

/// A message that is not decoded: the record's value as it came. Its view is
/// valid during the handler only. At most one per entity; it takes every
/// message whose type no other entry of the list names.
struct raw_message {
  static constexpr std::string_view type = "raw";
  std::string_view value;
};

namespace detail {

template <class Entity>
struct settings_of {
  struct type {};
};
template <class Entity>
requires requires { typename Entity::settings; }
struct settings_of<Entity> {
  using type = typename Entity::settings;
};

} // namespace detail

/// What an entity type is told once, when its application is made: its
/// `using settings = ...;`, or nothing.
template <class Entity>
using settings_of = typename detail::settings_of<Entity>::type;

} // namespace freehold
