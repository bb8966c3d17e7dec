// The list names a message that no handler takes.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch"};
  using messages = message_list<turn_on, turn_off>;
  static void handle(state& now, const turn_on&, context<light_switch>&) {
    now.on = true;
  }
#ifndef MISTAKE
  static void handle(state& now, const turn_off&, context<light_switch>&) {
    now.on = false;
  }
#endif
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
