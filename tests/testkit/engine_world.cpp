#include "tests/testkit/engine_world.hpp"

#include "runtime/engine/entity_cell.hpp"

#include <caf/scoped_actor.hpp>

#include <optional>

namespace freehold::testkit {

caf::actor engine_world::handle_of(std::string_view type,
                                   std::string_view key) {
  // Shared with the engine: the answer may come after we gave up.
  auto answer = std::make_shared<std::optional<caf::actor>>();
  engine_->find_entity(type, key,
                       [answer](caf::actor found) { *answer = found; });
  for (int i = 0; i < 100 && !*answer; ++i) {
    run_ready();
    if (!*answer)
      pass(plan_->options.commit_interval);
  }
  return answer->value_or(caf::actor{});
}

std::string engine_world::state_of(std::string_view type,
                                   std::string_view key) {
  const caf::actor entity = handle_of(type, key);
  if (!entity)
    return {};
  caf::scoped_actor self{engine_->system()};
  // The request's own timeout is CAF's, on the real clock: it ends a test that
  // would hang, it decides nothing.
  auto response =
      self->request(entity, std::chrono::seconds{30}, engine::read_state{});
  for (int i = 0; i < 100 && !self->has_next_message(); ++i)
    pass(plan_->options.commit_interval);
  std::string text;
  response.receive([&](const std::string& json) { text = json; },
                   [&](const caf::error& why) {
                     throw std::runtime_error(engine_->system().render(why));
                   });
  return text;
}

void engine_world::append(partition_index partition, std::string_view topic,
                          std::string_view key, std::string_view value,
                          const headers& with, timestamp happened) {
  auto request = std::make_shared<owned_request>();
  request->key = key;
  request->value = value;
  for (const auto& [name, text] : with)
    append_header(request->headers, name, text);
  ports::append made;
  made.target = {plan_->topic(topic).value(), partition};
  made.time = happened;
  made.key = request->key;
  made.value = request->value;
  made.headers = header_list{request->headers};
  request->appends.push_back(made);
  log_->produce(std::move(request), [](const ports::produce_result&) {});
}

} // namespace freehold::testkit
