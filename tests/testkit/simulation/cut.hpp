#pragma once

#include "runtime/base/hash.hpp"
#include "runtime/engine/changelog_view.hpp"
#include "runtime/engine/shard_unit.hpp"
#include "runtime/ports/log_reader.hpp"
#include "tests/testkit/seen_record.hpp"
#include "tests/testkit/simulation/command.hpp"
#include "tests/testkit/simulation/schedule.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold::simulation {

/// What became of a message, as a node told whoever had sent it.
struct told_answer {
  std::uint32_t node = 0;
  moment at{0};
  engine::answer_notice notice;
};

/// What lies in the log at one moment, as anybody outside may read it: the
/// committed records, and what the changelogs say of entities. It reads on
/// demand; all of it is of the moment at which it is asked, and no step of the
/// simulation lies between.
class cut {
public:
  /// @param sent  outlives the cut, as `told` does
  cut(ports::log_reader& from,
      std::shared_ptr<const engine::application_plan> plan,
      const std::vector<command>& sent, const std::vector<told_answer>& told)
      : from_(from), plan_(std::move(plan)), sent_(sent), told_(told) {}

  /// What was sent so far, in that order.
  [[nodiscard]] const std::vector<command>& sent() const noexcept {
    return sent_;
  }

  /// What nodes have told so far of messages that name an event id; of one that
  /// came twice it may be told twice.
  [[nodiscard]] const std::vector<told_answer>& told() const noexcept {
    return told_;
  }

  /// The committed records of a topic, partition after partition.
  [[nodiscard]] const std::vector<testkit::seen_record>&
  records(std::string_view topic) const;

  /// The state of an entity, none where there is no such entity.
  template <class Entity>
  [[nodiscard]] std::optional<typename Entity::state>
  state(std::string_view key) const {
    const auto& shard =
        views()[partition_of(key, plan_->options.shard_count).value()];
    const auto* const stored = shard.find(type_of<Entity>(), key);
    if (stored == nullptr)
      return std::nullopt;
    return shard.template state<Entity>(type_of<Entity>(), key, *stored)
        .value();
  }
  /// All entities of a type, by key.
  template <class Entity>
  [[nodiscard]] std::map<std::string, typename Entity::state> states() const {
    std::map<std::string, typename Entity::state> all;
    for (const auto& shard : views())
      for (const auto& [key, stored] : shard.of_type(type_of<Entity>()))
        all.emplace(key,
                    shard.template state<Entity>(type_of<Entity>(), key, stored)
                        .value());
    return all;
  }
  /// Every state as JSON, by "type/key".
  [[nodiscard]] std::map<std::string, std::string> all_states() const;

  /// Messages that were taken and are not finished; timers by the clock that
  /// are set: those by event time wait for input.
  [[nodiscard]] std::uint64_t held_count() const;
  [[nodiscard]] std::uint64_t timer_count() const;

  /// What the changelogs say, by shard.
  [[nodiscard]] const std::vector<engine::changelog_view>& views() const;

  [[nodiscard]] ports::log_reader& reader() const noexcept { return from_; }
  [[nodiscard]] const auto& plan() const noexcept { return plan_; }

private:
  template <class Entity>
  [[nodiscard]] std::uint32_t type_of() const {
    return plan_->type(Entity::traits.type).value();
  }

  ports::log_reader& from_;
  std::shared_ptr<const engine::application_plan> plan_;
  const std::vector<command>& sent_;
  const std::vector<told_answer>& told_;
  mutable std::map<std::string, std::vector<testkit::seen_record>, std::less<>>
      records_;
  mutable std::vector<engine::changelog_view> views_;
};

} // namespace freehold::simulation
