// Must not compile; the message has to name the type and the way out.

#include "runtime/codec/codec.hpp"

struct undescribed_type {
  int* pointer;
};
struct message {
  static constexpr std::string_view type = "Message";
  undescribed_type field;
};
BOOST_DESCRIBE_STRUCT(message, (), (field))

void encode(std::string& out, const message& value) {
  freehold::codec::to_json(out, value);
}
