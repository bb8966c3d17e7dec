// Single flipped bits in the structure of the file, which LMDB itself believes:
// the log is opened and written in a process of its own, which ends with right
// data or with an error, and never by a signal.
#include "bridges/log/lmdb_check.hpp"
#include "runtime/base/random.hpp"
#include "tests/unit/bridges/log/embedded_log_testkit.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <iterator>
#include <map>
#include <stdexcept>

using namespace freehold;
using namespace freehold::bridges::log;
using namespace freehold::bridges::log::testkit;
using namespace freehold::conformance;

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr int unit_count = 40;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

std::string text_of(int unit) {
  return std::to_string(unit) + std::string(900, 'v');
}

/// Small batches, so that tables have branches, and large values of pages of
/// their own.
embedded_log_options small_batches(const temporary_directory& directory) {
  auto options = options_for(directory);
  options.batch_bytes = 1024;
  return options;
}

ports::commit_result write_unit(log_life& life, int unit) {
  auto part = life.part();
  part->add(at(output_topic, 0), "k", text_of(unit))
      .add(at(changelog_topic, 0), "k", std::string(5000, 's'))
      .add(at(inbox_topic, 1), "k", "m");
  return life.commit({part});
}

/// None of them is what a sanitizer or an assertion ends a process with.
enum outcome : int { right = 10, refused = 11, wrong = 12 };

/// What becomes of a log with a flipped bit. Runs in a child: no checks of
/// Catch2 in here.
outcome try_out(const temporary_directory& directory) {
  auto log = embedded_log::open(small_batches(directory));
  if (!log)
    return log.error().code == errc::corrupt ? refused : wrong;
  const auto check = [](log_life& life, int from, int to) {
    const auto all = life.read_all(at(output_topic, 0), from);
    if (all.size() != static_cast<std::size_t>(to - from))
      return false;
    for (int unit = from; unit < to; ++unit)
      if (all[static_cast<std::size_t>(unit - from)].value != text_of(unit))
        return false;
    return true;
  };
  try {
    log_life life{*std::move(log)};
    if (!check(life, 0, unit_count))
      return wrong;
    for (int unit = unit_count; unit < unit_count + 6; ++unit) {
      const auto result = write_unit(life, unit);
      if (result.outcome != commit_outcome::done)
        return result.why.code == errc::corrupt ? refused : wrong;
      const next_offset cut{5 * (unit - unit_count)};
      life.log->truncate(at(changelog_topic, 0), cut);
      life.log->truncate(at(output_topic, 0), cut);
    }
    return check(life, 25, unit_count + 6) ? right : wrong;
  } catch (const std::runtime_error& failed) {
    return std::strstr(failed.what(), "corrupt") != nullptr ? refused : wrong;
  }
}

/// Where LMDB's own words lie in a page: header, positions, heads of nodes.
std::vector<std::size_t> structure_of(std::string_view page) {
  const auto number = [&](std::size_t at) {
    std::uint16_t value = 0;
    std::memcpy(&value, page.data() + at, sizeof value);
    return std::size_t{value};
  };
  std::vector<std::size_t> places;
  const std::size_t flags = number(10);
  const std::size_t end = (flags & 8U) != 0   ? 152
                          : (flags & 4U) != 0 ? 16
                                              : number(12);
  for (std::size_t at = 8; at < end; ++at)
    places.push_back(at);
  for (std::size_t i = 16; (flags & 3U) != 0 && i + 1 < end; i += 2)
    for (std::size_t at = number(i); at < number(i) + 8; ++at)
      places.push_back(at);
  return places;
}

} // namespace

TEST_CASE("a log with a flipped bit in its structure is right or refused when "
          "it is written",
          "[bridges][log]") {
  const temporary_directory directory;
  {
    log_life life{open_log(small_batches(directory))};
    for (int unit = 0; unit < unit_count; ++unit)
      REQUIRE(write_unit(life, unit).outcome == commit_outcome::done);
  }
  const std::string good = read_file(data_of(directory));
  // By the kind of the page, all places worth trying.
  std::map<unsigned, std::vector<std::size_t>> places;
  for (std::size_t at = 0; at + page_bytes <= good.size(); at += page_bytes) {
    const std::string_view page = std::string_view{good}.substr(at, page_bytes);
    std::uint64_t number = 0;
    std::memcpy(&number, page.data(), sizeof number);
    const auto kind = static_cast<unsigned char>(page[10]);
    if (number != at / page_bytes
        || (kind != 1 && kind != 2 && kind != 4 && kind != 8))
      continue;
    for (const std::size_t place : structure_of(page))
      places[kind].push_back(at + place);
  }
  REQUIRE(places.size() == 4); // branches, leaves, large values, first pages
  random_source random{20240612};
  std::map<int, int> seen;
  constexpr int flips_of_each_kind = 100;
  for (const auto& [kind, some] : places)
    for (int i = 0; i < flips_of_each_kind; ++i) {
      const std::size_t place = some[random.below(some.size())];
      const auto bit = random.below(8);
      std::string bad = good;
      bad[place] = static_cast<char>(bad[place] ^ (1 << bit));
      std::filesystem::remove(directory.path() / "lock.mdb");
      write_file(data_of(directory), bad);
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(60);
        ::_exit(try_out(directory));
      }
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      INFO("kind " << kind << ", page " << place / page_bytes << ", byte "
                   << place % page_bytes << ", bit " << bit);
      REQUIRE(WIFEXITED(status));
      const int found = WEXITSTATUS(status);
      CHECK((found == right || found == refused));
      ++seen[found];
    }
  CHECK(seen[refused] > flips_of_each_kind);
  CHECK(seen[right] > 0);
}

TEST_CASE("a flipped bit in the number of a transaction is noticed",
          "[bridges][log]") {
  // Odd and even numbers of transactions: either first page is the newest.
  const int units = GENERATE(range(1, 9));
  const temporary_directory directory;
  {
    log_life life{open_log(small_batches(directory))};
    for (int unit = 0; unit < units; ++unit)
      REQUIRE(write_unit(life, unit).outcome == commit_outcome::done);
  }
  const std::string good = read_file(data_of(directory));
  constexpr std::size_t number_at = 144;
  for (std::size_t page = 0; page < 2; ++page)
    for (std::size_t bit = 0; bit < 64; ++bit) {
      INFO("page " << page << ", bit " << bit);
      std::string bad = good;
      char& byte = bad[page * page_bytes + number_at + bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      write_file(data_of(directory), bad);
      const auto found = check_lmdb_file(data_of(directory));
      REQUIRE(!found.has_value());
      CHECK(found.error().code == errc::corrupt);
    }
}

TEST_CASE("a file cut off within its second page is an error",
          "[bridges][log]") {
  const temporary_directory directory;
  fill(directory, 1);
  std::filesystem::resize_file(data_of(directory), page_bytes + 200);
  const auto found = check_lmdb_file(data_of(directory));
  REQUIRE(!found.has_value());
  CHECK(found.error().code == errc::corrupt);
}

TEST_CASE("deleting beside what the same transaction wrote meets no damage",
          "[bridges][log]") {
  const temporary_directory directory;
  log_life life{open_log(small_batches(directory))};
  random_source random{11};
  std::int64_t end = 0;
  for (int unit = 0; unit < 5000; ++unit) {
    auto part = life.part();
    const auto count = 1 + random.below(12);
    for (std::uint64_t i = 0; i < count; ++i)
      part->add(at(changelog_topic, 0), "k",
                std::string(random.below(3000), 'v'));
    end += static_cast<std::int64_t>(count);
    const auto result = life.commit({part});
    INFO(to_string(result.why));
    REQUIRE(result.outcome == commit_outcome::done);
    life.log->truncate(
        at(changelog_topic, 0),
        next_offset{end - static_cast<std::int64_t>(random.below(8))});
  }
  const auto sound = check_lmdb_file(data_of(directory));
  CHECK(sound.has_value());
}
