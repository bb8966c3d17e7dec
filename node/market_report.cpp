#include "node/market_report.hpp"

#include "actors/market_formulas.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

namespace freehold::node {

namespace {

/// The key under which trends of the whole market are published.
constexpr const char* whole_market = "all";

/// The mean of all windows' sales, from their sums.
market::money mean_of(market::int128 total_cents, std::uint64_t count) {
  if (count == 0)
    return {};
  const auto mean =
      market::money::of_cents(market::divided(total_cents, count));
  return mean ? *mean : market::money{};
}

std::vector<report_window> whole_market_windows(const market_results& from) {
  std::map<std::int64_t, report_window> windows;
  for (const auto& [key, trend] : from.trends) {
    if (key.first != whole_market)
      continue;
    // Of the first window nothing but this is published.
    const std::int64_t length = trend.window_end.value().value() - key.second;
    const auto start =
        market::utc_time::of(timestamp{key.second - std::max(length, {})});
    if (start)
      windows.try_emplace(start->value().value(),
                          report_window{*start,
                                        trend.window_start,
                                        trend.previous_count,
                                        trend.previous_average,
                                        {},
                                        {},
                                        {}});
    windows.insert_or_assign(key.second, report_window{trend.window_start,
                                                       trend.window_end,
                                                       trend.count,
                                                       trend.average,
                                                       {},
                                                       {},
                                                       trend.change});
  }
  std::vector<report_window> in_order;
  for (const auto& [start, window] : windows)
    in_order.push_back(window);
  return in_order;
}

using neighborhood_map = std::map<std::string, report_neighborhood>;

void add_windows(neighborhood_map& into, const market_results& from) {
  std::map<std::string, market::int128> totals;
  for (const auto& [key, prices] : from.prices) {
    report_neighborhood& where = into[key.first];
    const auto trend = from.trends.find(key);
    where.windows.push_back(
        {prices.window_start, prices.window_end, prices.count, prices.average,
         prices.minimum, prices.maximum,
         trend == from.trends.end() ? std::nullopt
                                    : std::optional{trend->second.change}});
    where.sales += prices.count;
    totals[key.first] += prices.total.cents();
  }
  for (const auto& [zipcode, total] : totals) {
    report_neighborhood& where = into[zipcode];
    where.average = mean_of(total, where.sales);
  }
}

void add_anomalies(neighborhood_map& into, const market_results& from) {
  for (const auto& [sale, verdict] : from.by_unit_price) {
    const auto score = from.scores.find(sale);
    into[verdict.zipcode].anomalies.push_back(
        {verdict, score == from.scores.end() ? 0 : score->second});
  }
  for (const auto& [sale, verdict] : from.by_mean)
    ++into[verdict.zipcode].by_mean;
}

void add_strongest_by_mean(neighborhood_map& into, const market_results& from) {
  for (const auto& verdict : from.strongest(from.by_mean.size())) {
    auto& shown = into[verdict.zipcode].anomalies;
    if (shown.size() < market_report::shown_by_mean_max)
      shown.push_back({verdict, static_cast<double>(std::abs(
                                    verdict.deviation.ten_thousandths))});
  }
}

} // namespace

std::size_t market_report::curve_count() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(neighborhoods.begin(), neighborhoods.end(),
                    [](const auto& each) { return !each.windows.empty(); }));
}

market_report report_of(const market_results& results) {
  neighborhood_map by_zipcode;
  add_windows(by_zipcode, results);
  add_anomalies(by_zipcode, results);
  market_report report;
  report.shows_by_mean =
      results.by_unit_price.empty() && !results.by_mean.empty();
  if (report.shows_by_mean)
    add_strongest_by_mean(by_zipcode, results);
  for (auto& [zipcode, each] : by_zipcode) {
    each.zipcode = zipcode;
    std::sort(each.anomalies.begin(), each.anomalies.end(),
              [](const auto& one, const auto& other) {
                return std::tie(one.verdict.sold_at, one.verdict.sale_id)
                       < std::tie(other.verdict.sold_at, other.verdict.sale_id);
              });
    report.sales += each.sales;
    report.window_count += each.windows.size();
    report.by_mean += each.by_mean;
    report.neighborhoods.push_back(std::move(each));
  }
  std::sort(report.neighborhoods.begin(), report.neighborhoods.end(),
            [](const auto& one, const auto& other) {
              return std::tie(other.sales, one.zipcode)
                     < std::tie(one.sales, other.zipcode);
            });
  report.windows = whole_market_windows(results);
  report.anomaly_count = results.by_unit_price.size();
  report.left_out = results.left_out;
  return report;
}

} // namespace freehold::node
