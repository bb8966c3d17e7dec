// What homes are worth: by their area, by their own last sale, and that a sale
// is judged by what was known before its day.
#include "actors/market_application.hpp"
#include "actors/valuation.hpp"
#include "tests/testkit/entity_kit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::market;
using freehold::testkit::entity_kit;

namespace {

constexpr std::int64_t day = 86'400'000;

/// A sale of 1,000 square feet; the level is `median` dollars for such homes.
home_sold sale(std::int64_t dollars, std::int64_t at, std::int64_t median) {
  home_sold told{.zipcode = "98178",
                 .sale_id = "s",
                 .sold_at = utc_time::of(timestamp{at}).value(),
                 .price = money::of_dollars(dollars),
                 .living_area_sqft = 1'000};
  if (median > 0) {
    told.level_sales = 5;
    told.level_median = median * 5;
    told.level_low = median * 4;
    told.level_high = median * 6;
  }
  return told;
}

auto valued(std::int64_t estimate, std::int64_t low, std::int64_t high,
            value_basis basis) {
  return [=](const property_valued& said) {
    CHECK(said.estimate == money::of_dollars(estimate));
    CHECK(said.low == money::of_dollars(low));
    CHECK(said.high == money::of_dollars(high));
    CHECK(said.basis == basis);
  };
}

} // namespace

TEST_CASE("a home is valued by its area at the level before its sale",
          "[actors][valuation]") {
  entity_kit<valuation> kit{market_application(), "7129300520"};
  kit.when(sale(250'000, 0, 200'000));
  kit.then_publishes<property_valued>(
      "property-valuations", "7129300520",
      valued(200'000, 160'000, 240'000, value_basis::neighborhood));
  kit.then_nothing_else();
}

TEST_CASE("without a level nothing is said, and the sale is remembered "
          "without one",
          "[actors][valuation]") {
  entity_kit<valuation> kit{"1"};
  kit.when(sale(250'000, 0, 0)).then_nothing_else();
  kit.when(sale(300'000, 2 * day, 200'000));
  kit.then_publishes<property_valued>(
      "property-valuations", "1",
      valued(200'000, 160'000, 240'000, value_basis::neighborhood));
}

TEST_CASE("its own last price, moved with the level, counts if it is higher",
          "[actors][valuation]") {
  entity_kit<valuation> kit{"1"};
  kit.given(sale(400'000, 0, 200'000));
  kit.when(sale(500'000, 30 * day, 220'000));
  kit.then_publishes<property_valued>(
      "property-valuations", "1",
      valued(440'000, 352'000, 528'000, value_basis::own_sale));
  // A lower one widens the range downwards.
  kit.given(sale(100'000, 60 * day, 220'000));
  kit.when(sale(200'000, 90 * day, 220'000));
  kit.then_publishes<property_valued>(
      "property-valuations", "1",
      valued(220'000, 100'000, 264'000, value_basis::neighborhood));
}

TEST_CASE("an own sale of the same day does not count", "[actors][valuation]") {
  entity_kit<valuation> kit{"1"};
  kit.given(sale(400'000, 0, 200'000));
  kit.when(sale(500'000, day - 1, 200'000));
  kit.then_publishes<property_valued>(
      "property-valuations", "1",
      valued(200'000, 160'000, 240'000, value_basis::neighborhood));
  // An older sale that is told later does not replace the newer one.
  kit.given(sale(100'000, -1, 200'000));
  kit.then_state([](const valuation::state& now) {
    return now.last_price == money::of_dollars(500'000);
  });
}
