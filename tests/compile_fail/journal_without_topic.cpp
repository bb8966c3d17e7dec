// A journal that lies nowhere.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch",
                                        .journal = journal_mode::events,
#ifndef MISTAKE
                                        .journal_topic = "switches"
#endif
  };
  using messages = message_list<turn_on>;
  using events = event_list<turned_on>;
  static void handle(const state&, const turn_on&, context<light_switch>& ctx) {
    ctx.emit(turned_on{});
  }
  static void apply(state& now, const turned_on&) noexcept { now.on = true; }
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
