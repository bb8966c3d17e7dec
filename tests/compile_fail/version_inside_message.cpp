// A struct inside a message has versions, and the message lifts none.

#include "tests/compile_fail/light_switch.hpp"

using namespace freehold;

struct lamp {
  static constexpr std::uint32_t version = 2;
  std::uint32_t watts = 0;
  static void upcast(std::uint32_t, codec::dynamic_value&) {}
};
BOOST_DESCRIBE_STRUCT(lamp, (), (watts))

struct replace_lamps {
  static constexpr std::string_view type = "ReplaceLamps";
  static constexpr std::uint32_t version = 2;
  std::optional<std::vector<lamp>> lamps;
#ifndef MISTAKE
  static void upcast(std::uint32_t, codec::dynamic_value&) {}
#endif
};
BOOST_DESCRIBE_STRUCT(replace_lamps, (), (lamps))

struct light_switch {
  using state = light_state;
  static constexpr entity_traits traits{.type = "light-switch"};
  using messages = message_list<replace_lamps>;
  static void handle(state&, const replace_lamps&, context<light_switch>&) {}
};

static const entity_type_of<light_switch> made;
const entity_type& use() { return made; }
