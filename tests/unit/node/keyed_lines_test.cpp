// Lines of a key and a value out of bytes that come in pieces.
#include "node/keyed_lines.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace freehold::node;

namespace {

/// All lines as text, given in pieces of that many bytes.
std::vector<std::string> lines_of(std::string_view text, std::size_t piece,
                                  std::size_t line_bytes_max = 100) {
  keyed_lines lines{line_bytes_max};
  std::vector<std::string> all;
  const auto take = [&] {
    for (keyed_line line; lines.next(line);) {
      std::string shown = std::to_string(line.number) + ": ";
      if (line.fault.empty())
        shown.append(line.key).append("=").append(line.value);
      else
        shown.append(line.fault);
      all.push_back(shown);
    }
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    lines.give(text.substr(0, piece));
    take();
  }
  lines.end();
  take();
  return all;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a line is a key and a value, whatever pieces the bytes come in",
          "[node][produce]") {
  const std::size_t piece = GENERATE(1U, 2U, 3U, 7U, 100U);
  CHECK(lines_of("a\t1\nb\t{\"x\": \t2}\nc\t3", piece)
        == texts{"1: a=1", "2: b={\"x\": \t2}", "3: c=3"});
  CHECK(lines_of("", piece).empty());
}

TEST_CASE("a bad line is named with its reason and the others are kept",
          "[node][produce]") {
  const std::size_t piece = GENERATE(1U, 3U, 1000U);
  CHECK(lines_of("a\t1\n"
                 "no tab here\n"
                 "\n"
                 "\tvalue\n"
                 "key\t\n"
                 "k\xFF\tv\n"
                 "k\tv\xC3\n"
                 "z\t9\n",
                 piece)
        == texts{"1: a=1", "2: it has no tab between a key and a value",
                 "3: it has no tab between a key and a value",
                 "4: its key, in front of the tab, is empty",
                 "5: its value, behind the tab, is empty",
                 "6: its key is not UTF-8", "7: its value is not UTF-8",
                 "8: z=9"});
}

TEST_CASE("a line above the bound is dropped to its end, and one at it is not",
          "[node][produce]") {
  const std::size_t piece = GENERATE(1U, 5U, 1000U);
  const std::string most = "k\t" + std::string(98, 'v');
  const std::string more(1'000, 'x');
  for (const std::string& too_long : {most + "v", "k\t" + more}) {
    CHECK(lines_of(most + "\n" + too_long + "\nz\t9\n", piece)
          == texts{"1: k=" + most.substr(2),
                   "2: it is longer than a record may be", "3: z=9"});
    CHECK(lines_of(too_long, piece)
          == texts{"1: it is longer than a record may be"});
  }
}
