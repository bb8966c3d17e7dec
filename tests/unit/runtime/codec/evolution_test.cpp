// States and messages of one version read by the next: by name, by default and
// by upcaster; and what happens when there is no way.

#include "runtime/codec/codec.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::codec;

namespace {

namespace v1 {

struct owner {
  std::string name;
  std::uint32_t year = 0;
};
BOOST_DESCRIBE_STRUCT(owner, (), (name, year))

struct property {
  static constexpr std::string_view type = "Property";
  std::int64_t price = 0;
  std::string street;
  std::vector<std::map<std::string, owner>> owners;
  std::vector<std::vector<std::int32_t>> dropped;
  owner agent;
};
BOOST_DESCRIBE_STRUCT(property, (), (price, street, owners, dropped, agent))

} // namespace v1

namespace v2 {

/// Reordered, one field added.
struct owner {
  static constexpr std::uint32_t version = 2;
  static constexpr std::array<std::string_view, 1> defaulted{"share_percent"};
  std::uint32_t year = 0;
  std::uint32_t share_percent = 100;
  std::string name;
  friend bool operator==(const owner&, const owner&) = default;
};
BOOST_DESCRIBE_STRUCT(owner, (), (year, share_percent, name))

struct property {
  static constexpr std::string_view type = "Property";
  static constexpr std::uint32_t version = 2;
  static constexpr std::array<std::string_view, 1> defaulted{"views"};
  owner agent;
  std::vector<std::map<std::string, owner>> owners;
  std::optional<std::string> note;
  std::uint32_t views = 17;
  std::string street;
  std::int64_t price = 0;
};
BOOST_DESCRIBE_STRUCT(property, (), (agent, owners, note, views, street, price))

/// A required field without default or upcaster.
struct strict {
  static constexpr std::string_view type = "Property";
  static constexpr std::uint32_t version = 2;
  std::int64_t price = 0;
  std::string city;
};
BOOST_DESCRIBE_STRUCT(strict, (), (price, city))

/// The same fields under the old version.
struct careless {
  static constexpr std::string_view type = "Property";
  std::int64_t price = 0;
  std::string city;
};
BOOST_DESCRIBE_STRUCT(careless, (), (price, city))

} // namespace v2

namespace v3 {

/// Renames, splits and converts.
struct property {
  static constexpr std::string_view type = "Property";
  static constexpr std::uint32_t version = 3;
  std::int64_t price_cents = 0;
  std::string address;

  static void upcast(std::uint32_t from, dynamic_value& fields) {
    if (from < 3) {
      fields.rename("street", "address");
      fields.set("priceCents", fields.at("price").to_int() * 100);
    }
  }
};
BOOST_DESCRIBE_STRUCT(property, (), (price_cents, address))

/// A nested type with an upcaster of its own.
struct owner {
  static constexpr std::uint32_t version = 2;
  std::string full_name;
  static result<void> upcast(std::uint32_t, dynamic_value& fields) {
    if (!fields.rename("name", "fullName"))
      return error{errc::undecodable, "an owner without a name"};
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(owner, (), (full_name))

struct owned {
  static constexpr std::string_view type = "Property";
  static constexpr std::uint32_t version = 2;
  std::vector<std::map<std::string, owner>> owners;
  owner agent;
};
BOOST_DESCRIBE_STRUCT(owned, (), (owners, agent))

} // namespace v3

v1::property old_state() {
  return {
      500, "Elm St", {{{"a", {"Ann", 1980}}}, {}}, {{1, 2}, {}}, {"Bob", 1990}};
}

std::string stored_old() {
  std::string out;
  to_stored(out, old_state());
  return out;
}

} // namespace

TEST_CASE("an equal schema takes the straight path", "[runtime][codec]") {
  const auto reader =
      stored_reader<v1::property>::create(schema_of<v1::property>());
  REQUIRE(reader);
  CHECK(reader->straight());
  v1::property got;
  REQUIRE(reader->read(stored_old(), got));
  CHECK(to_text(got) == to_text(old_state()));
}

TEST_CASE("a state of version 1 is read by version 2 by name and default",
          "[runtime][codec]") {
  const auto reader =
      stored_reader<v2::property>::create(schema_of<v1::property>());
  REQUIRE(reader);
  CHECK_FALSE(reader->straight());
  v2::property got;
  got.note = "from an earlier read";
  got.views = 3;
  REQUIRE(reader->read(stored_old(), got));
  CHECK(to_text(got)
        == "Property{agent: owner{year: 1990, sharePercent: 100, name: "
           "\"Bob\"}, owners: [{a: owner{year: 1980, sharePercent: 100, "
           "name: \"Ann\"}}, {}], views: 17, street: \"Elm St\", price: 500}");
}

TEST_CASE("a state of version 1 is lifted by the upcaster of version 3",
          "[runtime][codec]") {
  const auto reader =
      stored_reader<v3::property>::create(schema_of<v1::property>());
  REQUIRE(reader);
  v3::property got;
  REQUIRE(reader->read(stored_old(), got));
  CHECK(got.price_cents == 50000);
  CHECK(got.address == "Elm St");
}

TEST_CASE("a nested struct is lifted by its own upcaster", "[runtime][codec]") {
  const auto reader =
      stored_reader<v3::owned>::create(schema_of<v1::property>());
  REQUIRE(reader);
  v3::owned got;
  REQUIRE(reader->read(stored_old(), got));
  CHECK(got.agent.full_name == "Bob");
  REQUIRE(got.owners.size() == 2);
  CHECK(got.owners[0].at("a").full_name == "Ann");
}

TEST_CASE("messages of version 1 are lifted in JSON and MessagePack",
          "[runtime][codec]") {
  std::string json;
  to_json(json, old_state());
  const auto from_text = from_json<v3::property>(json, 1);
  REQUIRE(from_text);
  CHECK(from_text->price_cents == 50000);
  std::string packed;
  to_msgpack(packed, old_state());
  const auto from_bytes = from_msgpack<v3::property>(packed, 1);
  REQUIRE(from_bytes);
  CHECK(from_bytes->address == "Elm St");
  const auto by_default = from_msgpack<v2::property>(packed, 1);
  REQUIRE(by_default);
  CHECK(by_default->views == 17);
}

TEST_CASE("a required field without a way is named with both versions",
          "[runtime][codec]") {
  const std::string_view words =
      "Property.city: expected a field of Property, found none; written as "
      "Property version 1, read as version 2: give the field a default or the "
      "type an upcast()";
  schema written = schema_of<v1::property>();
  const auto reader = stored_reader<v2::strict>::create(written);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == errc::missing_upcaster);
  CHECK(reader.error().context == words);
  const auto json = from_json<v2::strict>(R"({"price":1})", 1);
  REQUIRE_FALSE(json);
  CHECK(json.error().code == errc::missing_upcaster);
  CHECK(json.error().context == words);
  const auto packed = from_msgpack<v2::strict>("\x81\xA5price\x01", 1);
  REQUIRE_FALSE(packed);
  CHECK(packed.error().code == errc::missing_upcaster);
  CHECK(packed.error().context == words);
}

TEST_CASE("a required field added without a new version is a mismatch",
          "[runtime][codec]") {
  const auto reader =
      stored_reader<v2::careless>::create(schema_of<v1::property>());
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == errc::mismatch);
  CHECK(reader.error().context.find("raise the version") != std::string::npos);
}

TEST_CASE("what is newer than the program is a mismatch", "[runtime][codec]") {
  const auto reader =
      stored_reader<v1::property>::create(schema_of<v3::property>());
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == errc::mismatch);
  CHECK(reader.error().context
        == "Property: written as version 3, this program knows version 1: "
           "upgrade the program");
  CHECK(from_json<v1::property>("{}", 2).error().code == errc::mismatch);
  CHECK(from_msgpack<v1::property>("\x80", 2).error().code == errc::mismatch);
  // A nested struct counts as well.
  schema nested = schema_of<v1::property>();
  nested.structs[1].version = 9;
  const auto inner = stored_reader<v1::property>::create(nested);
  REQUIRE_FALSE(inner);
  CHECK(inner.error().code == errc::mismatch);
}

TEST_CASE("a schema of another type is a mismatch", "[runtime][codec]") {
  schema other = schema_of<v1::property>();
  other.structs[0].type = "Offer";
  CHECK(stored_reader<v1::property>::create(other).error().code
        == errc::mismatch);
}

TEST_CASE("a schema survives its encoding", "[runtime][codec]") {
  const schema& now = schema_of<v1::property>();
  REQUIRE(now.structs.size() == 2);
  CHECK(now.root().fields[2].wrap == "[{");
  CHECK(now.root().fields[2].nested == 1);
  const std::string bytes = encode_schema(now);
  std::string shown;
  append_hex(shown, bytes);
  CHECK(shown
        == "92019293a850726f70657274790195"
           "93a57072696365a0ff93a6737472656574a0ff"
           "93a66f776e657273a25b7b0193a764726f70706564a0ff"
           "93a56167656e74a001"
           "93a56f776e657201"
           "9293a46e616d65a0ff93a479656172a0ff");
  const auto again = decode_schema(bytes);
  REQUIRE(again);
  CHECK(*again == now);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_schema(std::string_view{bytes}.substr(0, size)));
}

TEST_CASE("a stored state is shown without its type", "[runtime][codec]") {
  const auto shown = stored_to_dynamic(stored_old(), schema_of<v1::property>());
  REQUIRE(shown);
  std::string json;
  to_json(json, *shown);
  CHECK(json
        == R"({"price":500,"street":"Elm St","owners":[{"a":{"name":"Ann",)"
           R"("year":1980}},{}],"dropped":[[1,2],[]],)"
           R"("agent":{"name":"Bob","year":1990}})");
}
