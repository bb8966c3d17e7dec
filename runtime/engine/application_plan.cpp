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
// NOLINTNEXTLINE(readability-function-size): one fault after the other
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
  if (options.record_bytes_max < application_plan::record_bytes_min)
    fault("record_bytes_max is below "
          + std::to_string(application_plan::record_bytes_min)
          + " bytes, which leaves no room for a dead letter's reason");
  std::size_t header_bytes = 64;

  const auto add_topic = [&](const std::string& called,
                             std::uint32_t partitions, ports::topic_role role,
                             std::chrono::milliseconds retention) {
    if (plan->topic(called))
      fault("topic " + called + " has two roles");
    if (called == application_plan::timer_topic)
      fault("no topic may be called " + called
            + ": messages of timers name it as their origin");
    if (called.empty() || called.size() > application_plan::name_bytes_max)
      fault("topic \"" + called + "\" has no name of 1 to "
            + std::to_string(application_plan::name_bytes_max) + " bytes");
    if (role == ports::topic_role::source || role == ports::topic_role::inbox)
      header_bytes += called.size() + 16;
    plan->layout.topics.push_back({called, partitions, role, retention});
    return topic_index{
        static_cast<std::uint32_t>(plan->layout.topics.size() - 1)};
  };
  constexpr std::chrono::milliseconds for_ever{0};

  if (what.entities().empty())
    fault("an application needs at least one entity type");
  for (const auto& type : what.entities()) {
    if (plan->type(type->traits().type))
      fault("two entity types are called " + std::string{type->traits().type});
    if (type->traits().type.empty()
        || type->traits().type.size() > application_plan::name_bytes_max)
      fault("entity type \"" + std::string{type->traits().type}
            + "\" has no name of 1 to "
            + std::to_string(application_plan::name_bytes_max) + " bytes");
    if (type->traits().journal == journal_mode::events)
      for (const auto& other : plan->types)
        if (other->traits().journal == journal_mode::events
            && other->traits().journal_topic == type->traits().journal_topic)
          fault("the entity types " + std::string{other->traits().type}
                + " and " + std::string{type->traits().type}
                + " have one journal, "
                + std::string{type->traits().journal_topic}
                + ": neither could be read back");
    plan->types.push_back(type);
    plan->type_schemas.push_back(type->schema());
    if (plan->type_schemas.back().size() + 1024 > options.record_bytes_max)
      fault("the schema of " + std::string{type->traits().type}
            + " does not fit into a record");
  }
  for (const auto& [type, bytes] : options.entity_bytes_max_of)
    if (!plan->type(type))
      fault("entity_bytes_max_of names the entity type " + type
            + ", which the application does not have");
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
    plan->sources.push_back({topic, *type, source.default_message,
                             source.read_headers, source.deduplicate,
                             source.event_time_field});
    plan->layout.topics[topic.value()].has_headers = source.read_headers;
  }
  plan->event_time = what.event_time();
  if (plan->event_time
      && (plan->event_time->step.count() <= 0
          || plan->event_time->ahead_max.count() < 0
          || plan->event_time->drift_max < 2 * plan->event_time->step
          || plan->event_time->idle_after.count() < 0))
    fault("event time needs a step above zero, bounds that are not negative, "
          "and a drift of at least two steps");
  plan->inbox = add_topic(options.inbox_topic, options.shard_count,
                          ports::topic_role::inbox, for_ever);
  plan->changelog = add_topic(options.changelog_topic, options.shard_count,
                              ports::topic_role::changelog, for_ever);
  // What the engine itself writes there has none.
  for (const topic_index own : {plan->inbox, plan->changelog})
    plan->layout.topics[own.value()].has_headers = false;
  for (const auto& output : what.outputs()) {
    const bool is_journal = what.is_journal(output.topic);
    if (is_journal && output.retention != for_ever) {
      fault("the journal " + output.topic
            + " is declared with a retention, but it is the truth about its "
              "entities for ever");
      continue;
    }
    if (const auto known = plan->topic(output.topic);
        known
        && plan->layout.topics[known->value()].role
               == ports::topic_role::output) {
      fault("the output " + output.topic + " is declared twice, differently");
      continue;
    }
    const topic_index topic =
        add_topic(output.topic,
                  output.partition_count == 0 ? options.shard_count
                                              : output.partition_count,
                  ports::topic_role::output, output.retention);
    if (is_journal)
      plan->journals.push_back(topic);
  }
  plan->dead_letters = add_topic(options.dead_letter_topic, options.shard_count,
                                 ports::topic_role::output, for_ever);
  if (header_bytes > options.record_bytes_max)
    fault("a unit's header, which names every input, does not fit into a "
          "record");
  if (!faults.empty())
    return error{errc::invalid_argument,
                 "application " + plan->name + ": " + faults};
  return std::shared_ptr<const application_plan>{std::move(plan)};
}

} // namespace freehold::engine
