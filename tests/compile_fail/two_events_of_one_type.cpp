// Two events of an entity have one name.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct turned_up {
#ifdef MISTAKE
  static constexpr std::string_view type = "TurnedOn";
#else
  static constexpr std::string_view type = "TurnedUp";
#endif
};
BOOST_DESCRIBE_STRUCT(turned_up, (), ())

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch",
                                        .journal = journal_mode::events,
                                        .journal_topic = "light-events"};
  using messages = message_list<turn_on>;
  using events = event_list<turned_on, turned_up>;
  static void handle(const state&, const turn_on&, context<light_switch>& ctx) {
    ctx.emit(turned_on{});
    ctx.emit(turned_up{});
  }
  static void apply(state& now, const turned_on&) noexcept { now.on = true; }
  static void apply(state& now, const turned_up&) noexcept { now.on = true; }
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
