// What only the embedded log has: one writer, readers beside it, damaged
// files, space that is used again, crashes of the process.
#include "bridges/log/unit_writer.hpp"
#include "runtime/base/random.hpp"
#include "tests/unit/bridges/log/embedded_log_testkit.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

using namespace freehold;
using namespace freehold::bridges::log;
using namespace freehold::bridges::log::testkit;
using namespace freehold::conformance;

namespace {

/// The file as LMDB makes it before its first transaction: two meta pages
/// without a table.
void make_empty_environment(const temporary_directory& directory) {
  constexpr std::size_t page_bytes = 4096;
  constexpr std::uint64_t none = ~std::uint64_t{0};
  std::string bytes(2 * page_bytes, '\0');
  for (std::size_t page = 0; page < 2; ++page) {
    const auto put = [&](std::size_t place, auto value) {
      std::memcpy(bytes.data() + page * page_bytes + place, &value,
                  sizeof value);
    };
    put(0, std::uint64_t{page});
    put(10, std::uint16_t{8}); // a meta page
    put(16, std::uint32_t{0xBEEFC0DE});
    put(20, std::uint32_t{1});
    put(32, std::uint64_t{1} << 20U); // size of the map
    put(40, static_cast<std::uint32_t>(page_bytes));
    put(44, std::uint16_t{8});  // keys of free pages are numbers
    put(80, none);              // root of the free pages
    put(128, none);             // root of the tables
    put(136, std::uint64_t{1}); // last page
  }
  std::ofstream{data_of(directory), std::ios::binary} << bytes;
}

} // namespace

TEST_CASE("a second writer is told which directory and process hold the log",
          "[bridges][log]") {
  const temporary_directory directory;
  const auto log = open_log(options_for(directory));
  const auto second = embedded_log::open(options_for(directory));
  REQUIRE(!second.has_value());
  CHECK(second.error().code == errc::in_use);
  CHECK_THAT(second.error().context,
             Catch::Contains(directory.path().string())
                 && Catch::Contains(std::to_string(::getpid()))
                 && Catch::Contains("stop"));
}

TEST_CASE("a writer whose lock was deleted is fenced by the one that comes in",
          "[bridges][log]") {
  const temporary_directory directory;
  int to_second[2];
  REQUIRE(::pipe(to_second) == 0);
  const pid_t second = ::fork();
  if (second == 0) {
    char byte = 0;
    (void)!::read(to_second[0], &byte, 1);
    auto log = embedded_log::open(options_for(directory));
    if (!log)
      ::_exit(1);
    log_life life{*std::move(log)};
    auto part = life.part();
    part->add(at(output_topic, 0), "k", "of the second");
    ::_exit(life.commit({part}).outcome == commit_outcome::done ? 0 : 2);
  }
  log_life life{open_log(options_for(directory))};
  life.append(at(output_topic, 0), {"of the first"});
  std::filesystem::remove(directory.path() / "writer.lock");
  (void)!::write(to_second[1], "x", 1);
  int status = 0;
  REQUIRE(::waitpid(second, &status, 0) == second);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);

  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "too late");
  const auto produced = life.produce(request);
  CHECK(produced.outcome == commit_outcome::failed);
  CHECK(produced.why.code == errc::fenced);
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "too late");
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::fenced);
  CHECK_THAT(result.why.context, Catch::Contains("writer.lock"));
  life.heard.wait([&] { return !life.heard.breaks.empty(); });
  // Nor does it take the log back: it is the node that has to stop.
  life.log->recover();
  life.heard.wait([&] { return life.heard.breaks.size() == 2; });
  CHECK(life.values_of(at(output_topic, 0))
        == std::vector<std::string>{"of the first", "of the second"});
  for (const int fd : to_second)
    ::close(fd);
}

TEST_CASE("another process may read while the log is written",
          "[bridges][log]") {
  const temporary_directory directory;
  int to_writer[2];
  int to_reader[2];
  REQUIRE(::pipe(to_writer) == 0);
  REQUIRE(::pipe(to_reader) == 0);
  // The child is made first: an environment must not be carried over a fork.
  const pid_t child = ::fork();
  if (child == 0) {
    char signal = 0;
    std::size_t seen = 0;
    (void)!::read(to_reader[0], &signal, 1);
    auto reader = embedded_log_reader::open(directory.path());
    bool good = reader.has_value();
    for (int round = 0; good && round < 3; ++round) {
      const auto topics = (*reader)->topics();
      good = topics.has_value();
      if (good) {
        const auto end = (*topics)[output_topic.value()].partitions[0].end;
        const auto batch =
            (*reader)->read(at(output_topic, 0), next_offset{0}, 1U << 30U);
        good = batch.has_value() && (*batch)->next == end
               && (*batch)->records.size() > seen;
        if (good)
          seen = (*batch)->records.size();
      }
      (void)!::write(to_writer[1], "x", 1);
      (void)!::read(to_reader[0], &signal, 1);
    }
    ::_exit(good ? 0 : 1);
  }
  {
    log_life life{open_log(options_for(directory))};
    for (int round = 0; round < 4; ++round) {
      // Far more than the first mapping's pages.
      life.append(at(output_topic, 0),
                  std::vector<std::string>(200, std::string(20'000, 'v')));
      (void)!::write(to_reader[1], "x", 1);
      char answer = 0;
      if (round < 3)
        (void)!::read(to_writer[0], &answer, 1);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  for (const int fd : {to_writer[0], to_writer[1], to_reader[0], to_reader[1]})
    ::close(fd);
}

TEST_CASE("while one thread drops the last reader and another opens one, the "
          "process stays visible to others",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 1);
  int ask[2];
  int answer[2];
  REQUIRE(::pipe(ask) == 0);
  REQUIRE(::pipe(answer) == 0);
  // The observer is made before anything is opened. It tells whether another
  // process holds LMDB's lock on the table of readers.
  const pid_t observer = ::fork();
  if (observer == 0) {
    ::close(ask[1]);
    char byte = 0;
    while (::read(ask[0], &byte, 1) == 1) {
      const int fd = ::open((directory.path() / "lock.mdb").c_str(), O_RDWR);
      struct flock wanted {};
      wanted.l_type = F_WRLCK;
      wanted.l_whence = SEEK_SET;
      wanted.l_len = 1;
      (void)::fcntl(fd, F_GETLK, &wanted);
      ::close(fd);
      byte = wanted.l_type == F_UNLCK ? 'n' : 'y';
      (void)!::write(answer[1], &byte, 1);
    }
    ::_exit(0);
  }
  ::close(ask[0]);
  // In each round the other thread drops its reader, the only one, while this
  // one opens another. Both come to the same number, then go.
  constexpr int round_count = 2000;
  std::atomic<int> ready{0};
  std::atomic<int> dropped{0};
  const auto meet = [&](int round) {
    for (++ready; ready < 2 * (round + 1);)
      std::this_thread::yield();
  };
  std::thread other{[&] {
    for (int round = 0; round < round_count; ++round) {
      auto reader = embedded_log_reader::open(directory.path());
      meet(2 * round);
      reader = error{errc::stopped, "dropped"};
      ++dropped;
      meet(2 * round + 1);
    }
  }};
  int unseen = 0;
  int failed = 0;
  for (int round = 0; round < round_count; ++round) {
    meet(2 * round);
    // A little later each time, to meet the other one in every step.
    for (volatile int wait = round % 50 * 20; wait > 0;)
      wait = wait - 1;
    auto reader = embedded_log_reader::open(directory.path());
    failed += reader.has_value() ? 0 : 1;
    while (dropped <= round)
      std::this_thread::yield();
    char byte = 'x';
    (void)!::write(ask[1], &byte, 1);
    (void)!::read(answer[0], &byte, 1);
    unseen += byte == 'n' ? 1 : 0;
    reader = error{errc::stopped, "dropped"};
    meet(2 * round + 1);
  }
  other.join();
  ::close(ask[1]);
  ::close(answer[0]);
  ::close(answer[1]);
  REQUIRE(::waitpid(observer, nullptr, 0) == observer);
  CHECK(failed == 0);
  CHECK(unseen == 0);
}

TEST_CASE("a reader follows a writer that was given more room",
          "[bridges][log]") {
  const temporary_directory directory;
  int to_writer[2];
  int to_reader[2];
  REQUIRE(::pipe(to_writer) == 0);
  REQUIRE(::pipe(to_reader) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 'x';
    (void)!::read(to_reader[0], &byte, 1);
    auto reader = embedded_log_reader::open(directory.path());
    bool good = reader.has_value() && (*reader)->topics().has_value();
    (void)!::write(to_writer[1], &byte, 1);
    (void)!::read(to_reader[0], &byte, 1);
    if (good) {
      const auto batch =
          (*reader)->read(at(output_topic, 0), next_offset{0}, 1U << 30U);
      good = batch.has_value() && (*batch)->records.size() == 101;
    }
    ::_exit(good ? 0 : 1);
  }
  auto options = options_for(directory);
  options.map_bytes_max = 2U << 20U;
  char byte = 'x';
  {
    log_life life{open_log(options)};
    life.append(at(output_topic, 0), {"small"});
  }
  (void)!::write(to_reader[1], &byte, 1);
  (void)!::read(to_writer[0], &byte, 1);
  options.map_bytes_max = 64U << 20U;
  {
    log_life life{open_log(options)};
    life.append(at(output_topic, 0),
                std::vector<std::string>(100, std::string(100'000, 'v')));
  }
  (void)!::write(to_reader[1], &byte, 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  for (const int fd : {to_writer[0], to_writer[1], to_reader[0], to_reader[1]})
    ::close(fd);
}

TEST_CASE("a store that could not be opened again answers with errors",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 1);
  auto store = lmdb_store::open({.directory = directory.path(),
                                 .mode = store_mode::write,
                                 .fsync = false,
                                 .map_bytes_max = 64U << 20U});
  REQUIRE(store.has_value());
  std::filesystem::rename(data_of(directory), directory.path() / "away");
  CHECK(!(*store)->reopen().has_value());
  CHECK(!(*store)->topics().has_value());
  CHECK(!(*store)
             ->read({3, 0}, next_offset{0}, 100, at(output_topic, 0))
             .has_value());
  CHECK(!store_write::begin(**store).has_value());
  // A second attempt may succeed.
  std::filesystem::rename(directory.path() / "away", data_of(directory));
  CHECK((*store)->reopen().has_value());
  CHECK((*store)->topics().has_value());
}

TEST_CASE("there is nothing to read where no log was made", "[bridges][log]") {
  const temporary_directory directory;
  const auto reader = embedded_log_reader::open(directory.path());
  REQUIRE(!reader.has_value());
  CHECK(reader.error().code == errc::not_found);
}

TEST_CASE("a reader that comes during a writer's very first start finds no log",
          "[bridges][log]") {
  const temporary_directory directory;
  make_empty_environment(directory);
  const auto reader = embedded_log_reader::open(directory.path());
  REQUIRE(!reader.has_value());
  CHECK(reader.error().code == errc::not_found);
  // Before that, for a moment, the file has no pages at all.
  std::filesystem::resize_file(data_of(directory), 4096);
  const auto earlier = embedded_log_reader::open(directory.path());
  REQUIRE(!earlier.has_value());
  CHECK(earlier.error().code == errc::not_found);
}

TEST_CASE("a first start that was cut short is made up for", "[bridges][log]") {
  const temporary_directory directory;
  make_empty_environment(directory);
  log_life life{open_log(options_for(directory))};
  life.append(at(output_topic, 0), {"goes on"});
}

TEST_CASE("a log that has lost its content is refused, not begun anew",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 1);
  std::filesystem::remove(data_of(directory));
  std::filesystem::remove(directory.path() / "lock.mdb");
  make_empty_environment(directory);
  const auto log = embedded_log::open(options_for(directory));
  REQUIRE(!log.has_value());
  CHECK(log.error().code == errc::corrupt);
  CHECK_THAT(log.error().context,
             Catch::Contains("data.mdb")
                 && Catch::Contains("its content is gone"));
}

TEST_CASE("an empty marker beside a sound log is made again",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 1);
  const auto expected = count_all(directory);
  const auto marker = directory.path() / "freehold-log.format";
  std::ofstream{marker, std::ios::trunc};
  const auto found = count_all(directory); // a reader leaves it as it is
  REQUIRE(found.has_value());
  CHECK(*found == *expected);
  CHECK(std::filesystem::file_size(marker) == 0);
  { log_life life{open_log(options_for(directory))}; }
  CHECK(std::filesystem::file_size(marker) > 0);
}

TEST_CASE("a marker that names another format is refused", "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 1);
  std::ofstream{directory.path() / "freehold-log.format"} << "format 77\n";
  const auto log = embedded_log::open(options_for(directory));
  REQUIRE(!log.has_value());
  CHECK(log.error().code == errc::corrupt);
  CHECK_THAT(log.error().context, Catch::Contains("freehold-log.format"));
}

TEST_CASE("a marker that cannot be written is an error of the opening",
          "[bridges][log]") {
  const temporary_directory directory;
  const auto in_the_way = directory.path() / "freehold-log.format.new";
  std::filesystem::create_directory(in_the_way);
  const auto log = embedded_log::open(options_for(directory));
  REQUIRE(!log.has_value());
  CHECK(log.error().code == errc::unavailable);
  CHECK_THAT(log.error().context, Catch::Contains("freehold-log.format"));
  std::filesystem::remove(in_the_way);
  log_life life{open_log(options_for(directory))};
}

TEST_CASE("a log makes the directories above its own", "[bridges][log]") {
  const temporary_directory directory;
  auto options = options_for(directory);
  options.directory = directory.path() / "a" / "b" / "c/";
  { log_life life{open_log(options)}; }
  CHECK(std::filesystem::exists(directory.path() / "a/b/c/data.mdb"));
  options.directory = directory.path() / "a/b/c/data.mdb/d";
  const auto log = embedded_log::open(options);
  REQUIRE(!log.has_value());
  CHECK(log.error().code == errc::unavailable);
}

TEST_CASE("topics that a store lost are an error", "[bridges][log]") {
  unit_writer writer{make_layout(), {0, 1, 2, 3}, {1024, 1024}};
  const auto loaded = writer.load({});
  REQUIRE(!loaded.has_value());
  CHECK(loaded.error().code == errc::corrupt);
}

TEST_CASE("a log cut off anywhere is refused, never shortened",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 10);
  const auto whole = std::filesystem::file_size(data_of(directory));
  for (const std::uint64_t size :
       {whole - 4096, whole / 2, std::uint64_t{8192}, std::uint64_t{4096},
        std::uint64_t{100}, std::uint64_t{0}}) {
    std::filesystem::resize_file(data_of(directory), size);
    INFO(size << " of " << whole << " bytes");
    const auto log = embedded_log::open(options_for(directory));
    REQUIRE(!log.has_value());
    CHECK(log.error().code == errc::corrupt);
    CHECK_THAT(log.error().context,
               Catch::Contains("data.mdb") && Catch::Contains("restore"));
    const auto reader = embedded_log_reader::open(directory.path());
    REQUIRE(!reader.has_value());
    CHECK(reader.error().code == errc::corrupt);
  }
  std::filesystem::remove(data_of(directory));
  const auto log = embedded_log::open(options_for(directory));
  REQUIRE(!log.has_value());
  CHECK(log.error().code == errc::corrupt);
}

TEST_CASE("a foreign file is refused", "[bridges][log]") {
  const temporary_directory directory;
  std::ofstream{data_of(directory)} << std::string(100'000, 'A');
  const auto log = embedded_log::open(options_for(directory));
  REQUIRE(!log.has_value());
  CHECK(log.error().code == errc::corrupt);
  CHECK_THAT(log.error().context, Catch::Contains("data.mdb"));
}

TEST_CASE("a flipped bit never passes for data and never ends the process",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 10);
  const auto expected = count_all(directory);
  REQUIRE(expected.has_value());
  const auto size = std::filesystem::file_size(data_of(directory));
  random_source random{20240611};
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t offset = random.below(size);
    const char mask = static_cast<char>(1U << random.below(8));
    INFO("bit " << int{mask} << " at " << offset);
    overwrite(data_of(directory), offset, mask);
    const auto found = count_all(directory);
    if (found) {
      // It lies where nothing is stored.
      CHECK(*found == *expected);
    } else {
      CHECK(found.error().code == errc::corrupt);
      ++refused;
    }
    overwrite(data_of(directory), offset, mask);
  }
  CHECK(refused > 100);
  const auto again = count_all(directory);
  REQUIRE(again.has_value());
  CHECK(*again == *expected);
}

TEST_CASE("a damaged batch fails the fetch and names the place",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 3);
  {
    std::ifstream in{data_of(directory), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    const auto found = bytes.find(std::string(10'000, 's'));
    REQUIRE(found != std::string::npos);
    overwrite(data_of(directory), found + 5000, 1);
  }
  log_life life{open_log(options_for(directory))};
  int failed = 0;
  for (std::int64_t offset = 0; offset < 3; ++offset) {
    life.log->fetch({at(changelog_topic, 0), next_offset{offset}, 1,
                     ports::fetch_wait::no});
    const auto source = at(changelog_topic, 0);
    life.heard.wait([&] {
      return !life.heard.batches[source].empty()
             || !life.heard.failures[source].empty();
    });
    life.heard.look([&] {
      life.heard.batches[source].clear();
      for (const error& why : life.heard.failures[source]) {
        CHECK(why.code == errc::corrupt);
        CHECK_THAT(why.context,
                   Catch::Contains("data.mdb") && Catch::Contains("offset"));
        ++failed;
      }
      life.heard.failures[source].clear();
    });
  }
  CHECK(failed == 1);
}

TEST_CASE("the file stays within three times what is live, however much "
          "passes through",
          "[bridges][log]") {
  const temporary_directory directory;
  log_life life{open_log(options_for(directory))};
  const auto target = at(changelog_topic, 0);
  constexpr std::int64_t live_records = 400;
  constexpr std::uint64_t record_bytes = 10'000;
  random_source random{7};
  std::int64_t written = 0;
  while (written < 100 * live_records) {
    // Units of different sizes leave holes of different sizes.
    std::vector<std::string> some(1 + random.below(60));
    for (std::string& each : some)
      each.assign(record_bytes / 2 + random.below(record_bytes), 'v');
    life.append(target, some);
    written += static_cast<std::int64_t>(some.size());
    life.log->truncate(target, next_offset{written - live_records});
  }
  const auto size = std::filesystem::file_size(data_of(directory));
  INFO("live " << live_records * record_bytes << ", file " << size);
  CHECK(size < 3 * live_records * record_bytes);
}

TEST_CASE("a killed writer leaves whole units and a log that opens",
          "[bridges][log]") {
  const std::string place = GENERATE(
      "before-store-write:7", "before-store-commit:7", "after-store-commit:7");
  const temporary_directory directory;
  const int signal = run_in_child([&] {
    ::setenv("FREEHOLD_TEST_CRASH_AT", place.c_str(), 1);
    auto log = embedded_log::open(options_for(directory));
    if (!log)
      ::_exit(2);
    log_life life{*std::move(log)};
    for (int unit = 0; unit < 20; ++unit) {
      auto part = life.part();
      for (int i = 0; i < 100; ++i)
        part->add(at(output_topic, 0), "k", std::to_string(unit))
            .add(at(inbox_topic, 1), "k", std::to_string(unit));
      (void)life.commit({part});
    }
  });
  CHECK(signal == SIGKILL);
  const std::size_t units = place.starts_with("after") ? 7 : 6;
  log_life life{open_log(options_for(directory))};
  CHECK(life.read_all(at(output_topic, 0)).size() == 100 * units);
  CHECK(life.read_all(at(inbox_topic, 1)).size() == 100 * units);
  CHECK(life.epoch(0) == shard_epoch{2});
  life.append(at(output_topic, 0), {"goes on"});
}

TEST_CASE("a full log says so, with what to do, and keeps what it has",
          "[bridges][log]") {
  const temporary_directory directory;
  auto options = options_for(directory);
  options.map_bytes_max = 2U << 20U;
  std::size_t units = 0;
  {
    log_life life{open_log(options)};
    ports::commit_result result;
    for (;; ++units) {
      auto part = life.part();
      part->add(at(output_topic, 0), "k", std::string(100'000, 'v'));
      result = life.commit({part});
      if (result.outcome != commit_outcome::done || units > 1000)
        break;
    }
    CHECK(units > 5);
    CHECK(result.outcome == commit_outcome::failed);
    CHECK(result.why.code == errc::no_space);
    CHECK_THAT(result.why.context,
               Catch::Contains("raise") && Catch::Contains("2097152"));
    life.heard.wait([&] { return !life.heard.breaks.empty(); });
    CHECK(life.read_all(at(output_topic, 0)).size() == units);
  }
  options.map_bytes_max = 16U << 20U;
  log_life life{open_log(options)};
  CHECK(life.read_all(at(output_topic, 0)).size() == units);
  life.append(at(output_topic, 0), {"room again"});
}

TEST_CASE("a unit waits for the disk where that is asked for",
          "[bridges][log]") {
  const temporary_directory directory;
  auto options = options_for(directory);
  options.fsync = true;
  log_life life{open_log(options)};
  life.append(at(output_topic, 0), {"durable"});
  CHECK(life.values_of(at(output_topic, 0))
        == std::vector<std::string>{"durable"});
}

TEST_CASE("a record above the limit is refused by its size", "[bridges][log]") {
  const temporary_directory directory;
  auto options = options_for(directory);
  options.record_bytes_max = 1000;
  log_life life{open_log(options)};
  auto part = life.part();
  part->add(at(output_topic, 0), "k", std::string(1000, 'v'));
  const auto result = life.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::limit_reached);
}
