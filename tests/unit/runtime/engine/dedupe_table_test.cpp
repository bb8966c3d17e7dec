// The memory of handled messages: how long and how much it remembers, and the
// fingerprints under which it does, which are stored.
#include "runtime/base/random.hpp"
#include "runtime/engine/dedupe_table.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace freehold;
using namespace std::chrono_literals;
using engine::answer_status;
using engine::dedupe_table;
using engine::fingerprint_of;
using engine::changelog::message_fingerprint;

namespace {

message_fingerprint id(std::uint64_t number) {
  return {number, number * 0x9E3779B97F4A7C15ULL};
}

dedupe_table::kept_answer answer(std::int64_t time,
                                 std::uint32_t packed_bytes = 10) {
  return {timestamp{time}, answer_status::applied, "body", 1, packed_bytes};
}

constexpr std::size_t many = 1000;
constexpr std::uint64_t no_bound = ~std::uint64_t{0};

} // namespace

TEST_CASE("a message is remembered to the last millisecond of the window",
          "[runtime][dedupe_table]") {
  dedupe_table table{100ms, many, no_bound};
  table.insert(id(1), answer(1000));
  REQUIRE(table.find(id(1), timestamp{1000}) != nullptr);
  CHECK(table.find(id(1), timestamp{1000})->body == "body");
  CHECK(table.find(id(1), timestamp{1100}) != nullptr);
  CHECK(table.find(id(1), timestamp{1101}) == nullptr);
  CHECK(table.find(id(2), timestamp{1000}) == nullptr);
  CHECK(table.expire(timestamp{1100}) == 0);
  CHECK(table.size() == 1);
  CHECK(table.expire(timestamp{1101}) == 10);
  CHECK(table.size() == 0);
  CHECK(table.forgotten() == 0);
}

TEST_CASE("the bound on the count drops the oldest first and counts it",
          "[runtime][dedupe_table]") {
  dedupe_table table{1h, 3, no_bound};
  for (std::uint64_t i = 1; i <= 3; ++i)
    table.insert(id(i), answer(static_cast<std::int64_t>(i)));
  CHECK(table.expire(timestamp{3}) == 0);
  CHECK(table.size() == 3);
  CHECK(table.forgotten() == 0);
  table.insert(id(4), answer(4, 7));
  CHECK(table.expire(timestamp{4}) == 10);
  CHECK(table.size() == 3);
  CHECK(table.forgotten() == 1);
  CHECK(table.find(id(1), timestamp{4}) == nullptr);
  CHECK(table.find(id(2), timestamp{4}) != nullptr);
}

TEST_CASE("what the window has passed is not counted as crowded out",
          "[runtime][dedupe_table]") {
  dedupe_table table{100ms, 1, no_bound};
  table.insert(id(1), answer(1));
  table.insert(id(2), answer(500));
  CHECK(table.expire(timestamp{500}) == 10);
  CHECK(table.forgotten() == 0);
}

TEST_CASE("an erased answer is forgotten and may come again",
          "[runtime][dedupe_table]") {
  dedupe_table table{100ms, many, no_bound};
  table.insert(id(1), answer(10, 5));
  table.erase(id(1));
  table.erase(id(2)); // never there
  CHECK(table.size() == 0);
  CHECK(table.find(id(1), timestamp{10}) == nullptr);
  CHECK(table.expire(timestamp{10'000}) == 0);
  table.insert(id(1), answer(10, 5));
  table.erase(id(1));
  table.insert(id(1), answer(10, 6));
  CHECK(table.size() == 1);
  CHECK(table.expire(timestamp{10'000}) == 6);
  CHECK(table.size() == 0);
}

TEST_CASE("an answer after the window replaces the one before",
          "[runtime][dedupe_table]") {
  dedupe_table table{100ms, many, no_bound};
  CHECK(table.insert(id(1), answer(10, 5)) == 0);
  CHECK(table.insert(id(1), answer(200, 6)) == 5);
  CHECK(table.size() == 1);
  CHECK(table.expire(timestamp{200}) == 0);
  CHECK(table.find(id(1), timestamp{200}) != nullptr);
  CHECK(table.expire(timestamp{301}) == 6);
}

TEST_CASE("answers in any order expire by time once they are sorted",
          "[runtime][dedupe_table]") {
  dedupe_table table{100ms, many, no_bound};
  for (const std::int64_t time : {500, 100, 300, 200, 400})
    table.insert(id(static_cast<std::uint64_t>(time)), answer(time));
  table.sort_by_time();
  CHECK(table.expire(timestamp{401}) == 30); // 100, 200, 300
  CHECK(table.size() == 2);
  CHECK(table.find(id(400), timestamp{401}) != nullptr);
  CHECK(table.find(id(500), timestamp{401}) != nullptr);
  table.clear();
  CHECK(table.size() == 0);
  CHECK(table.expire(timestamp{10'000}) == 0);
}

TEST_CASE("a dedupe table stays within its bound, gives back the bytes it "
          "took and agrees with a list",
          "[runtime][dedupe_table]") {
  random_source random{99};
  constexpr std::size_t bound = 50;
  dedupe_table table{1000ms, bound, no_bound};
  struct item {
    std::int64_t time;
    std::uint64_t number;
    std::uint32_t bytes;
  };
  std::vector<item> model; // the oldest first
  std::uint64_t forgotten = 0;
  std::int64_t now = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<std::int64_t>(random.below(60));
    const std::uint64_t number = random.below(200);
    const auto known =
        std::find_if(model.begin(), model.end(),
                     [&](const item& x) { return x.number == number; });
    if (random.below(10) == 0) {
      table.erase(id(number));
      if (known != model.end())
        model.erase(known);
    } else if (table.find(id(number), timestamp{now}) == nullptr) {
      const auto bytes = static_cast<std::uint32_t>(1 + random.below(100));
      std::uint64_t replaced = 0;
      if (known != model.end()) {
        replaced = known->bytes;
        model.erase(known);
      }
      REQUIRE(table.insert(id(number), answer(now, bytes)) == replaced);
      model.push_back({now, number, bytes});
    } else {
      REQUIRE(known != model.end());
    }
    if (random.below(4) == 0) {
      std::uint64_t dropped = 0;
      while (!model.empty()) {
        const bool past = model.front().time < now - 1000;
        if (!past && model.size() <= bound)
          break;
        forgotten += past ? 0 : 1;
        dropped += model.front().bytes;
        model.erase(model.begin());
      }
      REQUIRE(table.expire(timestamp{now}) == dropped);
      REQUIRE(table.size() <= bound);
    }
    REQUIRE(table.size() == model.size());
    REQUIRE(table.forgotten() == forgotten);
  }
}

TEST_CASE("fingerprints are what stored ones are", "[runtime][dedupe_table]") {
  CHECK(fingerprint_of("", "", "")
        == message_fingerprint{0xEEECA696537CC58FULL, 0xF84F1D1F3FE6CDB4ULL});
  CHECK(fingerprint_of("counter", "a", "first")
        == message_fingerprint{0x01100519EC36E99DULL, 0x0E8BF1DC78C0E077ULL});
  CHECK(fingerprint_of("property", "0200001000",
                       "6f9619ff-8b86-d011-b42d-00cf4fc964ff")
        == message_fingerprint{0x1558667770C9CD52ULL, 0x49CF084AB2623ABFULL});
}

TEST_CASE("a fingerprint tells where one text ends and the next begins",
          "[runtime][dedupe_table]") {
  CHECK_FALSE(fingerprint_of("ab", "c", "d") == fingerprint_of("a", "bc", "d"));
  CHECK_FALSE(fingerprint_of("a", "bc", "d") == fingerprint_of("a", "b", "cd"));
  CHECK_FALSE(fingerprint_of("a", "b", "c") == fingerprint_of("b", "a", "c"));
  CHECK_FALSE(fingerprint_of("a", "b", "c") == fingerprint_of("a", "c", "b"));
}

TEST_CASE("a million messages have fingerprints of their own, and each half "
          "of these too",
          "[runtime][dedupe_table]") {
  std::vector<std::uint64_t> high;
  std::vector<std::uint64_t> low;
  constexpr int count = 1'000'000;
  high.reserve(count);
  low.reserve(count);
  for (int i = 0; i < count; ++i) {
    // Ids as counters, keys as counters: the least random there is.
    const auto made = fingerprint_of("counter", std::to_string(i % 1000),
                                     "event-" + std::to_string(i / 1000));
    high.push_back(made.high);
    low.push_back(made.low);
  }
  const auto distinct = [](std::vector<std::uint64_t>& values) {
    std::sort(values.begin(), values.end());
    return std::unique(values.begin(), values.end()) - values.begin();
  };
  CHECK(distinct(high) == count);
  CHECK(distinct(low) == count);
}
