#pragma once

#include "runtime/base/result.hpp"
#include "runtime/codec/describe.hpp"

#include <compare>
#include <cstdint>

namespace freehold::market {

/// An amount of dollars, held as integer cents. In every external form it is
/// a number of dollars with at most two decimals: `625000` or `625000.5`.
///
/// That number passes through a double, and no cent is lost on the way:
/// amounts have at most `digits` decimal digits, which is what a double keeps
/// of any decimal number. Reading compares the nearest amount with what was
/// read, so a third decimal is an error and never rounded, as far as a double
/// tells it: in any number of at most `digits` digits. Of a longer one, as
/// `1.0000000000000000001` or a third decimal beyond a trillion dollars, the
/// double is all that is seen.
class money {
public:
  /// A double keeps 15 decimal digits (`std::numeric_limits::digits10`).
  static constexpr int digits = 15;
  /// Just below ten trillion dollars; the least one is its negative.
  static constexpr std::int64_t cents_max = 999'999'999'999'999;

  constexpr money() noexcept = default;

  /// Errors: `invalid_argument` beyond `cents_max` on either side.
  [[nodiscard]] static result<money> of_cents(std::int64_t cents);
  /// The amount for whole dollars, for texts and tests.
  /// @pre within `cents_max` on either side
  [[nodiscard]] static money of_dollars(std::int64_t dollars);
  /// Errors: `invalid_argument` for more than two decimals, an amount beyond
  /// `cents_max`, and what is no number.
  [[nodiscard]] static result<money> from_number(double dollars);

  [[nodiscard]] constexpr std::int64_t cents() const noexcept { return cents_; }
  /// The double nearest to the amount in dollars.
  [[nodiscard]] double to_number() const noexcept;

  friend constexpr auto operator<=>(money, money) noexcept = default;

private:
  explicit constexpr money(std::int64_t cents) noexcept : cents_(cents) {}

  std::int64_t cents_ = 0;
};

} // namespace freehold::market

template <>
struct freehold::codec::value_codec<freehold::market::money> {
  using primitive = double;
  static double to_primitive(market::money value) noexcept {
    return value.to_number();
  }
  static result<market::money> from_primitive(double dollars) {
    return market::money::from_number(dollars);
  }
};
