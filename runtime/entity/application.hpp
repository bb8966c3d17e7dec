#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/entity/dispatch.hpp"
#include "runtime/entity/entity_type.hpp"

#include <chrono>
#include <memory>
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
  /// Skip a record whose event id was handled within the dedupe window.
  bool deduplicate = true;
  std::chrono::milliseconds retention{0};
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
  template <class Entity>
  application& entity() {
    entities_.push_back(std::make_shared<entity_type_of<Entity>>());
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

private:
  std::string name_;
  std::vector<std::shared_ptr<const entity_type>> entities_;
  std::vector<source_description> sources_;
  std::vector<output_description> outputs_;
};

} // namespace freehold
