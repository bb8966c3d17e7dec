// The crash ledger in a file, over the lives of one or several processes. A
// life ends by dropping the object without leaving its slots, or, where the
// kernel's part matters, by killing a child process.

#include "bridges/ledger/file_crash_ledger.hpp"
#include "bridges/ledger/memory_crash_ledger.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using freehold::partition_index;
using freehold::topic_index;
using freehold::topic_partition;
using freehold::worker_index;
using freehold::bridges::ledger::file_crash_ledger;
using freehold::bridges::ledger::memory_crash_ledger;
using suspect = freehold::ports::crash_ledger::suspect;

/// A directory of its own, gone at the end.
class scratch_directory {
public:
  scratch_directory() {
    std::string name =
        (std::filesystem::temp_directory_path() / "freehold-ledger-XXXXXX")
            .string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~scratch_directory() { std::filesystem::remove_all(path_); }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file() const {
    return path_ / file_crash_ledger::file_name;
  }

private:
  std::filesystem::path path_;
};

const std::vector<std::string> topics{"commands", "inbox"};

topic_partition at(std::uint32_t topic, std::uint32_t partition) {
  return {topic_index{topic}, partition_index{partition}};
}

std::unique_ptr<file_crash_ledger> open(const scratch_directory& where) {
  auto opened = file_crash_ledger::open(where.path());
  REQUIRE(opened);
  return *std::move(opened);
}

/// A life that ends while worker 1 handles a record.
void die_in(const scratch_directory& where, topic_partition source,
            std::int64_t offset) {
  const auto ledger = open(where);
  ledger->begin(topics, 2);
  ledger->slot(worker_index{1}).enter(source, offset);
}

} // namespace

TEST_CASE("a crash ledger knows nobody in its first life",
          "[bridges][ledger]") {
  const scratch_directory where;
  const auto ledger = open(where);
  CHECK(ledger->begin(topics, 2).empty());
  CHECK(ledger->warnings().empty());
}

TEST_CASE("a crash ledger counts the deaths of one record over lives",
          "[bridges][ledger]") {
  const scratch_directory where;
  die_in(where, at(0, 3), 17);
  die_in(where, at(0, 3), 17);
  const auto suspects = open(where)->begin(topics, 2);
  REQUIRE(suspects.size() == 1);
  CHECK(suspects[0].topic == "commands");
  CHECK(suspects[0].partition == partition_index{3});
  CHECK(suspects[0].offset == 17);
  CHECK(suspects[0].deaths == 2);
}

TEST_CASE("a crash ledger names topics as the life that died knew them",
          "[bridges][ledger]") {
  const scratch_directory where;
  die_in(where, at(1, 0), 5);
  const auto suspects = open(where)->begin({"inbox", "commands"}, 2);
  REQUIRE(suspects.size() == 1);
  CHECK(suspects[0].topic == "inbox");
}

TEST_CASE("a crash ledger calls what is no topic a timer",
          "[bridges][ledger]") {
  const scratch_directory where;
  die_in(where, at(0xFFFFFFFFU, 1), 9);
  const auto suspects = open(where)->begin(topics, 2);
  REQUIRE(suspects.size() == 1);
  CHECK(suspects[0].topic == "timer");
  CHECK(suspects[0].offset == 9);
}

TEST_CASE("a crash ledger suspects nobody after a slot was left",
          "[bridges][ledger]") {
  const scratch_directory where;
  {
    const auto ledger = open(where);
    ledger->begin(topics, 1);
    auto& slot = ledger->slot(worker_index{0});
    slot.enter(at(0, 0), 1);
    slot.leave();
  }
  CHECK(open(where)->begin(topics, 1).empty());
}

TEST_CASE("a crash ledger forgets an acquitted suspect for good",
          "[bridges][ledger]") {
  const scratch_directory where;
  die_in(where, at(0, 0), 1);
  die_in(where, at(1, 1), 2);
  {
    const auto ledger = open(where);
    const auto suspects = ledger->begin(topics, 1);
    REQUIRE(suspects.size() == 2);
    ledger->acquit(suspects[0]);
  }
  const auto left = open(where)->begin(topics, 1);
  REQUIRE(left.size() == 1);
  CHECK(left[0].offset == 2);
}

TEST_CASE("a crash ledger acquits from several threads at once",
          "[bridges][ledger]") {
  const scratch_directory where;
  constexpr int each = 16;
  for (int i = 0; i < 2 * each; ++i)
    die_in(where, at(0, 0), i);
  {
    const auto ledger = open(where);
    const auto suspects = ledger->begin(topics, 2);
    REQUIRE(suspects.size() == 2 * each);
    const auto acquit_from = [&](std::size_t first) {
      for (std::size_t i = first; i < suspects.size(); i += 2)
        ledger->acquit(suspects[i]);
    };
    std::thread odd{acquit_from, 1};
    acquit_from(0);
    odd.join();
  }
  CHECK(open(where)->begin(topics, 1).empty());
}

TEST_CASE("a crash ledger remembers the record of a process that was killed",
          "[bridges][ledger]") {
  const scratch_directory where;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    // No check of Catch2 in here: its report belongs to the parent.
    auto opened = file_crash_ledger::open(where.path());
    if (!opened)
      ::_exit(1);
    (*opened)->begin(topics, 4);
    (*opened)->slot(worker_index{2}).enter(at(1, 7), 123456789012);
    if (::write(ready[1], "x", 1) != 1)
      ::_exit(1);
    for (;;)
      ::pause();
  }
  REQUIRE(child > 0);
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  ::close(ready[0]);
  ::close(ready[1]);

  const auto suspects = open(where)->begin(topics, 1);
  REQUIRE(suspects.size() == 1);
  CHECK(suspects[0].topic == "inbox");
  CHECK(suspects[0].partition == partition_index{7});
  CHECK(suspects[0].offset == 123456789012);
  CHECK(suspects[0].deaths == 1);
}

TEST_CASE("a crash ledger with any byte changed or cut never fails to open",
          "[bridges][ledger]") {
  const scratch_directory where;
  die_in(where, at(0, 0), 1);
  die_in(where, at(1, 1), 2);
  std::string good;
  {
    std::ifstream in{where.file(), std::ios::binary};
    good.assign(std::istreambuf_iterator<char>{in}, {});
  }
  const auto put = [&](const std::string& bytes) {
    std::ofstream out{where.file(), std::ios::binary | std::ios::trunc};
    out << bytes;
  };
  std::size_t warned = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    put(bad);
    warned += open(where)->warnings().size();
  }
  // All of the header and all texts are covered by the checksum.
  CHECK(warned >= 36 + std::string{"commandsinbox"}.size());
  for (std::size_t size = 0; size < good.size(); ++size) {
    put(good.substr(0, size));
    const auto ledger = open(where);
    CHECK(ledger->warnings().size() == 1);
  }
  const auto ledger = open(where);
  CHECK(ledger->begin(topics, 1).empty());
  ledger->slot(worker_index{0}).enter(at(0, 0), 3);
  CHECK(open(where)->warnings().empty());
}

TEST_CASE("a flipped bit in a crash ledger convicts nobody else",
          "[bridges][ledger]") {
  const scratch_directory where;
  die_in(where, at(0, 0), 1);
  die_in(where, at(0, 0), 1);
  die_in(where, at(1, 1), 2);
  {
    const auto ledger = open(where);
    const auto suspects = ledger->begin(topics, 1);
    REQUIRE(suspects.size() == 2);
    ledger->acquit(suspects[0].deaths == 2 ? suspects[0] : suspects[1]);
  }
  std::string good;
  {
    std::ifstream in{where.file(), std::ios::binary};
    good.assign(std::istreambuf_iterator<char>{in}, {});
  }
  // Behind the header and the one slot.
  constexpr std::size_t suspects_at = 128;
  for (std::size_t bit = suspects_at * 8; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    std::ofstream{where.file(), std::ios::binary | std::ios::trunc} << bad;
    const auto ledger = open(where);
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    for (const auto& each : ledger->begin(topics, 1)) {
      CHECK(each.topic == "inbox");
      CHECK(each.partition == partition_index{1});
      CHECK(each.offset == 2);
      CHECK(each.deaths == 1);
    }
  }
}

TEST_CASE("a crash ledger that cannot be written works in memory and says so",
          "[bridges][ledger]") {
  const scratch_directory where;
  const auto ledger = open(where);
  std::filesystem::remove_all(where.path());
  CHECK(ledger->begin(topics, 1).empty());
  CHECK(ledger->warnings().size() == 1);
  ledger->slot(worker_index{0}).enter(at(0, 0), 3);
}

TEST_CASE("the crash ledger in memory keeps suspects over begins",
          "[bridges][ledger]") {
  memory_crash_ledger ledger;
  CHECK(ledger.begin(topics, 1).empty());
  ledger.slot(worker_index{0}).enter(at(1, 2), 3);
  const auto suspects = ledger.begin(topics, 1);
  REQUIRE(suspects.size() == 1);
  CHECK(suspects[0].topic == "inbox");
  CHECK(suspects[0].deaths == 1);
  ledger.acquit(suspects[0]);
  CHECK(ledger.begin(topics, 1).empty());
}
