#include "runtime/analytics/trailing_sums.hpp"
#include "runtime/base/random.hpp"
#include "tests/unit/runtime/analytics/counted.hpp"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

using namespace freehold;
using namespace freehold::analytics;
using namespace std::chrono_literals;

TEST_CASE("any stretch of panes is what adding it up gives, in any order of "
          "arrival and after forgetting",
          "[runtime][analytics][trailing-sums]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    random_source random{seed};
    trailing_sums<counted> sums;
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    std::int64_t kept_from = -1'000;
    for (int i = 0; i < 200; ++i) {
      const std::int64_t at =
          kept_from + static_cast<std::int64_t>(random.below(400));
      const auto value = static_cast<std::int64_t>(random.below(100));
      sums.add(10ms, timestamp{at}, {1, value});
      all.emplace_back(at, value);
      if (random.below(10) == 0) {
        kept_from += 10 * static_cast<std::int64_t>(random.below(5));
        sums.forget(kept_from);
      }
      const std::int64_t from =
          kept_from + 10 * static_cast<std::int64_t>(random.below(40));
      const std::int64_t to =
          from + 10 * static_cast<std::int64_t>(random.below(40));
      counted expected;
      for (const auto& [when, what] : all)
        if (when >= from && when < to)
          expected.merge({1, what});
      REQUIRE(sums.between(from, to) == expected);
    }
  }
}

TEST_CASE("what is forgotten leaves one pane below what is kept",
          "[runtime][analytics][trailing-sums]") {
  trailing_sums<counted> sums;
  for (int i = 0; i < 100; ++i)
    sums.add(10ms, timestamp{i * 10}, {1, 1});
  sums.forget(900);
  CHECK(sums.running.size() == 11);
  CHECK(sums.between(900, 1'000) == counted{10, 10});
}
