#include "tests/testkit/engine_world.hpp"

#include "runtime/engine/entity_cell.hpp"

#include <caf/scoped_actor.hpp>

namespace freehold::testkit {

std::string engine_world::state_of(std::string_view type,
                                   std::string_view key) {
  const caf::actor entity = engine_->find_entity(type, key);
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

} // namespace freehold::testkit
