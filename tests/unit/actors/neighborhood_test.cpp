// The neighborhood's windows of 30 days: their edges, sums and bounds.

#include "actors/neighborhood.hpp"
#include "tests/testkit/entity_kit.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace freehold;
using namespace freehold::market;
using freehold::testkit::entity_kit;

namespace {

constexpr std::int64_t length = neighborhood::window_length.count();

sale_recorded sale(std::int64_t cents, std::int64_t at) {
  return {"7129300520", money::of_cents(cents).value(),
          utc_time::of(timestamp{at}).value()};
}

} // namespace

TEST_CASE("windows are 30 days, aligned to 1970 and half-open",
          "[actors][neighborhood]") {
  CHECK(length == 2'592'000'000);
  const auto start = [](std::int64_t at) {
    return neighborhood::window_start(timestamp{at}).value();
  };
  CHECK(start(0) == 0);
  CHECK(start(length - 1) == 0);
  CHECK(start(length) == length);
  CHECK(start(-1) == -length);
  CHECK(start(-length) == -length);
  CHECK(start(-length - 1) == -2 * length);
}

TEST_CASE("a sale at a boundary belongs to the window that begins there",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178"};
  kit.given(sale(100, 5 * length - 1), sale(300, 5 * length),
            sale(200, 6 * length - 1))
      .then_state([](const neighborhood::state& now) {
        REQUIRE(now.windows.size() == 2);
        CHECK(now.windows.at(4 * length) == sale_totals{1, 100, 100, 100});
        CHECK(now.windows.at(5 * length) == sale_totals{2, 500, 200, 300});
        CHECK(now.overall == sale_totals{3, 600, 100, 300});
      });
}

TEST_CASE("sales before 1970 have windows too", "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178"};
  kit.given(sale(100, -1), sale(200, -length), sale(400, -length - 1))
      .then_state([](const neighborhood::state& now) {
        REQUIRE(now.windows.size() == 2);
        CHECK(now.windows.at(-length) == sale_totals{2, 300, 100, 200});
        CHECK(now.windows.at(-2 * length) == sale_totals{1, 400, 400, 400});
      });
}

TEST_CASE("minimum and maximum follow in any order of prices",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178"};
  kit.given(sale(500, 0), sale(900, 1), sale(100, 2), sale(500, 3))
      .then_state([](const neighborhood::state& now) {
        return now.overall == sale_totals{4, 2000, 100, 900};
      });
}

TEST_CASE("a sale without a price above zero is refused",
          "[actors][neighborhood]") {
  const std::int64_t cents = GENERATE(0, -1);
  entity_kit<neighborhood> kit{"98178"};
  kit.when(sale(cents, 0)).then_rejects("above zero");
}

TEST_CASE("a total that has no room fails for good and keeps what it was",
          "[actors][neighborhood]") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  neighborhood::state full;
  full.windows[0] = full.overall = {9, most - 100, 1, money::cents_max};
  entity_kit<neighborhood> kit{"98178"};
  kit.given_state(full).when(sale(101, 0)).then_fails_for_good("no room");
  kit.then_state([&](const neighborhood::state& now) {
    return now.overall == full.overall && now.windows == full.windows;
  });
  // Exactly full is not too full.
  kit.when(sale(100, 0)).then_state([](const neighborhood::state& now) {
    return now.overall.total_cents == most;
  });
}

TEST_CASE("the number of windows is bounded, the sales in one are not",
          "[actors][neighborhood]") {
  neighborhood::state full;
  for (std::size_t i = 0; i < neighborhood::window_count_max; ++i)
    full.windows[static_cast<std::int64_t>(i) * length] = {1, 1, 1, 1};
  full.overall = {neighborhood::window_count_max, 1'200, 1, 1};
  entity_kit<neighborhood> kit{"98178"};
  kit.given_state(full).when(sale(1, -1)).then_fails_for_good("another 30");
  kit.when(sale(1, 0)).then_state([](const neighborhood::state& now) {
    return now.windows.at(0).count == 2
           && now.windows.size() == neighborhood::window_count_max;
  });
}
