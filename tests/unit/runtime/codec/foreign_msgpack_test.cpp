// Our MessagePack against msgpack-cxx: it reads what we write, and we read what
// it writes. Built where its headers are installed.

#include "tests/unit/runtime/codec/codec_types.hpp"

#include <catch2/catch.hpp>
#include <msgpack.hpp>

using namespace freehold;
using namespace freehold::codec;
using namespace codec_types;

namespace {

/// Unpacked and packed again by the other library.
std::string through_msgpack_cxx(const std::string& bytes) {
  std::size_t used = 0;
  const msgpack::object_handle whole =
      msgpack::unpack(bytes.data(), bytes.size(), used);
  REQUIRE(used == bytes.size());
  msgpack::sbuffer out;
  msgpack::pack(out, whole.get());
  return {out.data(), out.size()};
}

} // namespace

TEST_CASE("msgpack-cxx reads what we write and writes what we read",
          "[runtime][codec]") {
  random_source random{99};
  const auto reader =
      stored_reader<everything>::create(schema_of<everything>());
  REQUIRE(reader);
  for (int round = 0; round < 1000; ++round) {
    const everything x = random_everything(random, 40);
    std::string packed;
    to_msgpack(packed, x);
    const auto back = from_msgpack<everything>(through_msgpack_cxx(packed));
    REQUIRE(back);
    REQUIRE(*back == x);
    std::string stored;
    to_stored(stored, x);
    everything into;
    REQUIRE(reader->read(through_msgpack_cxx(stored), into));
    REQUIRE(into == x);
  }
}

TEST_CASE("without doubles the bytes are those of msgpack-cxx",
          "[runtime][codec]") {
  random_source random{100};
  for (int round = 0; round < 1000; ++round) {
    everything x = random_everything(random, 40);
    // msgpack-cxx turns doubles without a fraction into integers.
    x.corners.clear();
    x.by_number.clear();
    x.ratio = 0.5;
    x.where = {0.5, 0.25};
    std::string packed;
    to_msgpack(packed, x);
    REQUIRE(through_msgpack_cxx(packed) == packed);
  }
}
