// The neighborhood: which window a sale belongs to, when windows are published
// and corrected, what is left out, and its bounds.

#include "actors/market_application.hpp"
#include "actors/messages/analytics_messages.hpp"
#include "actors/neighborhood.hpp"
#include "tests/testkit/entity_kit.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace freehold;
using namespace freehold::market;
using freehold::testkit::entity_kit;

namespace {

constexpr std::int64_t day = 86'400'000;
constexpr std::int64_t length = market_settings::window_length.count();
constexpr std::int64_t grace = market_settings{}.grace.count();

sale_recorded sale(std::int64_t cents, std::int64_t at,
                   const std::string& id = "s") {
  return {"7129300520",
          money::of_cents(cents).value(),
          utc_time::of(timestamp{at}).value(),
          id,
          "98178",
          std::nullopt};
}

neighborhood_prices prices(std::int64_t start, const sale_totals& sums,
                           std::int64_t average, bool correction = false) {
  return {"98178",
          utc_time::of(timestamp{start}).value(),
          utc_time::of(timestamp{start + length}).value(),
          sums.count,
          money::of_cents(sums.total_cents).value(),
          money::of_cents(average).value(),
          money::of_cents(sums.minimum_cents).value(),
          money::of_cents(sums.maximum_cents).value(),
          correction};
}

/// Takes what was told to valuations of homes.
void take_valuations(entity_kit<neighborhood>& kit, int count) {
  for (int i = 0; i < count; ++i)
    kit.then_tells<home_sold>("valuation", "7129300520", [](const auto&) {});
}

/// No rule speaks.
market_settings quiet() {
  market_settings how;
  how.watches_sales = false;
  return how;
}

} // namespace

TEST_CASE("a sale at a boundary belongs to the window that begins there",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given(sale(100, 5 * length - 1), sale(300, 5 * length),
            sale(200, 6 * length - 1))
      .then_state([](const neighborhood::state& now) {
        REQUIRE(now.prices.panes.size() == 2);
        CHECK(now.prices.panes.at(4 * length) == sale_totals{1, 100, 100, 100});
        CHECK(now.prices.panes.at(5 * length) == sale_totals{2, 500, 200, 300});
        CHECK(now.overall == sale_totals{3, 600, 100, 300});
      });
}

TEST_CASE("sales before 1970 have windows too", "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given(sale(100, -1), sale(200, -length), sale(400, -length - 1))
      .then_state([](const neighborhood::state& now) {
        REQUIRE(now.prices.panes.size() == 2);
        CHECK(now.prices.panes.at(-length) == sale_totals{2, 300, 100, 200});
        CHECK(now.prices.panes.at(-2 * length)
              == sale_totals{1, 400, 400, 400});
      });
}

TEST_CASE("minimum and maximum follow in any order of prices",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given(sale(500, 0), sale(900, 1), sale(100, 2), sale(500, 3))
      .then_state([](const neighborhood::state& now) {
        return now.overall == sale_totals{4, 2000, 100, 900};
      });
}

TEST_CASE("a sale without a price above zero is refused",
          "[actors][neighborhood]") {
  const std::int64_t cents = GENERATE(0, -1);
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.when(sale(cents, 0)).then_rejects("above zero");
}

TEST_CASE("windows are published when the watermark is past end and grace, "
          "with their change from the one before",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{market_application(), "98178", quiet()};
  kit.when(sale(100, 10))
      .then_schedules_at_watermark("close-windows", timestamp{length + grace},
                                   close_windows{})
      .then_nothing_else();
  kit.when(sale(201, 20)).then_nothing_else();
  kit.when(sale(451, length)).then_nothing_else();
  kit.watermark(timestamp{length + grace}).when(close_windows{});
  // 150.5 cents: half away from zero.
  kit.then_publishes("neighborhood-prices", "98178",
                     prices(0, {2, 301, 100, 201}, 151))
      .then_schedules_at_watermark(
          "close-windows", timestamp{2 * length + grace}, close_windows{})
      .then_nothing_else();
  kit.watermark(timestamp{2 * length + grace + 5}).when(close_windows{});
  kit.then_publishes("neighborhood-prices", "98178",
                     prices(length, {1, 451, 451, 451}, 451));
  kit.then_publishes(
         "market-trends", "98178",
         market_trend{"98178", utc_time::of(timestamp{length}).value(),
                      utc_time::of(timestamp{2 * length}).value(), 1, 2,
                      money::of_cents(451).value(),
                      money::of_cents(151).value(), ratio{19967}, false})
      .then_nothing_else();
}

TEST_CASE("a window closed before its time is corrected, and with it both "
          "trends it is part of",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given(sale(100, 0), sale(100, length), sale(100, 2 * length));
  kit.watermark(after_all_time).given(close_windows{});
  kit.watermark(timestamp{0}).when(sale(300, length + 1));
  kit.then_publishes("neighborhood-prices", "98178",
                     prices(length, {2, 400, 100, 300}, 200, true));
  const auto trend = [](std::int64_t start, std::uint64_t count,
                        std::uint64_t count_before, std::int64_t average,
                        std::int64_t average_before, std::int64_t change) {
    return market_trend{"98178",
                        utc_time::of(timestamp{start}).value(),
                        utc_time::of(timestamp{start + length}).value(),
                        count,
                        count_before,
                        money::of_cents(average).value(),
                        money::of_cents(average_before).value(),
                        ratio{change},
                        true};
  };
  kit.then_publishes("market-trends", trend(length, 2, 1, 200, 100, 10'000))
      .then_publishes("market-trends",
                      trend(2 * length, 1, 2, 100, 200, -5'000))
      .then_nothing_else();
}

TEST_CASE("a sale behind its source by more than the grace is left out and "
          "published with the reason",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{market_application(), "98178", quiet()};
  kit.source_watermark(timestamp{grace}).given(sale(100, 0));
  kit.source_watermark(timestamp{grace + 1}).when(sale(100, 0, "late"));
  kit.then_publishes("market-late", "98178",
                     sale_left_out{"98178", "7129300520", "late",
                                   money::of_cents(100).value(),
                                   utc_time::of(timestamp{0}).value(),
                                   "it came later than the grace"})
      .then_nothing_else();
  kit.then_state([](const neighborhood::state& now) {
    return now.overall.count == 1 && now.left_out == 1;
  });
}

TEST_CASE("a sale further ahead of the clock than allowed is left out",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178", quiet()};
  const std::int64_t limit = entity_kit<neighborhood>::first_time.value()
                             + market_settings{}.ahead_max.count();
  kit.given(sale(100, limit));
  kit.when(sale(100, limit + 1));
  kit.then_state([](const neighborhood::state& now) {
    return now.overall.count == 1 && now.left_out == 1;
  });
}

TEST_CASE("a sale off the average of the 30 days before its day is an anomaly "
          "at once, five sales provided",
          "[actors][neighborhood]") {
  market_settings how;
  entity_kit<neighborhood> kit{market_application(), "98178", how};
  const std::int64_t today = 100 * day;
  // One outside on either side: the 31st day before, and the day itself.
  kit.given(sale(9'999'900, today - 30 * day - 1), sale(9'999'900, today + 1));
  for (int i = 0; i < 4; ++i)
    kit.given(sale(100'000, today - (i + 1) * day));
  kit.when(sale(500'000, today + 5)).then_nothing_else(); // four only
  kit.given(sale(100'000, today - 30 * day));
  kit.when(sale(120'000, today + 6)).then_nothing_else(); // exactly 20 %
  kit.when(sale(120'001, today + day - 1, "dear"));
  kit.then_publishes<price_anomaly_detected>(
         "price-anomaly-alerts", "98178",
         [](const auto& alert) {
           CHECK(alert.sale_id == "dear");
           CHECK(alert.expected_price.cents() == 100'000);
           CHECK(alert.deviation.ten_thousandths == 2'000);
           CHECK(alert.sales_counted == 5);
         })
      .then_nothing_else();
}

namespace {

auto revised(const std::string& id, bool anomalous, std::uint64_t sales) {
  return [=](const price_anomaly_revised& alert) {
    CHECK(alert.sale_id == id);
    CHECK(alert.anomalous == anomalous);
    CHECK(alert.sales_counted == sales);
  };
}

} // namespace

TEST_CASE("an earlier sale that comes late revises at once what the first rule "
          "says",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178"};
  const std::int64_t today = 100 * day;
  for (int i = 0; i < 5; ++i)
    kit.given(sale(100'000, today - 10 * day));
  kit.given(sale(130'000, today, "dear"), sale(110'000, today + day, "fair"));
  // The average falls: the second is off now as well.
  kit.when(sale(10'000, today - 5 * day, "cheap"));
  kit.then_publishes<price_anomaly_detected>(
      "price-anomaly-alerts", "98178",
      [](const auto& alert) { CHECK(alert.sale_id == "cheap"); });
  kit.then_publishes<price_anomaly_revised>("price-anomaly-alerts", "98178",
                                            revised("fair", true, 7));
  kit.then_nothing_else();
  // It rises again: neither is.
  kit.when(sale(400'000, today - 4 * day));
  kit.then_publishes<price_anomaly_detected>("price-anomaly-alerts", "98178",
                                             [](const auto&) {});
  kit.then_publishes<price_anomaly_revised>("price-anomaly-alerts", "98178",
                                            revised("dear", false, 7));
  kit.then_publishes<price_anomaly_revised>("price-anomaly-alerts", "98178",
                                            revised("fair", false, 8));
  kit.then_nothing_else();
}

TEST_CASE("the last word on a sale has the last numbers, and is said when "
          "nothing that is not late can change it",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178"};
  const std::int64_t today = 100 * day;
  for (int i = 0; i < 5; ++i)
    kit.given(sale(100'000, today - 10 * day));
  kit.given(sale(300'000, today, "dear"));
  kit.when(sale(101'000, today - day)).then_nothing_else();
  kit.watermark(timestamp{today + grace - 1}).when(settle_verdicts{});
  take_valuations(kit, 6);
  kit.then_schedules_at_watermark("settle-verdicts", timestamp{today + grace},
                                  settle_verdicts{})
      .then_nothing_else();
  SECTION("when the watermark gets there") {
    kit.watermark(timestamp{today + grace}).when(settle_verdicts{});
  }
  SECTION("when everything is closed, and not once more") {
    kit.watermark(after_all_time).when(settle_verdicts{});
  }
  kit.then_publishes<price_anomaly_revised>("price-anomaly-alerts", "98178",
                                            revised("dear", true, 6));
  take_valuations(kit, 1);
  kit.then_nothing_else();
  kit.watermark(timestamp{today + grace}).when(settle_verdicts{});
  kit.then_nothing_else();
}

TEST_CASE("the second rule speaks at once and, if it has changed its mind, at "
          "the end",
          "[actors][neighborhood]") {
  market_settings how;
  how.mean_deviation_percent = 0;
  entity_kit<neighborhood> kit{"98178", how};
  const std::int64_t today = 100 * day;
  const auto of_area = [&](std::int64_t dollars, std::int64_t at,
                           const std::string& id) {
    sale_recorded made = sale(dollars * 100, at, id);
    made.living_area_sqft = 1'000;
    return made;
  };
  for (int i = 0; i < 8; ++i)
    kit.given(of_area(200'000 + i, today - 10 * day, "usual"));
  kit.when(of_area(900'000, today, "odd"));
  kit.then_publishes<unit_price_anomaly_detected>(
      "price-anomaly-alerts", "98178", [](const auto& alert) {
        CHECK(alert.sale_id == "odd");
        CHECK(alert.expected_price.cents() == 20'000'360);
        CHECK(alert.score > 7);
      });
  kit.then_nothing_else();
  for (int i = 0; i < 20; ++i)
    kit.given(of_area(900'000 + i, today - 5 * day, "dear"));
  kit.watermark(after_all_time).when(settle_verdicts{});
  const auto last_of_odd = [](const unit_price_anomaly_revised& alert) {
    CHECK(alert.sale_id == "odd");
    CHECK_FALSE(alert.anomalous);
  };
  kit.then_publishes<unit_price_anomaly_revised>("price-anomaly-alerts",
                                                 "98178", last_of_odd);
  take_valuations(kit, 29);
  kit.then_nothing_else();
}

TEST_CASE("an asking price that changed is placed among the sales of the 30 "
          "days before, five of them provided",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{market_application(), "98178"};
  const std::int64_t today = 100 * day;
  const auto change = [&](std::int64_t dollars, std::int64_t before,
                          std::optional<std::uint32_t> area) {
    return price_changed{"17",
                         "c",
                         utc_time::of(timestamp{today + 5}).value(),
                         money::of_dollars(dollars),
                         money::of_dollars(before),
                         area};
  };
  const auto sold = [&](std::int64_t dollars, std::int64_t at) {
    sale_recorded made = sale(dollars * 100, at);
    made.living_area_sqft = 1'000;
    kit.given(made);
  };
  for (const std::int64_t dollars : {100, 100, 110, 110})
    sold(dollars, today - day);
  sold(990, today); // of the day itself
  kit.when(change(100, 80, 1'000U)).then_nothing_else();
  sold(130, today - 30 * day);
  kit.when(change(110, 100, 1'000U));
  kit.then_publishes<price_analyzed>(
         "price-analyses", "98178",
         [](const price_analyzed& said) {
           CHECK(said.sales_counted == 5);
           CHECK(said.average.cents() == 11'000);
           CHECK(said.change.ten_thousandths == 1'000);
           CHECK(said.to_average.ten_thousandths == 0);
           CHECK(said.rank.ten_thousandths == 6'000); // 2 below, 2 equal
           CHECK(said.to_level->ten_thousandths == 0);
           CHECK(said.unit_rank->ten_thousandths == 6'000);
           CHECK(said.position == price_position::within);
         })
      .then_nothing_else();
  kit.when(change(90, 100, std::nullopt));
  kit.then_publishes<price_analyzed>("price-analyses", "98178",
                                     [](const price_analyzed& said) {
                                       CHECK(said.rank.ten_thousandths == 0);
                                       CHECK_FALSE(said.to_level);
                                       CHECK_FALSE(said.position);
                                     });
  kit.when(change(131, 100, 1'000U));
  kit.then_publishes<price_analyzed>(
      "price-analyses", "98178", [](const price_analyzed& said) {
        CHECK(said.position == price_position::above);
      });
}

TEST_CASE("a total that has no room fails for good and keeps what it was",
          "[actors][neighborhood]") {
  neighborhood::state full;
  full.overall = {9, money::cents_max - 100, 1, money::cents_max};
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given_state(full).when(sale(101, 0)).then_fails_for_good("no room");
  kit.then_state([&](const neighborhood::state& now) {
    return now.overall == full.overall && now.prices.panes.empty();
  });
  // Exactly full is not too full.
  kit.when(sale(100, 0)).then_state([](const neighborhood::state& now) {
    return now.overall.total_cents == money::cents_max;
  });
}

TEST_CASE("the number of open windows is bounded, the sales in one are not",
          "[actors][neighborhood]") {
  neighborhood::state full;
  for (std::size_t i = 0; i < window_count_max; ++i)
    full.prices.panes[-static_cast<std::int64_t>(i) * length] = {1, 1, 1, 1};
  full.overall = {window_count_max, 1'200, 1, 1};
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given_state(full).when(sale(1, length)).then_fails_for_good("another 30");
  kit.when(sale(1, 0)).then_state([](const neighborhood::state& now) {
    return now.prices.panes.at(0).count == 2
           && now.prices.panes.size() == window_count_max;
  });
}

TEST_CASE("watched sales are bounded, and what that costs is counted",
          "[actors][neighborhood]") {
  recent_sales recent;
  for (std::size_t i = 0; i < recent_sales::watched_max; ++i)
    recent.add({"s", "p", 100, timestamp{i < 3 ? 0 : day}, std::nullopt},
               quiet());
  CHECK(recent.watched.size() == 2);
  CHECK(recent.unwatched == 0);
  recent.add({"s", "p", 100, timestamp{day}, std::nullopt}, quiet());
  CHECK(recent.watched.size() == 1);
  CHECK(recent.unwatched == 3);
  CHECK(recent.watched_count == recent_sales::watched_max - 2);
  // The sums are still there.
  CHECK(recent.sums.between(0, day).count == 3);
}

TEST_CASE("a sale whose baseline is gone counts and is not watched",
          "[actors][neighborhood]") {
  recent_sales recent;
  recent.forget(timestamp{90 * day + grace}, market_settings{}.grace);
  recent.add({"s", "p", 100, timestamp{90 * day}, 1'000U}, quiet());
  CHECK(recent.watched_count == 1);
  recent.add({"s", "p", 100, timestamp{90 * day - 1}, 1'000U}, quiet());
  CHECK(recent.watched_count == 1);
  CHECK(recent.unwatched == 1);
  CHECK(recent.sums.between(60 * day, 91 * day).count == 2);
  // Settled days go, also while nothing else is to be forgotten.
  recent.forget(timestamp{90 * day + grace}, market_settings{}.grace);
  CHECK(recent.watched_count == 0);
}

TEST_CASE("a sale at the beginning of time is left out",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178"};
  const std::int64_t first =
      utc_time::parse("0000-01-01T00:00:00Z").value().value().value();
  kit.given(sale(100, first + 30 * day));
  kit.when(sale(100, first + 30 * day - 1));
  kit.then_publishes<sale_left_out>(
      "market-late", "98178", [](const sale_left_out& said) {
        CHECK(said.reason.find("year 0000") != std::string::npos);
      });
}

TEST_CASE("what no sale needs any more is forgotten",
          "[actors][neighborhood]") {
  recent_sales recent;
  for (int i = 0; i < 100; ++i)
    recent.add({"s", "p", 100, timestamp{i * day}, 1'000U}, quiet());
  recent.forget(timestamp{90 * day + grace}, market_settings{}.grace);
  CHECK(recent.watched.begin()->first == 91 * day);
  CHECK(recent.prices.begin()->first == 60 * day);
  CHECK(recent.can_judge(timestamp{90 * day}));
  CHECK_FALSE(recent.can_judge(timestamp{90 * day - 1}));
  CHECK(recent.sums.between(60 * day, 90 * day).count == 30);
  CHECK(recent.watched_count == 9);
}

namespace {

/// The state of builds that kept all windows.
struct first_state {
  static constexpr std::string_view type = "NeighborhoodState";
  std::map<std::int64_t, sale_totals> windows;
  sale_totals overall;
};
BOOST_DESCRIBE_STRUCT(first_state, (), (windows, overall))

} // namespace

TEST_CASE("a state of the first version is read, its windows still open",
          "[actors][neighborhood]") {
  entity_kit<neighborhood> kit{"98178", quiet()};
  kit.given_state(first_state{{{0, {1, 100, 100, 100}}}, {1, 100, 100, 100}});
  kit.when(sale(300, 1))
      .then_schedules_at_watermark("close-windows", timestamp{length + grace},
                                   close_windows{});
  kit.watermark(after_all_time).when(close_windows{});
  kit.then_publishes("neighborhood-prices", "98178",
                     prices(0, {2, 400, 100, 300}, 200));
}
