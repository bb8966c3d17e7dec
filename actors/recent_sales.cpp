#include "actors/recent_sales.hpp"

namespace freehold::market {

std::optional<verdict> judge_mean(const watched_sale& sale, const price_sum& by,
                                  const market_settings& how) noexcept {
  if (how.mean_deviation_percent == 0)
    return std::nullopt;
  return mean_verdict(sale.cents, by.count, by.total_cents, how.mean_sales_min,
                      how.mean_deviation_percent);
}

std::optional<verdict> judge_unit_price(const watched_sale& sale,
                                        const std::optional<price_level>& by,
                                        const market_settings& how) noexcept {
  if (how.unit_price_yardsticks == 0 || !sale.living_area_sqft || !by)
    return std::nullopt;
  return unit_price_verdict(sale.cents, *sale.living_area_sqft, *by,
                            how.unit_price_sales_min,
                            how.unit_price_yardsticks);
}

std::vector<std::int64_t>
recent_sales::prices_before(std::int64_t start) const {
  std::vector<std::int64_t> all;
  const auto end = prices.lower_bound(start);
  for (auto it = prices.lower_bound(start - baseline.count()); it != end; ++it)
    for (const priced_sale& each : it->second)
      all.push_back(each.cents);
  return all;
}

std::vector<std::int64_t>
recent_sales::unit_prices_before(std::int64_t start) const {
  std::vector<std::int64_t> all;
  const auto end = prices.lower_bound(start);
  for (auto it = prices.lower_bound(start - baseline.count()); it != end; ++it)
    for (const priced_sale& each : it->second)
      if (each.unit_price != 0)
        all.push_back(each.unit_price);
  return all;
}

std::optional<timestamp>
recent_sales::timer_after(timestamp watermark,
                          std::chrono::milliseconds grace) const noexcept {
  const auto next = watched.upper_bound(settled_to(watermark, grace));
  if (next == watched.end())
    return std::nullopt;
  return due_of(timestamp{next->first}, grace);
}

void recent_sales::add(const watched_sale& sale,
                       const market_settings& how) noexcept {
  for_each_flip(*this, sale, how, [](watched_sale& other, const verdict& said) {
    other.by_mean = {said.sales, said.flagged};
  });
  const std::int64_t on = day_of(sale.sold_at);
  sums.add(day, sale.sold_at, {1, sale.cents});
  prices[on].push_back({sale.cents, sale.living_area_sqft ? unit_price(
                                        sale.cents, *sale.living_area_sqft)
                                                          : 0});
  if (!can_judge(sale.sold_at)) {
    ++unwatched; // it came through an idle source, long after its day
    return;
  }
  watched[on].push_back(sale);
  if (++watched_count > watched_max) {
    const std::uint64_t before = watched_count;
    unwatch_to(watched.begin()->first);
    unwatched += before - watched_count;
  }
}

void recent_sales::forget(timestamp watermark,
                          std::chrono::milliseconds grace) noexcept {
  if (watermark == before_all_time || watermark == after_all_time)
    return;
  // What still comes is of this day or later, and its baseline before it. It
  // changes the verdicts of later days only.
  const std::int64_t first = settled_to(watermark, grace);
  const std::int64_t keep = first - baseline.count();
  unwatch_to(first);
  if (keep <= kept_from)
    return;
  kept_from = keep;
  sums.forget(keep);
  prices.erase(prices.begin(), prices.lower_bound(keep));
}

void recent_sales::settle_all(const market_settings& how) noexcept {
  for (auto& [start, sales] : watched) {
    const price_sum sum = sum_before(start);
    const auto level =
        how.unit_price_yardsticks > 0 ? level_before(start) : std::nullopt;
    for (watched_sale& each : sales) {
      each.by_mean = said_word::of(judge_mean(each, sum, how));
      each.by_unit_price = said_word::of(judge_unit_price(each, level, how));
      each.is_settled = true;
    }
  }
}

void recent_sales::unwatch_to(std::int64_t last_day) noexcept {
  const auto end = watched.upper_bound(last_day);
  for (auto it = watched.begin(); it != end; ++it)
    watched_count -= it->second.size();
  watched.erase(watched.begin(), end);
}

} // namespace freehold::market
