#include "node/commands/opened_log.hpp"

#include "node/application_wiring.hpp"

#include <utility>

namespace freehold::node::commands {

std::optional<opened_log> open_log(const configuration_flags& flags) {
  const auto loaded = flags.load();
  if (!loaded)
    return std::nullopt;
  opened_log log;
  auto reader = open_reader(loaded->values);
  if (!reader) {
    complain(reader.error());
    return std::nullopt;
  }
  log.reader = *std::move(reader);
  const auto topics = log.reader->topics();
  if (!topics) {
    complain(topics.error());
    return std::nullopt;
  }
  auto plan = make_plan_for(loaded->values, *topics);
  if (!plan) {
    complain(plan.error());
    return std::nullopt;
  }
  log.plan = *std::move(plan);
  return log;
}

std::optional<std::uint32_t> find_type(const engine::application_plan& plan,
                                       const std::string& name) {
  if (const auto type = plan.type(name))
    return type;
  std::string names;
  for (const auto& each : plan.types)
    names.append(names.empty() ? "" : ", ").append(each->traits().type);
  complain("there is no entity type \"" + name + "\"; there are: " + names);
  return std::nullopt;
}

} // namespace freehold::node::commands
