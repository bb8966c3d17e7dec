// The copy of a changelog on a machine's disk: what it keeps, through lives of
// the process and of the machine.
#include "bridges/log/lmdb_changelog_copy.hpp"
#include "tests/conformance/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>

using namespace freehold;
using namespace freehold::bridges::log;
using conformance::temporary_directory;
using ports::partition_bounds;

namespace {

constexpr partition_index shard{1};
const topic_partition source{topic_index{5}, shard};

partition_bounds between(std::int64_t begin, std::int64_t end) {
  return {next_offset{begin}, next_offset{end}};
}

class found_values final : public ports::lookup {
public:
  explicit found_values(std::vector<std::int64_t> wanted) {
    source = ::source;
    for (const std::int64_t each : wanted)
      offsets.emplace_back(each);
  }
  void found(const record& what) override {
    values[what.offset.value()] = std::string{what.value};
  }
  std::map<std::int64_t, std::string> values;
};

/// A machine with a disk: its copy may be closed, killed or cut off.
class machine {
public:
  machine() { boot("first"); }

  void boot(const std::string& id) { std::ofstream{boot_id()} << id << "\n"; }
  std::unique_ptr<lmdb_changelog_copy>
  open(const std::string& changelog = "market-changelog",
       std::uint32_t shards = 2) {
    auto made = lmdb_changelog_copy::open(
        {.directory = directory_.path() / "copy",
         .changelog = changelog,
         .shard_count = shards,
         .map_bytes_max = 64U << 20U,
         .clock = &time_,
         .warn = [this](const error& why) { warnings.push_back(why.context); },
         .boot_id = boot_id()});
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    return *std::move(made);
  }
  /// What a kill leaves: the notes of somebody who has not closed it.
  void leave_as_if_killed(const std::string& boot_of_the_killed) {
    std::ofstream{directory_.path() / "copy/freehold-copy.boot"}
        << boot_of_the_killed << "\n";
  }

  std::vector<std::string> warnings;

private:
  [[nodiscard]] std::filesystem::path boot_id() const {
    return directory_.path() / "boot-id";
  }
  temporary_directory directory_;
  const system_clock time_;
};

ports::changelog_copy::addition
records_at(const std::vector<std::int64_t>& offsets, std::int64_t end,
           std::string_view value) {
  ports::changelog_copy::addition made{shard, {}, next_offset{end}};
  for (const std::int64_t each : offsets)
    made.records.push_back(
        {record_offset{each}, timestamp{1}, "k", value, header_list{}});
  return made;
}

void append(ports::changelog_copy& to, const std::vector<std::int64_t>& offsets,
            std::int64_t end, std::string_view value = "value") {
  const auto one = records_at(offsets, end, value);
  const auto done = to.append({&one, 1});
  INFO((done ? "" : to_string(done.error())));
  REQUIRE(done);
}

std::vector<std::int64_t> offsets_from(ports::changelog_copy& copy,
                                       std::int64_t from,
                                       std::uint32_t bytes_max = 1U << 20U) {
  const auto read = copy.read(
      {.source = source, .from = next_offset{from}, .bytes_max = bytes_max});
  INFO((read ? "" : to_string(read.error())));
  REQUIRE(read);
  CHECK((*read)->source == source);
  std::vector<std::int64_t> all;
  for (const record& each : (*read)->records)
    all.push_back(each.offset.value());
  return all;
}

} // namespace

TEST_CASE("a copy keeps the offsets of the log, with the gaps between them",
          "[bridges][log][copy]") {
  machine here;
  {
    const auto copy = here.open();
    CHECK(copy->bounds(shard) == between(0, 0));
    REQUIRE(copy->begin_anew(shard, next_offset{100}));
    append(*copy, {103, 104}, 106);
    append(*copy, {}, 110); // only ends of transactions
    append(*copy, {110, 115}, 116);
    CHECK(copy->bounds(shard) == between(100, 116));
    CHECK(copy->bounds(partition_index{0}) == between(0, 0));
  }
  const auto copy = here.open();
  CHECK(here.warnings.empty());
  CHECK(copy->bounds(shard) == between(100, 116));
  CHECK(offsets_from(*copy, 100)
        == std::vector<std::int64_t>{103, 104, 110, 115});
  CHECK(offsets_from(*copy, 104) == std::vector<std::int64_t>{104, 110, 115});
  CHECK(offsets_from(*copy, 107) == std::vector<std::int64_t>{110, 115});
  found_values wanted{{104, 105, 115}};
  REQUIRE(copy->look_up(wanted));
  CHECK(wanted.values
        == std::map<std::int64_t, std::string>{{104, "value"}, {115, "value"}});
}

TEST_CASE("records of any size are kept, in runs that are read in parts",
          "[bridges][log][copy]") {
  machine here;
  const auto copy = here.open();
  const std::string large(200'000, 'x');
  append(*copy, {0, 1, 2}, 4, large);
  append(*copy, {4, 5, 6, 7}, 9, std::string(7'000, 'y'));
  CHECK(offsets_from(*copy, 0, 1) == std::vector<std::int64_t>{0});
  CHECK(offsets_from(*copy, 1, 400'000).size() >= 1);
  CHECK(offsets_from(*copy, 3) == std::vector<std::int64_t>{4, 5, 6, 7});
  found_values wanted{{2, 7}};
  REQUIRE(copy->look_up(wanted));
  CHECK(wanted.values[2] == large);
}

TEST_CASE("what is cut off at the front is gone, within a run, too",
          "[bridges][log][copy]") {
  machine here;
  const auto copy = here.open();
  append(*copy, {0, 1, 2}, 3);
  append(*copy, {3, 4}, 6);
  REQUIRE(copy->truncate(shard, next_offset{2}));
  CHECK(copy->bounds(shard) == between(2, 6));
  CHECK(offsets_from(*copy, 2) == std::vector<std::int64_t>{2, 3, 4});
  REQUIRE(copy->truncate(shard, next_offset{1}));
  CHECK(copy->bounds(shard) == between(2, 6));
  REQUIRE(copy->truncate(shard, next_offset{100}));
  CHECK(copy->bounds(shard) == between(6, 6));
  append(*copy, {8}, 9);
  CHECK(offsets_from(*copy, 6) == std::vector<std::int64_t>{8});
}

TEST_CASE("a shard that begins anew has nothing of before",
          "[bridges][log][copy]") {
  machine here;
  const auto copy = here.open();
  append(*copy, {0, 1, 2}, 3);
  REQUIRE(copy->begin_anew(shard, next_offset{2}));
  CHECK(copy->bounds(shard) == between(2, 2));
  append(*copy, {2}, 3, "another");
  found_values wanted{{2}};
  REQUIRE(copy->look_up(wanted));
  CHECK(wanted.values[2] == "another");
}

TEST_CASE("a killed process leaves a copy that is used again",
          "[bridges][log][copy]") {
  machine here;
  append(*here.open(), {0, 1}, 2);
  here.leave_as_if_killed("first");
  CHECK(here.open()->bounds(shard) == between(0, 2));
  CHECK(here.warnings.empty());
}

TEST_CASE("a copy that was written when the machine stopped is thrown away",
          "[bridges][log][copy]") {
  machine here;
  append(*here.open(), {0, 1}, 2);
  here.leave_as_if_killed("first");
  here.boot("second");
  CHECK(here.open()->bounds(shard) == between(0, 0));
  REQUIRE(here.warnings.size() == 1);
  CHECK_THAT(here.warnings[0],
             Catch::Contains("the machine stopped while it was written"));
}

TEST_CASE("a copy that was closed in order outlives the machine's restart",
          "[bridges][log][copy]") {
  machine here;
  append(*here.open(), {0, 1}, 2);
  here.boot("second");
  CHECK(here.open()->bounds(shard) == between(0, 2));
  CHECK(here.warnings.empty());
}

TEST_CASE("a copy of another changelog is thrown away, and says so",
          "[bridges][log][copy]") {
  machine here;
  append(*here.open(), {0, 1}, 2);
  CHECK(here.open("shop-changelog")->bounds(shard) == between(0, 0));
  REQUIRE(here.warnings.size() == 1);
  CHECK_THAT(here.warnings[0], Catch::Contains("it is of market-changelog"));
  CHECK(here.open("shop-changelog", 3)->bounds(partition_index{2})
        == between(0, 0));
  CHECK(here.warnings.size() == 2);
}

TEST_CASE("a second process is refused the copy", "[bridges][log][copy]") {
  machine here;
  const temporary_directory elsewhere;
  const system_clock time;
  const auto open = [&] {
    return lmdb_changelog_copy::open({.directory = elsewhere.path(),
                                      .changelog = "c",
                                      .map_bytes_max = 1U << 20U,
                                      .clock = &time,
                                      .warn = {}});
  };
  const auto first = open();
  REQUIRE(first);
  const auto second = open();
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::in_use);
}

TEST_CASE("a copy that has no room left takes nothing of what it was given",
          "[bridges][log][copy]") {
  const temporary_directory small;
  const system_clock time;
  auto copy = lmdb_changelog_copy::open({.directory = small.path(),
                                         .changelog = "c",
                                         .shard_count = 2,
                                         .map_bytes_max = 1U << 20U,
                                         .clock = &time,
                                         .warn = {}});
  REQUIRE(copy);
  const std::string large(600'000, 'x');
  append(**copy, {0}, 1, "small");
  const auto two = records_at({1, 2}, 3, large);
  const auto refused = (*copy)->append({&two, 1});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::no_space);
  CHECK((*copy)->bounds(shard) == between(0, 1));
  append(**copy, {1}, 2, "small");
}
