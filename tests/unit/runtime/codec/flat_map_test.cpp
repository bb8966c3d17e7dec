// A flat map is written and read as a std::map is.
#include "runtime/codec/codec.hpp"
#include "runtime/codec/flat_map.hpp"
#include "runtime/codec/heap_bytes.hpp"

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

using namespace freehold;

namespace {

struct in_a_tree {
  static constexpr std::string_view type = "Numbered";
  std::map<std::int64_t, std::string> texts;
};
BOOST_DESCRIBE_STRUCT(in_a_tree, (), (texts))

struct in_a_row {
  static constexpr std::string_view type = "Numbered";
  boost::container::flat_map<std::int64_t, std::string> texts;
};
BOOST_DESCRIBE_STRUCT(in_a_row, (), (texts))

struct inside {
  boost::container::flat_map<
      std::int64_t, std::int64_t, std::less<std::int64_t>,
      boost::container::small_vector<std::pair<std::int64_t, std::int64_t>, 2>>
      numbers;
};
BOOST_DESCRIBE_STRUCT(inside, (), (numbers))

} // namespace

TEST_CASE("a flat map has the bytes and the schema of a std::map",
          "[runtime][codec]") {
  in_a_tree tree;
  in_a_row row;
  for (const std::int64_t key : {7, -3, 70'000, 0}) {
    tree.texts[key] = "text " + std::to_string(key);
    row.texts[key] = tree.texts[key];
  }
  CHECK(codec::schema_of<in_a_row>() == codec::schema_of<in_a_tree>());
  std::string of_tree;
  std::string of_row;
  codec::to_json(of_tree, tree);
  codec::to_json(of_row, row);
  CHECK(of_row == of_tree);
  CHECK(codec::from_json<in_a_row>(of_tree)->texts == row.texts);
  of_tree.clear();
  of_row.clear();
  codec::to_msgpack(of_tree, tree);
  codec::to_msgpack(of_row, row);
  CHECK(of_row == of_tree);
  CHECK(codec::from_msgpack<in_a_row>(of_tree)->texts == row.texts);
  of_tree.clear();
  of_row.clear();
  codec::to_stored(of_tree, tree);
  codec::to_stored(of_row, row);
  CHECK(of_row == of_tree);
  in_a_row read;
  REQUIRE(codec::stored_reader<in_a_row>::create(codec::schema_of<in_a_tree>())
              .value()
              .read(of_tree, read));
  CHECK(read.texts == row.texts);
}

TEST_CASE("of a key that comes twice the last value counts in a flat map",
          "[runtime][codec]") {
  const auto read =
      codec::from_json<in_a_row>(R"({"texts":{"5":"a","1":"b","5":"c"}})");
  REQUIRE(read);
  CHECK(read->texts.size() == 2);
  CHECK(read->texts.at(5) == "c");
  CHECK(read->texts.begin()->first == 1);
}

TEST_CASE("a flat map counts as memory what does not lie in itself",
          "[runtime][codec]") {
  inside some;
  CHECK(codec::heap_bytes(some) == 0);
  some.numbers[1] = 1;
  some.numbers[2] = 2;
  CHECK(codec::heap_bytes(some) == 0);
  for (std::int64_t i = 3; i <= 100; ++i)
    some.numbers[i] = i;
  CHECK(codec::heap_bytes(some) >= 1600);
  CHECK(codec::heap_bytes(some) <= 5000);
  in_a_row row;
  CHECK(codec::heap_bytes(row) == 0);
  row.texts[1] = std::string(1000, 'x');
  CHECK(codec::heap_bytes(row) > 1000);
}
