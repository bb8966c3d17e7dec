#include "actors/recent_sales.hpp"

namespace freehold::market {

sale_verdicts recent_sales::judge(const watched_sale& sale,
                                  const market_settings& how,
                                  const watched_sale* more) const {
  const std::int64_t to = day_of(sale.sold_at);
  const std::int64_t from = to - baseline.count();
  const bool has_more = more != nullptr && day_of(more->sold_at) >= from
                        && day_of(more->sold_at) < to;
  sale_verdicts found;
  if (how.mean_deviation_percent > 0) {
    price_sum sum = sums.between(from, to);
    if (has_more)
      sum.merge({1, more->cents});
    found.mean = mean_verdict(sale.cents, sum.count, sum.total_cents,
                              how.mean_sales_min, how.mean_deviation_percent);
  }
  if (how.unit_price_yardsticks > 0 && sale.living_area_sqft) {
    std::vector<std::int64_t> all;
    const auto end = unit_prices.lower_bound(to);
    for (auto it = unit_prices.lower_bound(from); it != end; ++it)
      all.insert(all.end(), it->second.begin(), it->second.end());
    if (has_more && more->living_area_sqft)
      all.push_back(unit_price(more->cents, *more->living_area_sqft));
    if (const auto level = level_of(std::move(all)))
      found.unit_price = unit_price_verdict(sale.cents, *sale.living_area_sqft,
                                            *level, how.unit_price_sales_min,
                                            how.unit_price_yardsticks);
  }
  return found;
}

void recent_sales::add(const watched_sale& sale) noexcept {
  const std::int64_t on = day_of(sale.sold_at);
  sums.add(day, sale.sold_at, {1, sale.cents});
  if (sale.living_area_sqft)
    unit_prices[on].push_back(unit_price(sale.cents, *sale.living_area_sqft));
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
  const std::int64_t first =
      analytics::floor_to(watermark.value() - grace.count(), day);
  const std::int64_t keep = first - baseline.count();
  if (keep <= kept_from)
    return;
  kept_from = keep;
  unwatch_to(first);
  sums.forget(keep);
  unit_prices.erase(unit_prices.begin(), unit_prices.lower_bound(keep));
}

void recent_sales::unwatch_to(std::int64_t last_day) noexcept {
  const auto end = watched.upper_bound(last_day);
  for (auto it = watched.begin(); it != end; ++it)
    watched_count -= it->second.size();
  watched.erase(watched.begin(), end);
}

} // namespace freehold::market
