// What a described value has in memory besides itself.
#include "runtime/codec/heap_bytes.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace freehold;

namespace {

struct flat {
  std::int64_t number = 0;
  std::optional<bool> flag;
};
BOOST_DESCRIBE_STRUCT(flat, (), (number, flag))

struct deep {
  std::string text;
  std::vector<flat> list;
  std::map<std::string, std::vector<std::string>> named;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(deep, (), (text, list, named, note))

struct tree {
  std::vector<tree> branches;
};
BOOST_DESCRIBE_STRUCT(tree, (), (branches))

} // namespace

TEST_CASE("a value without memory of its own has no heap bytes",
          "[runtime][codec]") {
  CHECK(codec::heap_bytes(flat{}) == 0);
  CHECK(codec::heap_bytes(flat{7, true}) == 0);
  CHECK(codec::heap_bytes(deep{}) == 0);
  CHECK(codec::heap_bytes(deep{"short", {}, {}, "note"}) == 0);
}

TEST_CASE("strings, vectors, maps and what is in them count at least what they "
          "hold",
          "[runtime][codec]") {
  const std::string text(1000, 'x');
  CHECK(codec::heap_bytes(deep{text, {}, {}, {}}) >= 1000);
  CHECK(codec::heap_bytes(deep{text, {}, {}, {}}) <= 1100);
  CHECK(codec::heap_bytes(deep{text, {}, {}, text}) >= 2000);
  CHECK(codec::heap_bytes(deep{{}, std::vector<flat>(100), {}, {}})
        >= 100 * sizeof(flat));
  const deep nested{{}, {}, {{text, {text, text}}, {"b", {}}}, {}};
  CHECK(codec::heap_bytes(nested) >= 3000);
  CHECK(codec::heap_bytes(nested) <= 4000);
  std::vector<flat> reserved;
  reserved.reserve(1000);
  CHECK(codec::heap_bytes(deep{{}, std::move(reserved), {}, {}})
        >= 1000 * sizeof(flat));
}

TEST_CASE("a value that contains its own type counts to its leaves",
          "[runtime][codec]") {
  tree root;
  root.branches.resize(10);
  for (tree& each : root.branches)
    each.branches.resize(10);
  CHECK(codec::heap_bytes(root) >= 110 * sizeof(tree));
}
