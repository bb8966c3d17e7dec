#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/entity/dispatch.hpp"
#include "runtime/entity/entity_type.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold {

/// A topic that others write and one entity type reads.
struct source_description {
  std::string topic;
  /// The entity type that takes its records.
  std::string entity;
  /// Message type of records that name none, neither in a `ce_type` header
  /// nor in a `type` field.
  std::string default_message{};
  /// False where the headers of its records mean nothing here: then none is
  /// looked at or kept for a dead letter, and they cost nothing (on Kafka a
  /// tenth of what a small record costs, even where there are none).
  bool read_headers = true;
  /// Skip a record whose event id was handled within the dedupe window.
  bool deduplicate = true;
  /// The member of the JSON (or MessagePack) body that says when it happened,
  /// an RFC 3339 text, as others write it: `timestamp`. It takes the place of
  /// the record's own time before anything else sees that. A record without
  /// it, or with none that can be read, is undecodable and moves no event
  /// time. Empty: the record's own time counts.
  std::string event_time_field{};
  std::chrono::milliseconds retention{0};
};

/// How an application measures event time: the time at which things happened,
/// as opposed to when they are handled (ADR 8). A source's records say it by
/// their own time, or by `source_description::event_time_field`.
struct event_time_description {
  /// The watermark moves in steps of this at the finest, aligned to 1970.
  /// Each costs one small record from every shard to every shard.
  std::chrono::milliseconds step = std::chrono::hours{1};
  /// A record that claims to have happened further ahead of the node's clock
  /// does not move event time.
  std::chrono::milliseconds ahead_max = std::chrono::days{1};
  /// A source partition that has come further ahead of the slowest one is not
  /// read on until that one follows. It bounds what entities keep for windows
  /// that are open, and how much is revised, over a backlog. At least two
  /// steps.
  std::chrono::milliseconds drift_max = std::chrono::days{30};
  /// A source partition that was read to its end so long ago is idle: results
  /// do not wait for it.
  std::chrono::milliseconds idle_after = std::chrono::seconds{5};
};

struct output_description {
  std::string topic;
  std::uint32_t partition_count = 0; // 0: as many as shards
  std::chrono::milliseconds retention{0};

  friend bool operator==(const output_description&,
                         const output_description&) = default;
};

/// What an application consists of. The same description makes a node, a test
/// engine and, later, a simulated cluster.
class application {
public:
  explicit application(std::string name) : name_(std::move(name)) {}

  /// Adds an entity type; its journal topic, if it has one, comes with it.
  /// `settings` is what its handlers find in `context::settings`.
  template <class Entity>
  application& entity(settings_of<Entity> settings = {}) {
    entities_.push_back(
        std::make_shared<entity_type_of<Entity>>(std::move(settings)));
    if constexpr (Entity::traits.journal == journal_mode::events)
      output({.topic = std::string{Entity::traits.journal_topic}});
    return *this;
  }
  application& source(source_description what) {
    sources_.push_back(std::move(what));
    return *this;
  }
  /// Declares a topic that handlers publish to. Twice is once; the engine
  /// refuses two that differ, and a retention for a journal.
  application& output(output_description what) {
    for (const auto& known : outputs_)
      if (known == what)
        return *this;
    outputs_.push_back(std::move(what));
    return *this;
  }

  /// Lets entities work by event time: `context::watermark` and what comes
  /// with it.
  application& event_time(event_time_description how) {
    event_time_ = how;
    return *this;
  }

  /// Whether a topic is the journal of an entity type.
  [[nodiscard]] bool is_journal(std::string_view topic) const {
    for (const auto& each : entities_)
      if (each->traits().journal == journal_mode::events
          && each->traits().journal_topic == topic)
        return true;
    return false;
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const auto& entities() const { return entities_; }
  [[nodiscard]] const auto& sources() const { return sources_; }
  [[nodiscard]] const auto& outputs() const { return outputs_; }
  /// None: entities know no watermark.
  [[nodiscard]] const auto& event_time() const { return event_time_; }

private:
  std::string name_;
  std::vector<std::shared_ptr<const entity_type>> entities_;
  std::vector<source_description> sources_;
  std::vector<output_description> outputs_;
  std::optional<event_time_description> event_time_;
};

} // namespace freehold
