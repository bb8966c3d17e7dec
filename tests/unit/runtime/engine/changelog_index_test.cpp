// Where the packs of a changelog lie, and what is remembered of their states.
#include "runtime/engine/changelog_index.hpp"

#include <catch2/catch.hpp>

#include <vector>

using freehold::record_offset;
using freehold::engine::changelog_index;

namespace {

changelog_index::place pack_of(std::int64_t offset, std::size_t states) {
  return {record_offset{offset}, 100,
          std::vector<changelog_index::state_of>(states)};
}

} // namespace

TEST_CASE("an index has the packs from its front on, and their bytes",
          "[runtime][changelog_index]") {
  changelog_index index;
  for (int i = 0; i < 5; ++i)
    index.append(pack_of(10 * i, 0));
  CHECK(index.next_number() == 5);
  CHECK(index.total_bytes() == 500);
  index.cut(3);
  CHECK(index.first_number() == 3);
  CHECK(!index.contains(2));
  CHECK(index.at(3).offset == record_offset{30});
  CHECK(index.total_bytes() == 200);
}

TEST_CASE("an index remembers the states of packs up to its bound, and of more "
          "when the front is cut",
          "[runtime][changelog_index]") {
  constexpr std::size_t max = changelog_index::states_max;
  changelog_index index;
  index.append(pack_of(0, 1));
  index.append(pack_of(1, max - 1));
  CHECK(index.at(1).states.size() == max - 1);
  index.append(pack_of(2, 1));
  CHECK(index.at(2).states.empty());
  CHECK(index.at(2).bytes == 100); // it is read back
  index.cut(1);
  index.append(pack_of(3, 1));
  CHECK(index.at(3).states.size() == 1);
  index.append(pack_of(4, 1));
  CHECK(index.at(4).states.empty());
  index.clear();
  index.append(pack_of(0, max));
  CHECK(index.at(0).states.size() == max);
}
