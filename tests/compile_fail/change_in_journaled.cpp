// A journaled entity changes its state besides its events.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct light_switch {
  using state = light_state;
#ifdef MISTAKE
  static constexpr entity_traits traits{.type = "light-switch",
                                        .journal = journal_mode::events,
                                        .journal_topic = "light-events"};
#else
  static constexpr entity_traits traits{.type = "light-switch"};
#endif
  using messages = message_list<turn_on>;
  static void handle(state& now, const turn_on&, context<light_switch>&) {
    now.on = true;
  }
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
