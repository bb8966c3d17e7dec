// A journaled entity emits an event that its list of events does not name.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch",
                                        .journal = journal_mode::events,
                                        .journal_topic = "light-events"};
  using messages = message_list<turn_on>;
#ifdef MISTAKE
  using events = event_list<>;
#else
  using events = event_list<turned_on>;
#endif
  static void handle(const state&, const turn_on&, context<light_switch>& ctx) {
    ctx.emit(turned_on{});
  }
  static void apply(state& now, const turned_on&) noexcept { now.on = true; }
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
