// The page of the report as text: what it escapes, what it says of a market
// that is empty or has one window, and that its numbers are those it was
// given. tests/integration/report looks at it in a browser.

#include "node/html_chart.hpp"
#include "node/html_report.hpp"
#include "node/html_text.hpp"
#include "node/market_report.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace freehold;
using namespace freehold::node;

namespace {

constexpr std::int64_t window_ms = 30LL * 24 * 60 * 60 * 1000;
/// 2014-05-10, where a window starts.
constexpr std::int64_t may_ms = 1'399'680'000'000;

market::utc_time time_at(std::int64_t at) {
  return *market::utc_time::of(timestamp{at});
}

market::money cents(std::int64_t amount) {
  return *market::money::of_cents(amount);
}

market::neighborhood_prices prices_in(const std::string& zipcode, int window,
                                      std::uint64_t count,
                                      std::int64_t average) {
  const std::int64_t start = may_ms + window * window_ms;
  return {.zipcode = zipcode,
          .window_start = time_at(start),
          .window_end = time_at(start + window_ms),
          .count = count,
          .total = cents(average * static_cast<std::int64_t>(count)),
          .average = cents(average),
          .minimum = cents(average - 100),
          .maximum = cents(average + 100)};
}

void add(market_results& to, const market::neighborhood_prices& prices) {
  to.prices[{prices.zipcode, prices.window_start.value().value()}] = prices;
}

void add_trend(market_results& to, const std::string& zipcode, int window,
               std::int64_t average, std::int64_t previous,
               std::int64_t change) {
  const std::int64_t start = may_ms + window * window_ms;
  to.trends[{zipcode, start}] = {.zipcode = zipcode,
                                 .window_start = time_at(start),
                                 .window_end = time_at(start + window_ms),
                                 .count = 7,
                                 .previous_count = 5,
                                 .average = cents(average),
                                 .previous_average = cents(previous),
                                 .change = {change}};
}

market::price_verdict verdict_of(const std::string& zipcode,
                                 const std::string& property,
                                 const std::string& sale,
                                 std::int64_t deviation) {
  return {.zipcode = zipcode,
          .property_id = property,
          .sale_id = sale,
          .sold_at = time_at(may_ms + window_ms / 2),
          .actual_price = cents(307'000'000),
          .expected_price = cents(78'817'192),
          .deviation = {deviation},
          .window_start = time_at(may_ms - window_ms / 2),
          .window_end = time_at(may_ms + window_ms / 2)};
}

void add_anomaly(market_results& to, const market::price_verdict& verdict,
                 double score) {
  to.by_unit_price[verdict.sale_id] = verdict;
  to.scores[verdict.sale_id] = score;
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos;
       at = text.find(part, at + part.size()))
    ++count;
  return count;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::string page_of(const market_results& results) {
  return html_report(report_of(results));
}

} // namespace

TEST_CASE("what is escaped can neither end a quote nor begin a tag",
          "[node][report]") {
  CHECK(html::escaped("a & b < c > d \" e ' f")
        == "a &amp; b &lt; c &gt; d &quot; e &#39; f");
  CHECK(html::escaped("98103 \u00e9\t\n") == "98103 \u00e9\t\n");
  CHECK(html::escaped(std::string_view{"\0\x01\r\x1b\x7f", 5})
        == "\ufffd\ufffd\ufffd\ufffd\ufffd");
  CHECK(html::attribute("data-x", "\"><script>")
        == " data-x=\"&quot;&gt;&lt;script&gt;\"");
}

TEST_CASE("nothing from a record becomes a part of the page's own language",
          "[node][report]") {
  const std::string evil =
      "\"'></title></script><script>alert(1)</script><!--&lt;";
  market_results results;
  add(results, prices_in(evil, 0, 3, 50'000'000));
  add_anomaly(results, verdict_of(evil, evil, evil, 28'950), 29.9);
  results.by_mean["x"] = verdict_of(evil, evil, evil, 28'950);
  const std::string page = page_of(results);

  market_results tame;
  add(tame, prices_in("Z", 0, 3, 50'000'000));
  add_anomaly(tame, verdict_of("Z", "P", "S", 28'950), 29.9);
  tame.by_mean["x"] = verdict_of("Z", "P", "S", 28'950);
  const std::string like = page_of(tame);

  CHECK(contains(page, html::escaped(evil)));
  CHECK_FALSE(contains(page, "<script>alert"));
  CHECK_FALSE(contains(page, evil));
  // As many tags and quotes as with a plain name.
  for (const std::string_view mark : {"<", ">", "\"", "'"}) {
    INFO(mark);
    CHECK(count_of(page, mark) == count_of(like, mark));
  }
}

TEST_CASE("a page of an empty market says so and what to do",
          "[node][report]") {
  const std::string page = page_of({});
  CHECK(contains(page, "Nothing is published yet"));
  CHECK(contains(page, "--close-windows"));
  CHECK(contains(page, "id=\"windows\" data-value=\"0\""));
  CHECK_FALSE(contains(page, "<svg"));
  CHECK_FALSE(contains(page, "<article"));
  CHECK(contains(page, "</html>"));
}

TEST_CASE("one window alone is a point and no trend", "[node][report]") {
  market_results results;
  add(results, prices_in("98103", 0, 1, 50'000'000));
  const std::string page = page_of(results);
  CHECK(count_of(page, "<circle class=\"point\"") == 1);
  CHECK(contains(page, "no trend yet"));
  CHECK(contains(page, "1 sale, average $500,000<"));
  CHECK(contains(page, "2014-05-10 to 2014-06-08"));
  CHECK_FALSE(contains(page, "nan"));
  CHECK_FALSE(contains(page, "inf"));
}

TEST_CASE("amounts of nothing and the largest ones are drawn",
          "[node][report]") {
  market_results results;
  auto nothing = prices_in("1", 0, 1, 100);
  nothing.average = nothing.total = cents(0);
  add(results, nothing);
  add(results, prices_in("2", 0, 1, market::money::cents_max - 100));
  add(results, prices_in("2", 1, 1, market::money::cents_max - 100));
  const std::string page = page_of(results);
  CHECK(count_of(page, "<circle class=\"point\"") == 3);
  CHECK(contains(page, "$9,999,999,999,998.99"));
  CHECK_FALSE(contains(page, "nan"));
  CHECK_FALSE(contains(page, "inf"));
}

TEST_CASE("the curve has a gap where a window has no sales", "[node][report]") {
  market_results results;
  for (const int window : {0, 1, 3, 4})
    add(results, prices_in("98103", window, 2, 50'000'000 + window));
  const std::string page = page_of(results);
  const auto from = page.find("<path class=\"line\" d=\"");
  REQUIRE(from != page.npos);
  const std::string path = page.substr(from, page.find("/>", from) - from);
  CHECK(count_of(path, "M") == 2);
  CHECK(count_of(path, "L") == 2);
}

TEST_CASE("the page's numbers are those that were published",
          "[node][report]") {
  market_results results;
  add(results, prices_in("98103", 0, 5, 50'000'050));
  add(results, prices_in("98103", 1, 7, 60'000'025));
  add(results, prices_in("98004", 0, 13, 90'000'000));
  add_trend(results, "98103", 1, 60'000'025, 50'000'050, 2'000);
  add_trend(results, "all", 1, 70'000'001, 80'000'002, -1'250);
  add_anomaly(results, verdict_of("98103", "17", "s1", 28'950), 29.9);
  add_anomaly(results, verdict_of("98103", "18", "s2", -6'780), 30.5);
  results.by_mean["s1"] = verdict_of("98103", "17", "s1", 1);
  results.by_mean["s3"] = verdict_of("98004", "19", "s3", 1);
  results.left_out = 4;
  const market_report report = report_of(results);

  REQUIRE(report.neighborhoods.size() == 2);
  CHECK(report.neighborhoods[0].zipcode == "98004");
  CHECK(report.neighborhoods[1].sales == 12);
  // (5 * 50,000,050 + 7 * 60,000,025) / 12 = 55,833,368.75
  CHECK(report.neighborhoods[1].average == cents(55'833'369));
  CHECK(report.curve_count() == 2);

  const std::string page = html_report(report);
  CHECK(contains(page, "id=\"sales\" data-value=\"25\""));
  CHECK(contains(page, "id=\"windows\" data-value=\"3\""));
  CHECK(contains(page, "id=\"anomalies\" data-value=\"2\""));
  CHECK(contains(page, "id=\"by-mean\" data-value=\"2\""));
  CHECK(contains(page, "id=\"left-out\" data-value=\"4\""));
  CHECK(contains(page, "id=\"trend\" data-value=\"-1250\""));
  CHECK(contains(page, "\u221212.5\u00a0%"));
  // The whole market: the trend's window and the one before it.
  CHECK(contains(page, "data-count=\"5\" data-average-cents=\"80000002\">"));
  CHECK(contains(page, "data-count=\"7\" data-average-cents=\"70000001\" "
                       "data-change=\"-1250\">"));
  CHECK(contains(page, "data-average-cents=\"60000025\" "
                       "data-minimum-cents=\"59999925\" "
                       "data-maximum-cents=\"60000125\" data-change=\"2000\""));
  CHECK(contains(page, "$600,000.25"));
  CHECK(count_of(page, "<path class=\"mark up\"") == 1);
  CHECK(count_of(page, "<path class=\"mark down\"") == 1);
  CHECK(contains(page, "data-price-cents=\"307000000\" "
                       "data-expected-cents=\"78817192\" "
                       "data-deviation=\"28950\""));
  CHECK(contains(page, "$3,070,000.00"));
  CHECK(contains(page, "+289.5\u00a0%"));
  // The strongest one comes first in the market's list.
  CHECK(page.find("data-property=\"18\"") < page.find("data-property=\"17\""));
}

TEST_CASE("a neighborhood with an anomaly and no closed window has no curve",
          "[node][report]") {
  market_results results;
  add_anomaly(results, verdict_of("98103", "17", "s1", 28'950), 29.9);
  const market_report report = report_of(results);
  CHECK(report.neighborhoods.size() == 1);
  CHECK(report.curve_count() == 0);
  const std::string page = html_report(report);
  CHECK(contains(page, "no window is closed yet"));
  CHECK(contains(page, "data-property=\"17\""));
  CHECK_FALSE(contains(page, "<svg"));
}

TEST_CASE("tables round to whole dollars", "[node][report]") {
  CHECK(html::whole_dollars(cents(78'817'192)) == "$788,172");
  CHECK(html::whole_dollars(cents(150)) == "$2");
  CHECK(html::whole_dollars(cents(-149)) == "\u2212$1");
}

TEST_CASE("percentages are rounded to the nearest tenth", "[node][report]") {
  CHECK(html::signed_percent({163}) == "+1.6\u00a0%");
  CHECK(html::signed_percent({-34}) == "\u22120.3\u00a0%");
  CHECK(html::signed_percent({4}) == "+0.0\u00a0%");
  CHECK(html::signed_percent({1'000'000'000}) == "+10,000,000.0\u00a0%");
}

TEST_CASE("where no area is known the strongest by the average are shown",
          "[node][report]") {
  market_results results;
  add(results, prices_in("98103", 0, 20, 50'000'000));
  for (int i = 0; i < 15; ++i) {
    const std::string number = std::to_string(i);
    results.by_mean["sale" + number] =
        verdict_of("98103", "home" + number, "sale" + number,
                   (i % 2 == 0 ? 1 : -1) * (3'000 + i));
  }
  const auto strongest = results.strongest(2);
  REQUIRE(strongest.size() == 2);
  CHECK(strongest[0].property_id == "home14");
  CHECK(strongest[1].property_id == "home13");
  const market_report report = report_of(results);
  CHECK(report.anomaly_count == 0);
  CHECK(report.by_mean == 15);
  REQUIRE(report.neighborhoods.size() == 1);
  CHECK(report.neighborhoods[0].anomalies.size()
        == market_report::shown_by_mean_max);
  const std::string page = html_report(report);
  CHECK(contains(page, "Farthest off the average of 30 days in 98103"));
  CHECK(contains(page, "home5"));
  CHECK_FALSE(contains(page, "home4<"));
  CHECK_FALSE(contains(page, "Anomalies by price per square foot in"));

  add_anomaly(results, verdict_of("98103", "large", "sale-l", 4'000), 2);
  const std::string other = page_of(results);
  CHECK(contains(other, "Anomalies by price per square foot in 98103"));
  CHECK_FALSE(contains(other, "home14"));
}
