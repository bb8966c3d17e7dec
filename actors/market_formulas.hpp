#pragma once

#include "actors/messages/ratio.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// The market's formulas in whole numbers, one function for each; they are
/// defined, with their reasons, in docs/guides/market-formulas.md, and
/// tests/reference/market_formulas.py computes the same. Amounts are cents;
/// intermediate results have 128 bits.
namespace freehold::market {

__extension__ typedef __int128 int128;

/// Rounded to the nearest, a half away from zero. @pre `by` is above zero
[[nodiscard]] std::int64_t divided(int128 number, int128 by) noexcept;

/// `number` of `of`, cut to `ratio::most`. @pre `of` is above zero
[[nodiscard]] ratio ratio_of(int128 number, int128 of) noexcept;

/// How far an average is from the one before it. @pre both have sales
[[nodiscard]] ratio change_of(std::int64_t total, std::uint64_t count,
                              std::int64_t total_before,
                              std::uint64_t count_before) noexcept;

/// What a rule says of one sale.
struct verdict {
  std::uint64_t sales = 0;
  std::int64_t expected_cents = 0;
  ratio deviation;
  /// In hundredths of the rule's yardstick; 0 where it has none.
  std::int64_t score = 0;
  bool flagged = false;

  friend bool operator==(const verdict&, const verdict&) = default;
};

/// The first rule, over a baseline's count and total; none for a baseline
/// below `sales_min`. @pre `sales_min` is above zero
[[nodiscard]] std::optional<verdict>
mean_verdict(std::int64_t cents, std::uint64_t count, std::int64_t total,
             std::uint32_t sales_min, std::uint32_t percent) noexcept;

/// Hundredths of a cent per square foot, 1,000 square feet added.
[[nodiscard]] std::int64_t unit_price(std::int64_t cents,
                                      std::uint32_t sqft) noexcept;
/// The price that makes a unit price.
[[nodiscard]] std::int64_t price_at(std::int64_t unit,
                                    std::uint32_t sqft) noexcept;

/// The level of a neighborhood's unit prices.
struct price_level {
  std::uint64_t sales = 0;
  std::int64_t median = 0;
  /// The median distance from it, in ten-thousandths.
  std::int64_t spread = 0;
  /// They enclose the middle four fifths.
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// None for fewer than five.
[[nodiscard]] std::optional<price_level>
level_of(std::vector<std::int64_t> unit_prices);

/// The second rule; none for a level of fewer than `sales_min`.
[[nodiscard]] std::optional<verdict>
unit_price_verdict(std::int64_t cents, std::uint32_t sqft,
                   const price_level& level, std::uint32_t sales_min,
                   std::uint32_t yardsticks) noexcept;

/// What a home is worth.
struct home_value {
  std::int64_t estimate_cents = 0;
  std::int64_t low_cents = 0;
  std::int64_t high_cents = 0;
  /// It rests on the home's own last sale, not on its area.
  bool by_own_sale = false;

  friend bool operator==(const home_value&, const home_value&) = default;
};

/// A home's own last sale, and the level's median on the day of it.
struct earlier_sale {
  std::int64_t cents = 0;
  std::int64_t median_then = 0;
};

/// The higher of its area at the level and its own last price moved with the
/// level; none where neither is known.
[[nodiscard]] std::optional<home_value>
value_of(std::optional<std::uint32_t> sqft, const price_level& level,
         const std::optional<earlier_sale>& last) noexcept;

/// The share of `others` below a value, in ten-thousandths; equal ones count
/// half. @pre `others` is not empty
[[nodiscard]] ratio rank_of(std::int64_t value,
                            const std::vector<std::int64_t>& others) noexcept;

} // namespace freehold::market
