#include "actors/market_formulas.hpp"

#include "actors/messages/money.hpp"

#include <algorithm>
#include <cstdlib>

namespace freehold::market {

namespace {

constexpr std::int64_t area_added_sqft = 1'000;
constexpr std::uint64_t level_sales_min = 5;
/// In ten-thousandths.
constexpr std::int64_t typical_spread = 1'200;

int128 magnitude(int128 number) noexcept {
  return number < 0 ? -number : number;
}

/// @pre not empty, in order
std::int64_t median_of(const std::vector<std::int64_t>& values) noexcept {
  const std::size_t half = values.size() / 2;
  if (values.size() % 2 == 1)
    return values[half];
  return divided(int128{values[half - 1]} + values[half], 2);
}

/// How much dearer the dearer of two unit prices is: the same for double and
/// for half. They are at most 10^14, so 64 bits are enough.
std::int64_t distance(std::int64_t one, std::int64_t other) noexcept {
  static_assert(money::cents_max * 100 / area_added_sqft
                <= 100'000'000'000'000);
  const auto apart = static_cast<std::uint64_t>(std::abs(one - other));
  const auto by = static_cast<std::uint64_t>(std::min(one, other));
  const std::uint64_t rounded = (2 * 10'000 * apart + by) / (2 * by);
  return std::min(static_cast<std::int64_t>(rounded), ratio::most);
}

} // namespace

std::int64_t divided(int128 number, int128 by) noexcept {
  const int128 quotient = (2 * magnitude(number) + by) / (2 * by);
  return static_cast<std::int64_t>(number < 0 ? -quotient : quotient);
}

ratio ratio_of(int128 number, int128 of) noexcept {
  // Cut before the division: its result has 64 bits.
  const int128 most = ratio::most;
  if (magnitude(number) * 10'000 >= most * of)
    return {number < 0 ? -ratio::most : ratio::most};
  return {divided(number * 10'000, of)};
}

ratio change_of(std::int64_t total, std::uint64_t count,
                std::int64_t total_before,
                std::uint64_t count_before) noexcept {
  const int128 before = int128{total_before} * count;
  return ratio_of(int128{total} * count_before - before, before);
}

std::optional<verdict> mean_verdict(std::int64_t cents, std::uint64_t count,
                                    std::int64_t total, std::uint32_t sales_min,
                                    std::uint32_t percent) noexcept {
  if (count < sales_min)
    return std::nullopt;
  const int128 apart = int128{cents} * count - total;
  return verdict{count, divided(total, count), ratio_of(apart, total), 0,
                 magnitude(apart) * 100 > int128{total} * percent};
}

std::int64_t unit_price(std::int64_t cents, std::uint32_t sqft) noexcept {
  return std::max<std::int64_t>(
      1, divided(int128{cents} * 100, sqft + area_added_sqft));
}

std::int64_t price_at(std::int64_t unit, std::uint32_t sqft) noexcept {
  const int128 hundredths = int128{unit} * (sqft + area_added_sqft);
  if (hundredths > int128{money::cents_max} * 100)
    return money::cents_max;
  return divided(hundredths, 100);
}

std::optional<price_level> level_of(std::vector<std::int64_t> unit_prices) {
  if (unit_prices.size() < level_sales_min)
    return std::nullopt;
  std::sort(unit_prices.begin(), unit_prices.end());
  const std::size_t tenth = (unit_prices.size() - 1) / 10;
  price_level level{unit_prices.size(), median_of(unit_prices), 0,
                    unit_prices[tenth],
                    unit_prices[unit_prices.size() - 1 - tenth]};
  for (std::int64_t& each : unit_prices)
    each = distance(each, level.median);
  std::sort(unit_prices.begin(), unit_prices.end());
  level.spread = median_of(unit_prices);
  return level;
}

std::optional<verdict> unit_price_verdict(std::int64_t cents,
                                          std::uint32_t sqft,
                                          const price_level& level,
                                          std::uint32_t sales_min,
                                          std::uint32_t yardsticks) noexcept {
  if (level.sales < sales_min)
    return std::nullopt;
  const std::int64_t unit = unit_price(cents, sqft);
  const std::int64_t apart = distance(unit, level.median);
  // Twice the yardstick: halfway between the spread here and a typical one.
  const std::int64_t doubled = level.spread + typical_spread;
  return verdict{level.sales, price_at(level.median, sqft),
                 ratio_of(int128{unit} - level.median, level.median),
                 divided(int128{apart} * 200, doubled),
                 2 * apart > std::int64_t{yardsticks} * doubled};
}

std::optional<home_value>
value_of(std::optional<std::uint32_t> sqft, const price_level& level,
         const std::optional<earlier_sale>& last) noexcept {
  const auto scaled = [](std::int64_t cents, std::int64_t by,
                         std::int64_t of) -> std::int64_t {
    const int128 product = int128{cents} * by;
    return product >= int128{money::cents_max} * of ? money::cents_max
                                                    : divided(product, of);
  };
  std::optional<std::int64_t> by_area;
  if (sqft)
    by_area = price_at(level.median, *sqft);
  std::optional<std::int64_t> moved;
  if (last)
    moved = scaled(last->cents, level.median, last->median_then);
  if (!by_area && !moved)
    return std::nullopt;
  home_value value;
  value.estimate_cents = std::max(by_area.value_or(0), moved.value_or(0));
  value.by_own_sale = value.estimate_cents != by_area;
  value.low_cents = scaled(value.estimate_cents, level.low, level.median);
  if (moved)
    value.low_cents = std::min(value.low_cents, *moved);
  value.high_cents = scaled(value.estimate_cents, level.high, level.median);
  return value;
}

ratio rank_of(std::int64_t value,
              const std::vector<std::int64_t>& others) noexcept {
  std::int64_t halves = 0;
  for (const std::int64_t each : others)
    halves += each < value ? 2 : each == value ? 1 : 0;
  return {divided(int128{10'000} * halves,
                  2 * static_cast<std::int64_t>(others.size()))};
}

} // namespace freehold::market
