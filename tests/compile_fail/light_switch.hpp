#pragma once

#include "runtime/entity/dispatch.hpp"

/// What the cases make their entities of.
struct turn_on {
  static constexpr std::string_view type = "TurnOn";
};
BOOST_DESCRIBE_STRUCT(turn_on, (), ())

struct turn_off {
  static constexpr std::string_view type = "TurnOff";
};
BOOST_DESCRIBE_STRUCT(turn_off, (), ())

struct turned_on {
  static constexpr std::string_view type = "TurnedOn";
};
BOOST_DESCRIBE_STRUCT(turned_on, (), ())

struct light_state {
  static constexpr std::string_view type = "LightState";
  bool on = false;
};
BOOST_DESCRIBE_STRUCT(light_state, (), (on))
