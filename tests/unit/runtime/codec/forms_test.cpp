// The external forms: exact bytes of each, round trips over seeded random
// values, and what the errors say.

#include "tests/unit/runtime/codec/codec_types.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace freehold;
using namespace freehold::codec;
using namespace codec_types;

namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

template <class T>
std::string json_of(const T& value) {
  std::string out;
  to_json(out, value);
  return out;
}

template <class T>
std::string msgpack_of(const T& value) {
  std::string out;
  to_msgpack(out, value);
  return out;
}

template <class T>
std::string stored_of(const T& value) {
  std::string out;
  to_stored(out, value);
  return out;
}

std::string json_error(std::string_view text) {
  const auto got = from_json<everything>(text);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::undecodable);
  return got.error().context;
}

/// Valid JSON of `everything` with one member replaced.
std::string with(std::string_view name, dynamic_value value) {
  auto fields = parse_json(json_of(everything{}));
  REQUIRE(fields);
  fields->set(name, std::move(value));
  return json_of(*fields);
}

everything sample() {
  everything x;
  x.flag = true;
  x.tiny = -5;
  x.small = 300;
  x.signed_whole = -9223372036854775807 - 1;
  x.unsigned_whole = 18446744073709551615U;
  x.ratio = 0.1;
  x.note = "say \"hi\"\n\xE2\x82\xAC";
  x.listing = status::sold;
  x.corners = {{1, -2.5}};
  x.bits = {true, false};
  x.by_name = {{"k", 7}};
  x.by_number = {{-3, std::nullopt}, {4, point{0, 0}}};
  x.hash = {0xDE, 0xAD, 0, 0xFF};
  x.offset = record_offset{70000};
  x.price = {12345};
  x.zip = {"8004"};
  return x;
}

} // namespace

TEST_CASE("field names are given in camelCase", "[runtime][codec]") {
  CHECK(field_names<everything>()[3] == "signedWhole");
  CHECK(field_names<point>()[1] == "long");
  CHECK(type_name<everything>() == "Everything");
  CHECK(type_version<everything>() == 3);
  CHECK(type_version<list_property>() == 1);
  CHECK(shown_type_name<point>() == "point");
}

TEST_CASE("the JSON form has these bytes", "[runtime][codec]") {
  CHECK(json_of(sample())
        == R"({"flag":true,"tiny":-5,"small":300,)"
           R"("signedWhole":-9223372036854775808,)"
           R"("unsignedWhole":18446744073709551615,"ratio":0.1,)"
           R"("note":"say \"hi\"\n)"
           "\xE2\x82\xAC"
           R"(","listing":"sold","corners":[{"lat":1,"long":-2.5}],)"
           R"("bits":[true,false],"byName":{"k":7},)"
           R"("byNumber":{"-3":null,"4":{"lat":0,"long":0}},)"
           R"("hash":"dead00ff","offset":70000,"price":12345,)"
           R"("zip":"8004","where":{"lat":0,"long":0}})");
}

TEST_CASE("the MessagePack form has these bytes", "[runtime][codec]") {
  CHECK(hex(msgpack_of(list_property{12300, "x", {}}))
        == "82a57072696365cd300cab6465736372697074696f6ea178");
  CHECK(hex(msgpack_of(list_property{1, "", "ann"}))
        == "83a5707269636501ab6465736372697074696f6ea0"
           "ab7265736572766564466f72a3616e6e");
}

TEST_CASE("the stored form has these bytes", "[runtime][codec]") {
  CHECK(hex(stored_of(list_property{12300, "x", {}})) == "93cd300ca178c0");
  CHECK(hex(stored_of(sample()))
        == "dc0012c3fbcd012cd38000000000000000cfffffffffffffffff"
           "cb3fb999999999999aac7361792022686922"
           "0ae282ac"
           "a4736f6c64c09192cb3ff0000000000000cbc004000000000000"
           "92c3c281a16b0782fdc00492cb0000000000000000cb0000000000000000"
           "c404dead00ffce00011170cd3039a438303034"
           "92cb0000000000000000cb0000000000000000");
}

TEST_CASE("the printable form reads like the source", "[runtime][codec]") {
  CHECK(to_text(list_property{12300, "x", {}})
        == "ListProperty{price: 12300, description: \"x\"}");
  everything x;
  x.corners = {{1, 2}};
  x.by_name = {{"k", 7}};
  CHECK(to_text(x)
        == "Everything{flag: false, tiny: 0, small: 0, signedWhole: 0, "
           "unsignedWhole: 0, ratio: 0, note: \"\", listing: available, "
           "corners: [point{lat: 1, long: 2}], bits: [], byName: {k: 7}, "
           "byNumber: {}, hash: 00000000, offset: 0, price: 0, "
           "zip: \"0000\", where: point{lat: 0, long: 0}}");
}

TEST_CASE("random values survive every form", "[runtime][codec]") {
  random_source random{20240611};
  const auto reader =
      stored_reader<everything>::create(schema_of<everything>());
  REQUIRE(reader);
  everything reused;
  for (int round = 0; round < 2000; ++round) {
    const everything x = random_everything(random, 12);
    const auto json = from_json<everything>(json_of(x));
    REQUIRE(json);
    REQUIRE(*json == x);
    const auto packed = from_msgpack<everything>(msgpack_of(x));
    REQUIRE(packed);
    REQUIRE(*packed == x);
    const std::string stored = stored_of(x);
    REQUIRE(reader->read(stored, reused));
    REQUIRE(reused == x);
    // The trees say the same: of stored bytes, and of JSON.
    const auto tree_of_stored = stored_to_dynamic(stored, reader->written());
    REQUIRE(tree_of_stored);
    const auto from_tree = from_dynamic<everything>(*tree_of_stored);
    REQUIRE(from_tree);
    REQUIRE(*from_tree == x);
    const std::string shown = json_of(*tree_of_stored);
    const auto from_shown = from_json<everything>(shown);
    REQUIRE(from_shown);
    REQUIRE(*from_shown == x);
  }
}

TEST_CASE("containers of every header size survive", "[runtime][codec]") {
  for (const std::size_t size :
       {std::size_t{15}, std::size_t{16}, std::size_t{31}, std::size_t{32},
        std::size_t{255}, std::size_t{256}, std::size_t{65535},
        std::size_t{65536}}) {
    everything x;
    x.note.assign(size, 'n');
    x.bits.assign(size, true);
    for (std::size_t i = 0; i < size; ++i)
      x.by_number[static_cast<std::int32_t>(i)] = {};
    const auto packed = from_msgpack<everything>(msgpack_of(x));
    REQUIRE(packed);
    REQUIRE(*packed == x);
    const auto json = from_json<everything>(json_of(x));
    REQUIRE(json);
    REQUIRE(*json == x);
  }
}

TEST_CASE("doubles that are no finite number survive", "[runtime][codec]") {
  everything x;
  for (const double each : {std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity()}) {
    x.ratio = each;
    CHECK(from_json<everything>(json_of(x))->ratio == each);
    CHECK(from_msgpack<everything>(msgpack_of(x))->ratio == each);
  }
  x.ratio = std::numeric_limits<double>::quiet_NaN();
  const auto got = from_json<everything>(json_of(x));
  REQUIRE(got);
  CHECK(got->ratio != got->ratio);
}

TEST_CASE("unknown and reordered fields do no harm", "[runtime][codec]") {
  const auto json = from_json<list_property>(
      R"( {"extra":[{"a":1}],"description":"d","price":5} )");
  REQUIRE(json);
  CHECK(*json == list_property{5, "d", {}});
  // {"zz": [[], {}], "reservedFor": nil, "description": "d", "price": 5}
  const std::string packed = "\x84\xA2zz\x92\x90\x80\xABreservedFor\xC0\xAB"
                             "description\xA1"
                             "d\xA5price\x05";
  const auto map = from_msgpack<list_property>(packed);
  REQUIRE(map);
  CHECK(*map == list_property{5, "d", {}});
}

TEST_CASE("errors say type, path, expected and found", "[runtime][codec]") {
  CHECK(json_error(with("small", 70000))
        == "Everything.small: expected integer 0..65535, "
           "found integer 70000");
  CHECK(json_error(with("small", -1))
        == "Everything.small: expected integer 0..65535, found integer -1");
  CHECK(json_error(with("tiny", 1.5))
        == "Everything.tiny: expected integer -128..127, found number 1.5");
  CHECK(json_error(with("listing", "gone"))
        == "Everything.listing: expected one of available, reserved, sold, "
           "found string \"gone\"");
  CHECK(json_error(with("zip", "12"))
        == "Everything.zip: a postcode has four digits");
  CHECK(json_error(with("hash", "00"))
        == "Everything.hash: expected 4 bytes, found string \"00\"");
  auto corners = parse_json(R"([{"lat":1,"long":2},{"lat":"x","long":2}])");
  CHECK(json_error(with("corners", *corners))
        == "Everything.corners[1].lat: expected number, "
           "found string \"x\"");
  auto numbers = parse_json(R"({"x":null})");
  CHECK(json_error(with("byNumber", *numbers))
        == "Everything.byNumber[x]: expected integer "
           "-2147483648..2147483647 as a key, found \"x\"");
  CHECK(from_json<list_property>(R"({"price":1})").error().context
        == "ListProperty.description: expected a field of ListProperty, "
           "found none");
  CHECK(from_json<list_property>("[]").error().context
        == "ListProperty: expected object, found array of 0");
  const auto packed = from_msgpack<list_property>("\x81\xA5price\xA1x");
  REQUIRE_FALSE(packed);
  CHECK(packed.error().context
        == "ListProperty.price: expected integer 0..4294967295, "
           "found string \"x\" at byte 7");
}

TEST_CASE("malformed JSON is refused with its position", "[runtime][codec]") {
  CHECK(json_error(R"({"flag":tru})")
            .starts_with("Everything: malformed JSON at byte 8: "));
  CHECK(json_error("{} x")
        == "Everything: malformed JSON at byte 3: text behind the value");
  for (const std::string_view text :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "\"\x80\"", "\"\xC0\xAF\"",
        "\"\xED\xA0\x80\"", "\"\\ud800\"", "\"\n\"", "01", "1e999", "+1",
        "[1] 2", "{'a':1}", "\xEF\xBB\xBF{}"}) {
    INFO(text);
    const auto got = parse_json(text);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::undecodable);
    CHECK(got.error().context.find("at byte") != std::string::npos);
  }
}

TEST_CASE("JSON strings are escaped and unescaped", "[runtime][codec]") {
  const auto got = parse_json(R"("\u00e4\ud83c\udfe0\/\b\u0000")");
  REQUIRE(got);
  using namespace std::string_view_literals;
  CHECK(*got->as_string() == "\xC3\xA4\xF0\x9F\x8F\xA0/\b\0"sv);
  CHECK(json_of(*got) == "\"\xC3\xA4\xF0\x9F\x8F\xA0/\\b\\u0000\"");
  // What is not UTF-8 does not get out.
  CHECK(json_of(dynamic_value{"a\xFFz"}) == "\"a\xEF\xBF\xBDz\"");
}

TEST_CASE("values at the depth bound pass and deeper ones do not",
          "[runtime][codec]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(parse_json(nested(nesting_depth_max)));
  CHECK_FALSE(parse_json(nested(nesting_depth_max + 1)));
  CHECK(parse_msgpack(std::string(nesting_depth_max - 1, '\x91') + "\x90"));
  const auto deep =
      parse_msgpack(std::string(nesting_depth_max, '\x91') + "\x90");
  REQUIRE_FALSE(deep);
  CHECK(deep.error().context.find("nested deeper than 64")
        != std::string::npos);
  // Through types that contain themselves, and through skipped fields.
  std::string packed = "\x82\xA5value\x01\xA8"
                       "children\x90";
  std::string json = R"({"value":1,"children":[]})";
  for (std::size_t i = 1; i < nesting_depth_max / 2 + 1; ++i) {
    CHECK(from_msgpack<tree>(packed));
    CHECK(from_json<tree>(json));
    packed = "\x82\xA5value\x01\xA8"
             "children\x91"
             + packed;
    json = R"({"value":1,"children":[)" + json + "]}";
  }
  CHECK_FALSE(from_msgpack<tree>(packed));
  CHECK_FALSE(from_json<tree>(json));
  std::string skipped = "\x83\xA1x";
  skipped += std::string(100000, '\x91') + "\xC0";
  skipped += "\xA5price\x01\xAB"
             "description\xA0";
  CHECK(from_msgpack<list_property>(skipped));
}

TEST_CASE("what nests deeper than it can be read is not written",
          "[runtime][codec]") {
  // Each tree is two levels: its struct and its vector.
  tree root;
  for (std::size_t i = 1; i < nesting_depth_max / 2; ++i) {
    tree above;
    above.children.push_back(std::move(root));
    root = std::move(above);
  }
  CHECK_NOTHROW(check_encodable(root));
  CHECK(from_json<tree>(json_of(root)).value() == root);
  CHECK(from_msgpack<tree>(msgpack_of(root)).value() == root);
  const auto reader = stored_reader<tree>::create(schema_of<tree>());
  REQUIRE(reader);
  tree got;
  CHECK(reader->read(stored_of(root), got));
  CHECK(got == root);

  tree deeper;
  deeper.children.push_back(root);
  CHECK_THROWS_AS(check_encodable(deeper), encode_failure);
  CHECK_THROWS_AS(json_of(deeper), encode_failure);
  CHECK_THROWS_AS(msgpack_of(deeper), encode_failure);
  CHECK_THROWS_AS(stored_of(deeper), encode_failure);
  CHECK_FALSE(to_text(deeper).empty());
}

TEST_CASE("whether a type can nest without limit is known at compile time",
          "[runtime][codec]") {
  STATIC_REQUIRE(nests_without_limit<tree>);
  STATIC_REQUIRE_FALSE(nests_without_limit<everything>);
}

TEST_CASE("an enum's value without a name is not written", "[runtime][codec]") {
  everything x;
  x.listing = static_cast<status>(3);
  const auto names_it = Catch::Matchers::Message(
      "the enum status holds a value without a name: 3");
  CHECK_THROWS_MATCHES(json_of(x), encode_failure, names_it);
  CHECK_THROWS_MATCHES(msgpack_of(x), encode_failure, names_it);
  CHECK_THROWS_MATCHES(stored_of(x), encode_failure, names_it);
  CHECK_THROWS_MATCHES(check_encodable(x), encode_failure, names_it);
}

TEST_CASE("lengths that the input cannot hold are refused",
          "[runtime][codec]") {
  for (const std::string_view bytes :
       {"\xDD\xFF\xFF\xFF\xFF", "\xDF\xFF\xFF\xFF\xFF", "\xDB\xFF\xFF\xFF\xFF",
        "\xC6\xFF\xFF\xFF\xFF", "\xDC\xFF", "\xCF",
        "\xA5"
        "abc",
        "\x92\x01", "\x81\x01", "\xC1", "\xD4\x01\x02", "\xC7\x01\x01\x01",
        ""}) {
    const auto got = parse_msgpack(bytes);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::undecodable);
    CHECK_FALSE(msgpack_reader{bytes}.skip());
  }
}

TEST_CASE("a dynamic value can be edited by name", "[runtime][codec]") {
  dynamic_value x;
  x.set("a", 1);
  x.set("b", "two");
  x.set("a", std::uint64_t{3});
  CHECK(x.rename("b", "c"));
  CHECK_FALSE(x.rename("b", "c"));
  CHECK(json_of(x) == R"({"a":3,"c":"two"})");
  CHECK(to_text(x) == "{a: 3, c: \"two\"}");
  CHECK(x.erase("a"));
  CHECK(x.find("a") == nullptr);
  REQUIRE(x.find("c") != nullptr);
  CHECK(*x.find("c") == dynamic_value{"two"});
}
