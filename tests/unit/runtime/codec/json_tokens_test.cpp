// The list of what is in a JSON text: faults and their bytes, exact numbers,
// views that stay where they are, and sound answers to hostile texts.

#include "runtime/codec/json_tokens.hpp"
#include "tests/unit/runtime/codec/codec_types.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace freehold;
using namespace freehold::codec;
using namespace codec_types;

namespace {

std::string shown(const dynamic_value& value) {
  std::string out;
  to_json(out, value);
  return out;
}

/// Whether the text is accepted. If so, what is written of it reads as the
/// same; if not, the fault lies in the text or right behind it.
bool refused_or_sound(std::string_view text) {
  const auto got = parse_json(text);
  if (got) {
    const std::string written = shown(*got);
    const auto again = parse_json(written);
    REQUIRE(again);
    REQUIRE(shown(*again) == written);
    return true;
  }
  const std::string_view front = "malformed JSON at byte ";
  REQUIRE(got.error().code == errc::undecodable);
  REQUIRE(got.error().context.starts_with(front));
  REQUIRE(std::strtoull(got.error().context.c_str() + front.size(), nullptr, 10)
          <= text.size());
  return false;
}

/// Replaces, inserts and removes what JSON is made of.
std::string mutate(std::string text, random_source& random) {
  static constexpr std::array<std::string_view, 40> pieces{
      "{",       "}",       "[",     "]",    ",",
      ":",       "\"",      "\\",    "\\u",  "\\n",
      "\\ud83c", "\\udfe0", "\\/",   "0",    "-",
      "1",       ".",       "e",     "E+",   "1e-9",
      "00",      "true",    "false", "null", " ",
      "\t",      "\n",      "\r",    "\x01", "\x1f",
      "\x7f",    "\x80",    "\xC3",  "\xA9", "\xED\xA0\x80",
      "€",       "\"a\":",  "[]",    "{}",   "18446744073709551616"};
  for (std::uint64_t i = 1 + random.below(3); i > 0 && !text.empty(); --i) {
    const auto at = static_cast<std::size_t>(random.below(text.size()));
    const std::string_view piece = pieces[random.below(pieces.size())];
    switch (random.below(5)) {
    case 0:
      text[at] = static_cast<char>(random.next());
      break;
    case 1:
      text.replace(at, 1, piece);
      break;
    case 2:
      text.resize(at);
      break;
    case 3:
      text.insert(at, piece);
      break;
    default:
      text.erase(at, 1 + random.below(4));
    }
  }
  return text;
}

std::string escaped(unsigned unit) {
  static constexpr std::string_view digits = "0123456789abcDEF";
  std::string out = "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U})
    out += digits[unit >> shift & 15U];
  return out;
}

/// The UTF-8 of a code point, by RFC 3629.
std::string utf8_of(std::uint32_t code) {
  std::string out;
  const auto put = [&out](std::uint32_t byte) {
    out += static_cast<char>(byte);
  };
  if (code < 0x80)
    put(code);
  else if (code < 0x800)
    put(0xC0 | code >> 6U);
  else if (code < 0x10000)
    put(0xE0 | code >> 12U);
  else
    put(0xF0 | code >> 18U);
  if (code >= 0x10000)
    put(0x80 | (code >> 12U & 0x3FU));
  if (code >= 0x800)
    put(0x80 | (code >> 6U & 0x3FU));
  if (code >= 0x80)
    put(0x80 | (code & 0x3FU));
  return out;
}

} // namespace

TEST_CASE("a fault in JSON is given with its byte", "[runtime][codec]") {
  const std::string deep(nesting_depth_max + 1, '[');
  for (const auto& [text, byte] : {std::pair<std::string_view, int>{"", 0},
                                   {"[1", 2},
                                   {"{\"a\":", 5},
                                   {"\"abc", 4},
                                   {"\"abc\\", 5},
                                   {"[1 2]", 3},
                                   {"{\"a\":1]", 6},
                                   {"[1,]", 3},
                                   {"{\"a\":1,}", 7},
                                   {"{\"a\" 1}", 5},
                                   {"{a:1}", 1},
                                   {"[nil]", 1},
                                   {"[01]", 2},
                                   {"[-]", 2},
                                   {"[1.]", 3},
                                   {"[1e+]", 4},
                                   {"[1e400]", 6},
                                   {"[\"\\x\"]", 3},
                                   {"[\"\\u00g0\"]", 6},
                                   {"[\"\\ud800\"]", 8},
                                   {"[\"\\udc00\"]", 8},
                                   {"[\"a\tb\"]", 3},
                                   {"[\"a\xFF\"]", 3},
                                   {"1 2", 2},
                                   {std::string_view{"[\0]", 3}, 1},
                                   {deep, 64}}) {
    INFO(text);
    const auto got = parse_json(text);
    REQUIRE_FALSE(got);
    std::string front = "malformed JSON at byte ";
    front.append(std::to_string(byte)).append(": ");
    CHECK(got.error().context.starts_with(front));
  }
}

TEST_CASE("integers of JSON are exact to 64 bits, doubles the nearest",
          "[runtime][codec]") {
  CHECK(parse_json("9223372036854775807").value()
        == dynamic_value{std::numeric_limits<std::int64_t>::max()});
  CHECK(parse_json("-9223372036854775808").value()
        == dynamic_value{std::numeric_limits<std::int64_t>::min()});
  CHECK(parse_json("9223372036854775808").value()
        == dynamic_value{std::uint64_t{1} << 63U});
  CHECK(parse_json("18446744073709551615").value()
        == dynamic_value{std::numeric_limits<std::uint64_t>::max()});
  CHECK(parse_json("18446744073709551616").value()
        == dynamic_value{18446744073709551616.0});
  CHECK(parse_json("-9223372036854775809").value()
        == dynamic_value{-9223372036854775808.0});
  CHECK(parse_json("-0").value() == dynamic_value{0});
  CHECK(shown(parse_json("-0.0").value()) == "-0.0");
  CHECK(shown(parse_json("-1e-400").value()) == "-0.0");
  const std::string zeros(400, '0');
  CHECK(parse_json("0." + zeros + "1").value() == dynamic_value{0.0});
  CHECK(parse_json("0." + zeros + "1e401").value() == dynamic_value{1.0});
  CHECK(parse_json("1" + zeros + "e-400").value() == dynamic_value{1.0});
  CHECK_FALSE(parse_json("1" + zeros));
  CHECK_FALSE(parse_json("0." + zeros + "1e800"));
  // An exponent has to be an int, whatever it would come to.
  CHECK_FALSE(parse_json("1e99999999999999999999"));
  CHECK_FALSE(parse_json("1e-99999999999999999999"));
  CHECK(parse_json("1e-2147483647").value() == dynamic_value{0.0});

  random_source random{6};
  const auto digits = [&](std::uint64_t count) {
    std::string out;
    for (; count > 0; --count)
      out += static_cast<char>('0' + random.below(10));
    return out;
  };
  for (int round = 0; round < 20000; ++round) {
    std::string text = random.below(2) == 0 ? "-" : "";
    text += random.below(8) == 0 ? "0" : "1" + digits(random.below(22));
    text += "." + digits(1 + random.below(22));
    if (random.below(2) == 0)
      text.append(random.below(2) == 0 ? "e" : "E-")
          .append(digits(1 + random.below(3)));
    const double expected = std::strtod(text.c_str(), nullptr);
    const auto got = parse_json(text);
    INFO(text);
    if (expected - expected != 0) { // infinite
      REQUIRE_FALSE(got);
    } else {
      REQUIRE(got);
      REQUIRE(got->as_double() != nullptr);
      REQUIRE(std::bit_cast<std::uint64_t>(*got->as_double())
              == std::bit_cast<std::uint64_t>(expected));
    }
  }
}

TEST_CASE("every escaped code unit is what it stands for or refused",
          "[runtime][codec]") {
  const auto check = [](const std::string& units, bool is_whole,
                        std::uint32_t code) {
    for (const std::string_view behind : {"", "behind it"}) {
      std::string text = "\"";
      text.append(units).append(behind).append("\"");
      const auto got = parse_json(text);
      REQUIRE(got.operator bool() == is_whole);
      if (is_whole)
        REQUIRE(got->to_string() == utf8_of(code).append(behind));
    }
  };
  for (unsigned unit = 0; unit < 0x10000; ++unit)
    check(escaped(unit), unit < 0xD800 || unit > 0xDFFF, unit);
  random_source random{5};
  for (int round = 0; round < 20000; ++round) {
    const unsigned high = 0xD800 + static_cast<unsigned>(random.below(0x800));
    const unsigned low = 0xDB00 + static_cast<unsigned>(random.below(0x600));
    check(escaped(high) + escaped(low),
          high < 0xDC00 && low >= 0xDC00 && low < 0xE000,
          0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00));
  }
}

TEST_CASE("text in JSON is accepted if it is UTF-8", "[runtime][codec]") {
  // All that these bytes can say in up to four.
  constexpr std::string_view bytes = "a\x80\xBF\xC1\xC2\xE0\xED\xEF\xF0\xF4"
                                     "\xF5\xA0\x90\x8F\x9F";
  for (std::size_t size = 1; size <= 4; ++size) {
    std::vector<std::size_t> at(size, 0);
    for (bool more = true; more;) {
      std::string text;
      for (const std::size_t each : at)
        text += bytes[each];
      const bool good = is_utf8(text);
      const std::string quoted = "\"" + text + "\"";
      if (parse_json(quoted).operator bool() != good) {
        INFO(quoted);
        REQUIRE(parse_json(quoted).operator bool() == good);
      }
      more = false;
      for (std::size_t i = 0; i < size && !more; ++i) {
        at[i] = (at[i] + 1) % bytes.size();
        more = at[i] != 0;
      }
    }
  }
}

TEST_CASE("mutated JSON is refused or read as what it says",
          "[runtime][codec]") {
  random_source random{20261125};
  int accepted = 0;
  constexpr int rounds = 20000;
  for (int round = 0; round < rounds; ++round) {
    std::string text;
    to_json(text, random_everything(random, 4));
    REQUIRE(refused_or_sound(text));
    accepted += refused_or_sound(mutate(text, random));
  }
  // Neither is the rule.
  CHECK(accepted > rounds / 20);
  CHECK(accepted < rounds / 2);
}

TEST_CASE("strings with escapes stay where they are", "[runtime][codec]") {
  // Shorter and longer than what the parser unescapes at once.
  std::string text = "[";
  std::vector<std::string> expected;
  random_source random{9};
  for (int i = 0; i < 200; ++i) {
    std::string quoted;
    std::string plain;
    for (std::uint64_t left = random.below(i % 20 == 0 ? 6000 : 12); left > 0;
         --left) {
      const bool is_escape = random.below(3) == 0;
      quoted += is_escape ? "\\n" : "z";
      plain += is_escape ? "\n" : "z";
    }
    text.append(i == 0 ? "" : ",").append("\"" + quoted + "\"");
    expected.push_back(std::move(plain));
  }
  text += "]";
  json_tokens tokens;
  for (int round = 0; round < 2; ++round) { // the second one in used memory
    REQUIRE(tokens.parse(text));
    json_reader in = tokens.reader();
    json_reader::items items;
    REQUIRE(in.begin_array(items));
    for (const std::string& each : expected) {
      REQUIRE(items.more(in));
      std::string_view view;
      REQUIRE(in.string(view));
      REQUIRE(view == each);
    }
    CHECK_FALSE(items.more(in));
  }
  // And where all of it fits into the string itself.
  REQUIRE(tokens.parse(R"(["\n","\t"])"));
  CHECK(shown(tokens.tree()) == R"(["\n","\t"])");
  json_tokens fresh;
  REQUIRE(fresh.parse(R"(["\n","\t"])"));
  CHECK(shown(fresh.tree()) == R"(["\n","\t"])");
}

TEST_CASE("tokens that are in use are not given to others",
          "[runtime][codec]") {
  borrowed_tokens outer;
  REQUIRE(outer->parse(R"({"a":"b\n"})"));
  {
    borrowed_tokens inner;
    REQUIRE(&*inner != &*outer);
    REQUIRE(inner->parse("[1,2,3]"));
    CHECK(shown(inner->tree()) == "[1,2,3]");
  }
  CHECK(shown(parse_json("[4]").value()) == "[4]");
  CHECK(shown(outer->tree()) == R"({"a":"b\n"})");
}

TEST_CASE("what a large JSON text took is not kept", "[runtime][codec]") {
  json_tokens tokens;
  REQUIRE(tokens.parse("[1,2]"));
  CHECK(tokens.is_small());
  std::string large = "[1";
  for (int i = 0; i < 10000; ++i)
    large += ",1";
  large += "]";
  REQUIRE(tokens.parse(large));
  CHECK_FALSE(tokens.is_small());
  json_tokens texts;
  REQUIRE(texts.parse("\"\\n" + std::string(100'000, 'a') + "\""));
  CHECK_FALSE(texts.is_small());
}

TEST_CASE("every prefix of a JSON text is refused", "[runtime][codec]") {
  random_source random{12};
  std::string text;
  to_json(text, random_everything(random, 6));
  REQUIRE(from_json<everything>(text));
  for (std::size_t size = 0; size < text.size(); ++size) {
    // Where a read beyond the end is found by the sanitizer.
    const std::vector<char> front(text.begin(),
                                  text.begin() + static_cast<long>(size));
    const std::string_view view{front.data(), front.size()};
    REQUIRE_FALSE(from_json<everything>(view));
    REQUIRE_FALSE(parse_json(view));
  }
}
