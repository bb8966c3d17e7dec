#include "runtime/engine/application_plan.hpp"

#include "runtime/base/assert.hpp"

namespace freehold::engine {

std::optional<topic_index>
application_plan::topic(std::string_view wanted) const noexcept {
  for (std::uint32_t i = 0; i < layout.topics.size(); ++i)
    if (layout.topics[i].name == wanted)
      return topic_index{i};
  return std::nullopt;
}

std::optional<std::uint32_t>
application_plan::type(std::string_view wanted) const noexcept {
  for (std::uint32_t i = 0; i < types.size(); ++i)
    if (types[i]->traits().type == wanted)
      return i;
  return std::nullopt;
}

const std::string& application_plan::topic_name(topic_index which) const {
  FREEHOLD_ASSERT(which.value() < layout.topics.size(), "a topic of the plan");
  return layout.topics[which.value()].name;
}

result<std::shared_ptr<const application_plan>>
application_plan::make(const application& what, const engine_options& options) {
  auto plan = std::make_shared<application_plan>();
  std::string faults;
  const auto fault = [&faults](const std::string& text) {
    faults.append(faults.empty() ? "" : "; ").append(text);
  };
  plan->name = what.name();
  plan->options = options;
  plan->layout.shard_count = options.shard_count;
  if (options.shard_count == 0 || options.worker_count == 0)
    fault("an engine needs at least one shard and one worker");
  if (options.record_bytes_max < 1024)
    fault("record_bytes_max below 1 KiB leaves no room for a unit header");

  const auto add_topic = [&](const std::string& name, std::uint32_t partitions,
                             ports::topic_role role,
                             std::chrono::milliseconds retention) {
    if (plan->topic(name))
      fault("topic " + name + " has two roles");
    plan->layout.topics.push_back({name, partitions, role, retention});
    return topic_index{
        static_cast<std::uint32_t>(plan->layout.topics.size() - 1)};
  };
  constexpr std::chrono::milliseconds for_ever{0};

  if (what.entities().empty())
    fault("an application needs at least one entity type");
  for (const auto& type : what.entities()) {
    if (plan->type(type->traits().type))
      fault("two entity types are called " + std::string{type->traits().type});
    plan->types.push_back(type);
    plan->type_schemas.push_back(type->schema());
  }
  for (const auto& source : what.sources()) {
    const auto type = plan->type(source.entity);
    if (!type) {
      fault("source " + source.topic + " is for the entity type "
            + source.entity + ", which the application does not have");
      continue;
    }
    const topic_index topic =
        add_topic(source.topic, options.shard_count, ports::topic_role::source,
                  source.retention);
    plan->sources.push_back(
        {topic, *type, source.default_message, source.deduplicate});
  }
  plan->inbox = add_topic(options.inbox_topic, options.shard_count,
                          ports::topic_role::inbox, for_ever);
  plan->changelog = add_topic(options.changelog_topic, options.shard_count,
                              ports::topic_role::changelog, for_ever);
  for (const auto& output : what.outputs())
    add_topic(output.topic,
              output.partition_count == 0 ? options.shard_count
                                          : output.partition_count,
              ports::topic_role::output, output.retention);
  plan->dead_letters = add_topic(options.dead_letter_topic, options.shard_count,
                                 ports::topic_role::output, for_ever);
  if (!faults.empty())
    return error{errc::invalid_argument,
                 "application " + plan->name + ": " + faults};
  return std::shared_ptr<const application_plan>{std::move(plan)};
}

} // namespace freehold::engine
