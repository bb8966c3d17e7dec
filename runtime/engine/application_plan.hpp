#pragma once

#include "runtime/base/result.hpp"
#include "runtime/engine/engine_options.hpp"
#include "runtime/entity/application.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::engine {

/// An application checked and resolved: names became indexes. Immutable after
/// `make`; shared by all shards.
struct application_plan {
  /// Names of topics and entity types; Kafka allows a topic no more.
  static constexpr std::size_t name_bytes_max = 249;
  /// What every record of the engine's own has to fit into.
  static constexpr std::size_t record_bytes_min = 4096;
  /// The topic that timers, and what they cause, name as their origin.
  static constexpr std::string_view timer_topic = "timer";
  static constexpr topic_index timer_topic_index{0xFFFFFFFFU};

  struct source {
    topic_index topic;
    std::uint32_t type = 0; // index into types
    std::string default_message;
    bool read_headers = true;
    bool deduplicate = true;
    std::string event_time_field; // empty: the record's own time
  };

  std::string name;
  engine_options options;
  std::vector<std::shared_ptr<const entity_type>> types;
  std::vector<std::string> type_schemas; // encoded, by type
  std::vector<source> sources;
  ports::log_layout layout;
  topic_index inbox;
  topic_index changelog;
  topic_index dead_letters;
  /// None: nobody asks for event time, and it costs nothing.
  std::optional<event_time_description> event_time;
  /// The topics that only emitted events may enter.
  std::vector<topic_index> journals;

  [[nodiscard]] std::optional<topic_index>
  topic(std::string_view name) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t>
  type(std::string_view name) const noexcept;
  [[nodiscard]] bool is_journal(topic_index which) const noexcept {
    for (const topic_index each : journals)
      if (each == which)
        return true;
    return false;
  }
  [[nodiscard]] const std::string& topic_name(topic_index which) const;
  /// What messages from there name as their origin: a topic's name, or the
  /// one of timers.
  [[nodiscard]] std::string_view origin_name(topic_index which) const {
    return which == timer_topic_index ? timer_topic
                                      : std::string_view{topic_name(which)};
  }
  /// The source that is read from that topic; null for any other topic.
  [[nodiscard]] const source* source_of(topic_index which) const noexcept {
    for (const source& each : sources)
      if (each.topic == which)
        return &each;
    return nullptr;
  }

  /// Errors (`invalid_argument`, all faults in one text): no entity, two of
  /// one name, a source for an unknown entity, a topic in two roles, a journal
  /// of two entity types or with a retention, bounds that contradict each
  /// other.
  static result<std::shared_ptr<const application_plan>>
  make(const application& what, const engine_options& options);
};

} // namespace freehold::engine
