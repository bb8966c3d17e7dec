// An enum's initial value has no name.

#include "runtime/codec/codec.hpp"

using namespace freehold;

enum class level {
#ifdef MISTAKE
  low = 1,
#else
  low = 0,
#endif
  high = 2
};
BOOST_DESCRIBE_ENUM(level, low, high)

struct alarm {
  static constexpr std::string_view type = "Alarm";
  level how{};
};
BOOST_DESCRIBE_STRUCT(alarm, (), (how))

void use(std::string& out) { codec::to_json(out, alarm{}); }
