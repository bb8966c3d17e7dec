#include "actors/messages/money.hpp"

#include "runtime/base/assert.hpp"

#include <cmath>
#include <limits>

namespace freehold::market {

static_assert(std::numeric_limits<double>::digits10 >= money::digits);
// More digits would not survive the way through a double.
static_assert(money::cents_max < 1'000'000'000'000'000);

result<money> money::of_cents(std::int64_t cents) {
  if (cents > cents_max || cents < -cents_max)
    return error{errc::invalid_argument, "an amount below ten trillion dollars"
                                         " is expected"};
  return money{cents};
}

money money::of_dollars(std::int64_t dollars) {
  FREEHOLD_ASSERT(dollars <= cents_max / 100 && dollars >= -cents_max / 100,
                  "an amount beyond ten trillion dollars");
  return money{dollars * 100};
}

result<money> money::from_number(double dollars) {
  // Also false for NaN, so that the conversion below is defined.
  const double bound = static_cast<double>(cents_max) / 100;
  if (!(std::fabs(dollars) <= bound))
    return error{errc::invalid_argument, "an amount below ten trillion dollars"
                                         " is expected"};
  const money nearest{std::llround(dollars * 100)};
  if (nearest.to_number() != dollars)
    return error{errc::invalid_argument,
                 "dollars with at most two decimals are expected"};
  return nearest;
}

double money::to_number() const noexcept {
  // Both sides are exact, so the quotient is the double nearest to the amount.
  return static_cast<double>(cents_) / 100;
}

} // namespace freehold::market
