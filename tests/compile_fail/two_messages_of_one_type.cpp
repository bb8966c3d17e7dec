// Two messages of an entity have one name.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct turn_up {
#ifdef MISTAKE
  static constexpr std::string_view type = "TurnOn";
#else
  static constexpr std::string_view type = "TurnUp";
#endif
};
BOOST_DESCRIBE_STRUCT(turn_up, (), ())

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch"};
  using messages = message_list<turn_off, turn_on, turn_up>;
  static void handle(state&, const turn_off&, context<light_switch>&) {}
  static void handle(state&, const turn_on&, context<light_switch>&) {}
  static void handle(state&, const turn_up&, context<light_switch>&) {}
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
