#include "actors/window_results.hpp"

#include "actors/market_formulas.hpp"
#include "actors/recent_sales.hpp"
#include "runtime/entity/effects.hpp"

namespace freehold::market {

namespace {

money average_of(const sale_totals& sums) {
  return amount(divided(sums.total_cents, int128{sums.count}));
}

} // namespace

void must_have_room(const price_windows& windows, const sale_totals& overall,
                    std::int64_t cents, timestamp at,
                    const analytics::window_shape& shape) {
  if (cents > money::cents_max - overall.total_cents)
    throw permanent_failure{"the total of all sales has no room for another"};
  if (windows.panes.size() >= window_count_max
      && !windows.panes.contains(analytics::floor_to(at.value(), shape.pane())))
    throw permanent_failure{"no room for sales of another 30 days"};
}

utc_time written(timestamp at) {
  const auto time = utc_time::of(at);
  if (!time)
    throw permanent_failure{time.error().context};
  return *time;
}

bool is_in_written_time(timestamp at) noexcept {
  const std::int64_t day = analytics::floor_to(at.value(), recent_sales::day);
  return utc_time::of(timestamp{day - recent_sales::baseline.count()})
      .has_value();
}

money amount(std::int64_t cents) { return money::of_cents(cents).value(); }

analytics::event_window before(const analytics::event_window& which) noexcept {
  const std::int64_t length = which.end.value() - which.start.value();
  return {timestamp{which.start.value() - length}, which.start};
}

analytics::event_window behind(const analytics::event_window& which) noexcept {
  const std::int64_t length = which.end.value() - which.start.value();
  return {which.end, timestamp{which.end.value() + length}};
}

neighborhood_prices prices_of(std::string_view zipcode,
                              const analytics::event_window& which,
                              const sale_totals& sums, bool correction) {
  return {.zipcode = std::string{zipcode},
          .window_start = written(which.start),
          .window_end = written(which.end),
          .count = sums.count,
          .total = amount(sums.total_cents),
          .average = average_of(sums),
          .minimum = amount(sums.minimum_cents),
          .maximum = amount(sums.maximum_cents),
          .correction = correction};
}

std::optional<market_trend> trend_of(std::string_view zipcode,
                                     const analytics::event_window& which,
                                     const sale_totals& sums,
                                     const sale_totals& sums_before,
                                     bool correction) {
  if (sums_before.count == 0)
    return std::nullopt;
  return market_trend{.zipcode = std::string{zipcode},
                      .window_start = written(which.start),
                      .window_end = written(which.end),
                      .count = sums.count,
                      .previous_count = sums_before.count,
                      .average = average_of(sums),
                      .previous_average = average_of(sums_before),
                      .change =
                          change_of(sums.total_cents, sums.count,
                                    sums_before.total_cents, sums_before.count),
                      .correction = correction};
}

} // namespace freehold::market
