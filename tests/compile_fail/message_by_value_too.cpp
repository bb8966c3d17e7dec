// Two handlers, one of which takes its message by value.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch"};
  using messages = message_list<turn_on>;
  static void handle(const state&, const turn_on&, context<light_switch>&) {}
#ifdef MISTAKE
  static void handle(const state&, turn_on, context<light_switch>&) {}
#endif
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
