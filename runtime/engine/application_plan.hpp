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
  struct source {
    topic_index topic;
    std::uint32_t type = 0; // index into types
    std::string default_message;
    bool deduplicate = true;
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

  [[nodiscard]] std::optional<topic_index>
  topic(std::string_view name) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t>
  type(std::string_view name) const noexcept;
  [[nodiscard]] const std::string& topic_name(topic_index which) const;

  /// Errors (`invalid_argument`, all faults in one text): no entity, two of
  /// one name, a source for an unknown entity, a topic in two roles, bounds
  /// that contradict each other.
  static result<std::shared_ptr<const application_plan>>
  make(const application& what, const engine_options& options);
};

} // namespace freehold::engine
