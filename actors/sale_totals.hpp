#pragma once

#include "runtime/codec/describe.hpp"

#include <algorithm>
#include <cstdint>

namespace freehold::market {

/// Sums over a set of sales. Integer cents, so that any order of addition
/// gives the same.
struct sale_totals {
  std::uint64_t count = 0;
  std::int64_t total_cents = 0;
  /// Both 0 while `count` is.
  std::int64_t minimum_cents = 0;
  std::int64_t maximum_cents = 0;

  [[nodiscard]] static sale_totals of(std::int64_t cents) noexcept {
    return {1, cents, cents, cents};
  }
  /// @pre `total_cents` has room
  void merge(const sale_totals& more) noexcept {
    if (more.count == 0)
      return;
    minimum_cents = count == 0 ? more.minimum_cents
                               : std::min(minimum_cents, more.minimum_cents);
    maximum_cents = count == 0 ? more.maximum_cents
                               : std::max(maximum_cents, more.maximum_cents);
    total_cents += more.total_cents;
    count += more.count;
  }

  friend bool operator==(const sale_totals&, const sale_totals&) = default;
};
BOOST_DESCRIBE_STRUCT(sale_totals, (),
                      (count, total_cents, minimum_cents, maximum_cents))

} // namespace freehold::market
