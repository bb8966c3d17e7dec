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

struct reminder {
  static constexpr std::string_view type = "Reminder";
  level how{};
};
BOOST_DESCRIBE_STRUCT(reminder, (), (how))

void use(std::string& out) { codec::to_json(out, reminder{}); }
