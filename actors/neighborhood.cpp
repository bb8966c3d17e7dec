#include "actors/neighborhood.hpp"

#include "runtime/entity/effects.hpp"

#include <algorithm>

namespace freehold::market {

namespace {

/// @pre `total_cents` has room; `handle` has looked.
void add(sale_totals& to, std::int64_t cents) noexcept {
  to.minimum_cents = to.count == 0 ? cents : std::min(to.minimum_cents, cents);
  to.maximum_cents = std::max(to.maximum_cents, cents);
  to.total_cents += cents;
  ++to.count;
}

} // namespace

timestamp neighborhood::window_start(timestamp at) noexcept {
  const std::int64_t length = window_length.count();
  // The remainder of a negative number is negative: shift it to the floor.
  const std::int64_t into = (at.value() % length + length) % length;
  return timestamp{at.value() - into};
}

void neighborhood::handle(const state& now, const sale_recorded& sale,
                          context<neighborhood>& ctx) {
  const std::int64_t cents = sale.price.cents();
  if (cents <= 0)
    return ctx.reject("the price of a sale must be above zero");
  // A window's total is never above the one of all, as prices are positive.
  std::int64_t total = 0;
  if (__builtin_add_overflow(now.overall.total_cents, cents, &total))
    throw permanent_failure{"the total of all sales has no room for another"};
  if (now.windows.size() >= window_count_max
      && !now.windows.contains(window_start(sale.sold_at.value()).value()))
    throw permanent_failure{"no room for sales of another 30 days"};
  ctx.emit(sale);
}

void neighborhood::apply(state& now, const sale_recorded& sale) noexcept {
  add(now.windows[window_start(sale.sold_at.value()).value()],
      sale.price.cents());
  add(now.overall, sale.price.cents());
}

} // namespace freehold::market
