// Seeded mutations of good input in every form: a decoder may refuse them or
// find a value, it may not read out of bounds. Runs under the sanitizers too.

#include "tests/unit/runtime/codec/codec_types.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::codec;
using namespace codec_types;

namespace {

/// The same fields in another order, so that plans are used.
struct shuffled {
  static constexpr std::string_view type = "Everything";
  static constexpr std::uint32_t version = 3;
  std::vector<point> corners;
  std::optional<std::string> added;
  std::map<std::int32_t, std::optional<point>> by_number;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(shuffled, (), (corners, added, by_number, note))

std::string mutate(std::string bytes, random_source& random) {
  for (std::uint64_t i = 1 + random.below(3); i > 0 && !bytes.empty(); --i) {
    const auto at = static_cast<std::size_t>(random.below(bytes.size()));
    static constexpr std::string_view leads =
        "\xDD\xDF\xDB\xC6\xDC\xDE\x91\x81\xC0\xFF{[\"\\,:9-";
    switch (random.below(5)) {
    case 0:
      bytes[at] = static_cast<char>(random.next());
      break;
    case 1:
      bytes[at] = leads[random.below(leads.size())];
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, 1, leads[random.below(leads.size())]);
      break;
    default:
      bytes.erase(at, 1 + random.below(4));
    }
  }
  return bytes;
}

template <class T>
void refused_or_sound(const result<T>& got, int& refused) {
  if (got)
    return;
  ++refused;
  REQUIRE((got.error().code == errc::undecodable
           || got.error().code == errc::mismatch
           || got.error().code == errc::missing_upcaster));
  REQUIRE_FALSE(got.error().context.empty());
}

} // namespace

TEST_CASE("mutated input is refused or read, never more", "[runtime][codec]") {
  random_source random{7};
  const schema& now = schema_of<everything>();
  const auto straight = stored_reader<everything>::create(now);
  const auto planned = stored_reader<shuffled>::create(now);
  REQUIRE(straight);
  REQUIRE(planned);
  REQUIRE_FALSE(planned->straight());
  int refused = 0;
  constexpr int rounds = 6000;
  for (int round = 0; round < rounds; ++round) {
    const everything x = random_everything(random, 5);
    std::string good;
    to_json(good, x);
    const std::string json = mutate(good, random);
    refused_or_sound(from_json<everything>(json), refused);
    good.clear();
    to_msgpack(good, x);
    const std::string packed = mutate(good, random);
    refused_or_sound(from_msgpack<everything>(packed), refused);
    const auto fields = parse_msgpack(packed);
    refused_or_sound(fields, refused);
    msgpack_reader skipper{packed};
    static_cast<void>(skipper.skip());
    good.clear();
    to_stored(good, x);
    const std::string stored = mutate(good, random);
    everything into;
    refused_or_sound(straight->read(stored, into), refused);
    shuffled other;
    refused_or_sound(planned->read(stored, other), refused);
    refused_or_sound(stored_to_dynamic(stored, now), refused);
    const auto changed = decode_schema(mutate(encode_schema(now), random));
    refused_or_sound(changed, refused);
    if (changed) {
      const auto reader = stored_reader<everything>::create(*changed);
      refused_or_sound(reader, refused);
      if (reader)
        refused_or_sound(reader->read(good, into), refused);
      refused_or_sound(stored_to_dynamic(good, *changed), refused);
    }
  }
  // The mutations do break most inputs.
  CHECK(refused > rounds * 3);
}

TEST_CASE("every prefix of a stored state and of a message is refused",
          "[runtime][codec]") {
  random_source random{11};
  const everything x = random_everything(random, 6);
  std::string packed;
  to_msgpack(packed, x);
  for (std::size_t size = 0; size < packed.size(); ++size)
    REQUIRE_FALSE(
        from_msgpack<everything>(std::string_view{packed}.substr(0, size)));
  const auto reader =
      stored_reader<everything>::create(schema_of<everything>());
  REQUIRE(reader);
  std::string stored;
  to_stored(stored, x);
  everything into;
  for (std::size_t size = 0; size < stored.size(); ++size)
    REQUIRE_FALSE(reader->read(std::string_view{stored}.substr(0, size), into));
  stored += '\x01';
  CHECK_FALSE(reader->read(stored, into));
}
