// From JSON to a described type there are two ways, with a tree in between and
// without: what one accepts the other accepts, with the same value.

#include "tests/unit/runtime/codec/codec_types.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::codec;
using namespace codec_types;

namespace {

/// Whether the way without a tree accepts it.
template <class T>
std::optional<T> straight(std::string_view text) {
  json_tokens tokens;
  if (!tokens.parse(text))
    return std::nullopt;
  json_reader in = tokens.reader();
  decode_failure failure{decoded_bytes_max(text.size())};
  T into;
  if (!codec::detail::read_token_struct(in, into, failure))
    return std::nullopt;
  return into;
}

/// Checks that the ways agree; whether they accept.
template <class T>
bool ways_agree(std::string_view text) {
  const std::optional<T> found = straight<T>(text);
  const auto tree = parse_json(text);
  if (!tree) {
    REQUIRE_FALSE(found);
    return false;
  }
  const auto expected = codec::detail::from_tree<T>(
      *tree, type_version<T>(), decoded_bytes_max(text.size()));
  if (expected.operator bool() != found.has_value()) {
    INFO(text);
    REQUIRE(expected.operator bool() == found.has_value());
  }
  if (found) {
    // As text, for NaN is not equal to itself.
    std::string left;
    std::string right;
    to_json(left, *found);
    to_json(right, *expected);
    REQUIRE(left == right);
  }
  return found.has_value();
}

/// Both of a mutated text: what stands in `pieces` in place of other things.
std::string mutate(std::string text, random_source& random) {
  static constexpr std::array<std::string_view, 16> pieces{
      "null", "true",        "1",  "-1",          "1.5",      "\"NaN\"",
      "\"\"", "[]",          "{}", "[[1]]",       "\"sold\"", "\"flag\"",
      "1e99", "{\"lat\":1}", " ",  "\"a\\u0062\""};
  for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
    // A piece in place of what lies between two separators.
    const auto at = text.find_first_of(
        ":,[{", static_cast<std::size_t>(random.below(text.size())));
    if (at == text.npos)
      continue;
    const auto end = text.find_first_of(":,]}", at + 1);
    text.replace(at + 1, end == text.npos ? end : end - at - 1,
                 pieces[random.below(pieces.size())]);
  }
  return text;
}

/// An author's type that reads JSON itself.
struct wrapped {
  list_property inside;
  friend bool operator==(const wrapped&, const wrapped&) = default;
};
struct parcel {
  static constexpr std::string_view type = "Parcel";
  wrapped first;
  std::string note;
  friend bool operator==(const parcel&, const parcel&) = default;
};
BOOST_DESCRIBE_STRUCT(parcel, (), (first, note))

} // namespace

template <>
struct freehold::codec::value_codec<wrapped> {
  using primitive = std::string_view;
  static std::string to_primitive(const wrapped& x) {
    std::string out;
    to_json(out, x.inside);
    return out;
  }
  static result<wrapped> from_primitive(primitive text) {
    auto inside = from_json<list_property>(text);
    if (!inside)
      return inside.error();
    return wrapped{std::move(*inside)};
  }
};

TEST_CASE("JSON that is in a text of JSON is read while that is",
          "[runtime][codec]") {
  const parcel sent{{{5, "d\n", "ann"}}, "e\n"};
  std::string text;
  to_json(text, sent);
  const auto got = from_json<parcel>(text);
  REQUIRE(got);
  CHECK(*got == sent);
  CHECK(from_json<parcel>(R"({"first":"{","note":""})").error().context
        == "Parcel.first: ListProperty: malformed JSON at byte 1: incomplete "
           "JSON");
}

TEST_CASE("what JSON passes over is checked as closely as what it keeps",
          "[runtime][codec]") {
  for (const std::string_view bad :
       {"[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "\"\\x\"", "\"\xFF\"", "01",
        "1e400", "nul", "-", "[}", "{]", "\"\\ud800\"", "", "tru", "[", "\""}) {
    const std::string text =
        "{\"zz\":" + std::string{bad} + R"(,"price":1,"description":""})";
    INFO(text);
    const auto got = from_json<list_property>(text);
    REQUIRE_FALSE(got);
    CHECK(got.error().context
          == "ListProperty: " + parse_json(text).error().context);
    const std::array<std::string_view, 1> names{"price"};
    const auto some = parse_json_fields(text, names);
    REQUIRE_FALSE(some);
    CHECK(some.error().context == parse_json(text).error().context);
  }
  const std::string deep(nesting_depth_max - 1, '[');
  const std::string ends(nesting_depth_max - 1, ']');
  const auto with = [](const std::string& value) {
    return R"({"price":1,"description":"","zz":)" + value + "}";
  };
  CHECK(from_json<list_property>(with(deep + ends)));
  CHECK_FALSE(from_json<list_property>(with("[" + deep + ends + "]")));
}

TEST_CASE("of an object only the named members are kept", "[runtime][codec]") {
  const std::array<std::string_view, 2> names{"id", "type"};
  const auto kept = [&](std::string_view text) {
    const auto got = parse_json_fields(text, names);
    REQUIRE(got);
    std::string out;
    to_json(out, *got);
    return out;
  };
  CHECK(kept(R"({"x":[{"id":1}],"t\u0079pe":"a\n","y":{},"id":{"x":2}})")
        == R"({"type":"a\n","id":{"x":2}})");
  CHECK(kept(R"({"id":1,"id":2})") == R"({"id":1,"id":2})");
  CHECK(kept(R"({"x":1})") == "{}");
  CHECK(kept(R"( [{"x":1}] )") == R"([{"x":1}])");
}

TEST_CASE("white space and the order of members make no difference",
          "[runtime][codec]") {
  const list_property expected{5, "d\n", "ann"};
  for (const std::string_view text :
       {R"({"price":5,"description":"d\n","reservedFor":"ann"})",
        R"({ "price" : 5 , "description" : "d\n" , "reservedFor" : "ann" } )",
        "\t{\n\"price\"\r:\t5\n,\"description\"\n:\"d\\n\",\"reservedFor\":"
        "\"ann\"\n}\n",
        R"({"reservedFor":"ann","description":"d\n","price":5})",
        R"({"description":"d\n","zz":null,"price":5,"reservedFor":"ann"})",
        R"({"pr\u0069ce":5,"description":"\u0064\n","reservedFor":"ann"})"}) {
    INFO(text);
    CHECK(straight<list_property>(text) == expected);
  }
}

TEST_CASE("with a tree in between or without, the same is accepted",
          "[runtime][codec]") {
  random_source random{4};
  int accepted = 0;
  constexpr int rounds = 20000;
  for (int round = 0; round < rounds; ++round) {
    const everything x = random_everything(random, 4);
    std::string text;
    to_json(text, x);
    REQUIRE(straight<everything>(text) == x);
    accepted += ways_agree<everything>(mutate(text, random));
    accepted += ways_agree<tree>(mutate(
        R"({"value":1,"children":[{"value":2,"children":[]}]})", random));
  }
  CHECK(accepted > rounds / 20);
}
