// Must not compile: a top-level message needs a name.

#include "runtime/codec/codec.hpp"

struct message {
  int field;
};
BOOST_DESCRIBE_STRUCT(message, (), (field))

void encode(std::string& out, const message& value) {
  freehold::codec::to_msgpack(out, value);
}
