// What others may send that is well-formed and still unexpected: names that
// repeat, nulls, small messages for large values, text that is none, and the
// fields that an upcaster looks for in vain.

#include "tests/unit/runtime/codec/codec_types.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <stdexcept>

using namespace freehold;
using namespace freehold::codec;

namespace {

struct range {
  std::int32_t low = 0;
  std::optional<std::int32_t> high;
};
BOOST_DESCRIBE_STRUCT(range, (), (low, high))

struct ranges {
  static constexpr std::string_view type = "Ranges";
  static constexpr std::array<std::string_view, 1> defaulted{"step"};
  range whole;
  std::map<std::string, range> parts;
  std::uint32_t step = 7;
};
BOOST_DESCRIBE_STRUCT(ranges, (), (whole, parts, step))

/// Takes one byte when it is empty.
struct wide {
  std::optional<std::array<char, 500>> content;
};
BOOST_DESCRIBE_STRUCT(wide, (), (content))

struct wides {
  static constexpr std::string_view type = "Wides";
  std::vector<wide> all;
  std::map<std::int32_t, wide> named;
};
BOOST_DESCRIBE_STRUCT(wides, (), (all, named))

struct words {
  static constexpr std::string_view type = "Words";
  static constexpr std::array<std::string_view, 2> defaulted{"said", "named"};
  std::string said;
  std::map<std::string, std::int32_t> named;
};
BOOST_DESCRIBE_STRUCT(words, (), (said, named))

/// The form of a program that does not look at its text.
struct carelessly_said {
  static constexpr std::string_view type = "Words";
  static constexpr std::uint32_t version = 2;
  std::string text;
  static void upcast(std::uint32_t, dynamic_value& fields) {
    fields.rename("said", "text");
  }
};
BOOST_DESCRIBE_STRUCT(carelessly_said, (), (text))

/// Natural upcasters, by what goes wrong in them.
struct payment {
  static constexpr std::string_view type = "Payment";
  static constexpr std::uint32_t version = 2;
  std::int64_t cents = 0;
  static void upcast(std::uint32_t, dynamic_value& fields) {
    if (fields.find("broken") != nullptr)
      throw std::logic_error{"a bug"};
    if (fields.find("odd") != nullptr)
      throw 17;
    fields.set("cents", fields.at("dollars").to_int() * 100);
  }
};
BOOST_DESCRIBE_STRUCT(payment, (), (cents))

struct old_payment {
  static constexpr std::string_view type = "Payment";
  std::optional<std::int64_t> dollars;
};
BOOST_DESCRIBE_STRUCT(old_payment, (), (dollars))

template <class T>
std::string why(const result<T>& got) {
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::undecodable);
  return got.error().context;
}

/// An array header and that many empty structs.
std::string packed_wides(std::size_t count) {
  std::string out{"\x82\xA3"
                  "all\xDD"};
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(count >> static_cast<unsigned>(shift) & 0xFFU);
  return out.append(count, '\x80').append("\xA5named\x80");
}

std::string json_wides(std::size_t count) {
  std::string out{R"({"all":[)"};
  for (std::size_t i = 0; i < count; ++i)
    out += i == 0 ? "{}" : ",{}";
  return out.append(R"(],"named":{}})");
}

/// The most elements that the bound allows.
std::size_t wides_max(std::string (*form)(std::size_t)) {
  std::size_t count = 1;
  while (count * sizeof(wide) <= decoded_bytes_max(form(count).size()))
    ++count;
  return count - 1;
}

using Catch::Contains;

} // namespace

TEST_CASE("of a field that repeats the last one counts, as a whole",
          "[runtime][codec]") {
  const auto json = from_json<ranges>(
      R"({"whole":{"low":1,"high":2},"parts":{},"whole":{"low":3}})");
  REQUIRE(json);
  CHECK(json->whole.low == 3);
  CHECK_FALSE(json->whole.high);
  const auto packed = from_msgpack<ranges>("\x83\xA5whole\x82\xA3low\x01\xA4"
                                           "high\x02\xA5parts\x80"
                                           "\xA5whole\x81\xA3low\x03");
  REQUIRE(packed);
  CHECK(packed->whole.low == 3);
  CHECK_FALSE(packed->whole.high);
}

TEST_CASE("of a map's key that repeats the last one counts, as a whole",
          "[runtime][codec]") {
  const auto json = from_json<ranges>(
      R"({"whole":{"low":0},"parts":{"k":{"low":1,"high":2},"k":{"low":3}}})");
  REQUIRE(json);
  CHECK(json->parts.at("k").low == 3);
  CHECK_FALSE(json->parts.at("k").high);
  const auto packed = from_msgpack<ranges>(
      "\x82\xA5whole\x81\xA3low\x01\xA5parts\x82\xA1k\x82\xA3low\x01\xA4"
      "high\x02\xA1k\x81\xA3low\x03");
  REQUIRE(packed);
  CHECK(packed->parts.at("k").low == 3);
  CHECK_FALSE(packed->parts.at("k").high);
}

TEST_CASE("null keeps the initial value of a defaulted field only",
          "[runtime][codec]") {
  const auto json =
      from_json<ranges>(R"({"whole":{"low":1},"parts":{},"step":null})");
  REQUIRE(json);
  CHECK(json->step == 7);
  const auto repeated = from_json<ranges>(
      R"({"whole":{"low":1},"parts":{},"step":1,"step":null})");
  REQUIRE(repeated);
  CHECK(repeated->step == 7);
  const auto packed = from_msgpack<ranges>("\x83\xA5whole\x81\xA3low\x01"
                                           "\xA5parts\x80\xA4step\xC0");
  REQUIRE(packed);
  CHECK(packed->step == 7);
  CHECK_FALSE(from_json<ranges>(R"({"whole":null,"parts":{}})"));
}

TEST_CASE("a message may take its bound in memory and no element more",
          "[runtime][codec]") {
  for (const auto form : {&packed_wides, &json_wides}) {
    const auto read = [&](std::size_t count) {
      const std::string bytes = form(count);
      return form == &packed_wides ? from_msgpack<wides>(bytes)
                                   : from_json<wides>(bytes);
    };
    const std::size_t most = wides_max(form);
    REQUIRE(most > 100);
    const auto good = read(most);
    REQUIRE(good);
    CHECK(good->all.size() == most);
    CHECK_THAT(why(read(most + 1)),
               Contains("Wides.all")
                   && Contains("more than 64 times the message's size"));
  }
}

TEST_CASE("a map's elements count towards the bound", "[runtime][codec]") {
  std::string packed{"\x82\xA3"
                     "all\x90\xA5named\xDE"};
  constexpr std::uint16_t count = 2000;
  packed += static_cast<char>(count >> 8U);
  packed += static_cast<char>(count & 0xFFU);
  std::string json{R"({"all":[],"named":{)"};
  for (std::uint16_t i = 0; i < count; ++i) {
    packed += "\x01\x80";
    json.append(i == 0 ? "" : ",").append(R"("1":{})");
  }
  CHECK_THAT(why(from_msgpack<wides>(packed)), Contains("Wides.named"));
  CHECK_THAT(why(from_json<wides>(json + "}}")), Contains("Wides.named"));
}

TEST_CASE("a stored state is read however large it is in memory",
          "[runtime][codec]") {
  wides state;
  state.all.resize(5000);
  std::string bytes;
  to_stored(bytes, state);
  const auto reader = stored_reader<wides>::create(schema_of<wides>());
  REQUIRE(reader);
  wides got;
  CHECK(reader->read(bytes, got));
  CHECK(got.all.size() == 5000);
}

TEST_CASE("a number too small for a double is 0", "[runtime][codec]") {
  const auto unread =
      from_json<ranges>(R"({"whole":{"low":1},"parts":{},"unread":1e-400})");
  CHECK(unread);
  const auto tiny = parse_json("[1e-400,-1e-400,4.9e-324]");
  REQUIRE(tiny);
  CHECK((*tiny).to_array()[0] == dynamic_value{0.0});
  CHECK(std::signbit((*tiny).to_array()[1].to_double()));
  CHECK((*tiny).to_array()[2].to_double()
        == std::numeric_limits<double>::denorm_min());
  CHECK_FALSE(parse_json("1e400"));
}

TEST_CASE("version 0 is refused", "[runtime][codec]") {
  const std::string_view text = "Ranges: versions start at 1, found 0";
  CHECK(why(from_json<ranges>("{}", 0)) == text);
  CHECK(why(from_msgpack<ranges>("\x80", 0)) == text);
  CHECK(why(from_dynamic<ranges>(dynamic_value{}, 0)) == text);
}

TEST_CASE("what an upcaster does not find makes the message undecodable",
          "[runtime][codec]") {
  const auto lifted = [](std::string_view json) {
    const auto tree = parse_json(json);
    REQUIRE(tree);
    std::string packed;
    CHECK(why(from_dynamic<payment>(*tree, 1))
          == why(from_json<payment>(json, 1)));
    return why(from_json<payment>(json, 1));
  };
  CHECK(lifted("{}")
        == "Payment: cannot be lifted from version 1: expected a field "
           "\"dollars\", found none");
  CHECK_THAT(lifted(R"({"dollars":"x"})"),
             Contains("expected integer, found string \"x\""));
  CHECK_THAT(lifted("[]"), Contains("found array of 0"));
  CHECK_THAT(lifted(R"({"broken":1})"), Contains("a bug"));
  CHECK_THAT(lifted(R"({"odd":1})"), Contains("no std::exception"));
  CHECK_THAT(why(from_msgpack<payment>("\x80", 1)), Contains("\"dollars\""));
  CHECK(from_json<payment>(R"({"dollars":3})", 1).value().cents == 300);
}

TEST_CASE("what an upcaster does not find in a stored state is an error",
          "[runtime][codec]") {
  const auto reader = stored_reader<payment>::create(schema_of<old_payment>());
  REQUIRE(reader);
  std::string bytes;
  to_stored(bytes, old_payment{});
  payment got;
  const auto done = reader->read(bytes, got);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::undecodable);
  CHECK(done.error().context
        == "Payment: cannot be lifted from version 1: expected integer, found "
           "null");
}

TEST_CASE("accessors of a dynamic value give the value or throw",
          "[runtime][codec]") {
  const auto x = parse_json(
      R"({"b":true,"i":-3,"u":18446744073709551615,"d":0.5,"s":"t","a":[1]})");
  REQUIRE(x);
  CHECK(x->at("b").to_bool());
  CHECK(x->at("i").to_int() == -3);
  CHECK(x->at("u").to_uint() == 18446744073709551615U);
  CHECK(x->at("a").to_array().at(0).to_uint() == 1);
  CHECK(x->at("d").to_double() == 0.5);
  CHECK(x->at("i").to_double() == -3);
  CHECK(x->at("s").to_string() == "t");
  CHECK(x->to_object().size() == 6);
  CHECK_THROWS_AS(x->at("none"), wrong_value);
  CHECK_THROWS_AS(x->at("b").at("none"), wrong_value);
  CHECK_THROWS_AS(x->at("u").to_int(), wrong_value);
  CHECK_THROWS_AS(x->at("i").to_uint(), wrong_value);
  CHECK_THROWS_AS(x->at("s").to_double(), wrong_value);
  CHECK_THROWS_AS(x->at("i").to_bool(), wrong_value);
  CHECK_THROWS_AS(x->at("i").to_string(), wrong_value);
  CHECK_THROWS_AS(x->at("i").to_array(), wrong_value);
  CHECK_THROWS_AS(x->at("i").to_object(), wrong_value);
}

TEST_CASE("a message's text must be UTF-8 in MessagePack too",
          "[runtime][codec]") {
  CHECK(why(from_msgpack<words>("\x81\xA4said\xA2z\xFF"))
        == "Words.said: expected UTF-8 text, found string \"z\xEF\xBF\xBD\" at "
           "byte 6");
  CHECK_THAT(why(from_msgpack<words>("\x81\xA5named\x81\xA1\xFF\x01")),
             Contains("expected UTF-8 text"));
  CHECK_THAT(why(from_msgpack<carelessly_said>("\x81\xA4said\xA1\xFF", 1)),
             Contains("expected UTF-8 text"));
  CHECK(from_msgpack<words>("\x81\xA4said\xA2\xC3\xA4"));
}

TEST_CASE("text that is not UTF-8 does not get out as a message",
          "[runtime][codec]") {
  std::string out;
  words bad{"z\xFF", {}};
  CHECK_THROWS_AS(to_msgpack(out, bad), encode_failure);
  CHECK_THROWS_WITH(to_json(out, bad, bad_text::refused),
                    "a text is not UTF-8: \"z\xEF\xBF\xBD\"");
  bad = {"", {{"\xFF", 1}}};
  CHECK_THROWS_AS(to_msgpack(out, bad), encode_failure);
  CHECK_THROWS_AS(to_json(out, bad, bad_text::refused), encode_failure);
}

TEST_CASE("a stored state keeps any bytes", "[runtime][codec]") {
  const words state{"z\xFF", {{"\xFE", 1}}};
  std::string bytes;
  to_stored(bytes, state);
  const auto reader = stored_reader<words>::create(schema_of<words>());
  REQUIRE(reader);
  words got;
  REQUIRE(reader->read(bytes, got));
  CHECK(got.said == state.said);
  CHECK(got.named == state.named);
}

TEST_CASE("whether bytes are UTF-8 does not depend on where they lie",
          "[runtime][codec]") {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string front(before, 'a');
    CHECK(is_utf8(front));
    CHECK(is_utf8(front + "\xE2\x82\xAC" + front));
    CHECK_FALSE(is_utf8(front + "\xE2\x82" + front));
    CHECK_FALSE(is_utf8(front + "\xFF"));
  }
}

TEST_CASE("texts for people steer no terminal", "[runtime][codec]") {
  // Escape, DEL and the C1 form of CSI.
  const std::string evil = "\x1B[2J\x7F\xC2\x9B!";
  const std::string shown = R"(\u001b[2J\u007f\u009b!)";
  words said{evil, {{evil, 1}}};
  CHECK(to_text(said)
        == "Words{said: \"" + shown + "\", named: {" + shown + ": 1}}");
  dynamic_value fields;
  fields.set(evil, "a\"b");
  CHECK(to_text(fields) == "{" + shown + R"(: "a\"b"})");
  dynamic_value named;
  named.set(evil, "x");
  fields.set("named", named);
  CHECK_THAT(why(from_dynamic<words>(fields)),
             Contains("Words.named[" + shown + "]"));
}

TEST_CASE("texts for people are cut where a character ends",
          "[runtime][codec]") {
  const std::string_view euros = "\xE2\x82\xAC\xE2\x82\xAC";
  CHECK(cut_text(euros, 6) == euros);
  for (const std::size_t bytes : {3U, 4U, 5U})
    CHECK(cut_text(euros, bytes) == "\xE2\x82\xAC");
  CHECK(cut_text(euros, 2).empty());
  CHECK(cut_text("\x80\x80\x80\x80\x80", 4).size() == 4);
  dynamic_value fields;
  fields.set("said", std::string(31, 'a') + "\xE2\x82\xAC");
  fields.set("named", fields.at("said"));
  CHECK_THAT(why(from_dynamic<words>(fields)),
             Contains("\"" + std::string(31, 'a') + "\" and 3 bytes more"));
}
