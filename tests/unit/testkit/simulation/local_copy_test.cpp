#include "tests/testkit/simulation/local_copy.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace freehold;
using namespace freehold::simulation;

namespace {

constexpr topic_partition here{topic_index{0}, partition_index{0}};
constexpr std::uint32_t all_bytes = 1U << 20U;
using texts = std::vector<std::string>;

std::shared_ptr<producer_batch> batch_of(std::string_view value) {
  const ports::append one{here, timestamp{0}, "k", value, {}};
  return producer_batch::copy({&one});
}

/// Of shard 0, from its first offset to its last.
texts values(const local_copy& of, std::uint32_t bytes_max = all_bytes) {
  texts all;
  for (next_offset at = of.begin(0); of.has(0, at);) {
    const auto batch = of.read(0, at, bytes_max, here);
    for (const record& each : batch->records)
      all.emplace_back(each.value);
    at = batch->next;
  }
  return all;
}

/// Units at offsets 0, 2 and 4; their markers lie in between.
local_copy three_units() {
  local_copy made;
  made.open(0, next_offset{0}, next_offset{0});
  made.append(0, record_offset{0}, batch_of("a"));
  made.append(0, record_offset{2}, batch_of("b"));
  made.append(0, record_offset{4}, batch_of("c"));
  return made;
}

struct collected final : ports::lookup {
  void found(const record& what) override { values.emplace_back(what.value); }
  texts values;
};

} // namespace

TEST_CASE("a local copy gives what was committed, by its offsets",
          "[simulation]") {
  const local_copy of = three_units();
  CHECK(values(of) == texts{"a", "b", "c"});
  CHECK(values(of, 1) == texts{"a", "b", "c"});
  CHECK(!of.has(0, next_offset{5}));
  CHECK(!of.has(1, next_offset{0}));
  collected some;
  some.offsets = {record_offset{0}, record_offset{4}};
  CHECK(of.look_up(0, some));
  CHECK(some.values == texts{"a", "c"});
  some.offsets = {record_offset{4}, record_offset{6}};
  CHECK(!of.look_up(0, some));
  CHECK(some.values.size() == 2);
}

TEST_CASE("a local copy goes on where the log goes on", "[simulation]") {
  local_copy of = three_units();
  CHECK(!of.open(0, next_offset{2}, next_offset{9}));
  CHECK(values(of) == texts{"b", "c"});
  partition_log log;
  for (const char* const each : {"-", "-", "-", "-", "-", "-", "-", "d"})
    log.append(batch_of(each));
  // What it lacks is read from where it ends.
  of.append(0, next_offset{7},
            log.read(next_offset{7}, all_bytes, here).value());
  CHECK(values(of) == texts{"b", "c"}); // or there would be a hole
  of.append(0, next_offset{5},
            log.read(next_offset{5}, all_bytes, here).value());
  CHECK(values(of) == texts{"b", "c", "-", "-", "d"});
}

TEST_CASE("a local copy that ends before what the log keeps, or behind its "
          "end, is thrown away",
          "[simulation]") {
  local_copy of = three_units();
  SECTION("at the bound it is kept") {
    CHECK(!of.open(0, next_offset{5}, next_offset{5}));
    CHECK(values(of).empty());
    CHECK(of.begin(0) == next_offset{5});
  }
  SECTION("too old") {
    CHECK(of.open(0, next_offset{6}, next_offset{9}));
    CHECK(of.begin(0) == next_offset{6});
    CHECK(!of.has(0, next_offset{6}));
  }
  SECTION("of another log") {
    CHECK(of.open(0, next_offset{0}, next_offset{4}));
    CHECK(values(of).empty());
  }
}

TEST_CASE("what a local copy has by half is not there", "[simulation]") {
  local_copy of = three_units();
  of.tear();
  CHECK(!of.open(0, next_offset{0}, next_offset{9}));
  CHECK(values(of) == texts{"a", "b"});
  CHECK(!of.has(0, next_offset{4}));
}

TEST_CASE("a local copy is cut where the log is", "[simulation]") {
  local_copy of = three_units();
  of.truncate(0, next_offset{2});
  CHECK(values(of) == texts{"b", "c"});
  of.truncate(0, next_offset{1});
  CHECK(values(of) == texts{"b", "c"});
  of.truncate(0, next_offset{99});
  CHECK(values(of).empty());
}
