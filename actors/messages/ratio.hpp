#pragma once

#include "runtime/base/result.hpp"
#include "runtime/codec/describe.hpp"

#include <cmath>
#include <compare>
#include <cstdint>

namespace freehold::market {

/// How much one amount is of another, in ten-thousandths: `2500` is a quarter,
/// written as `0.25` in every external form.
struct ratio {
  /// A hundred thousand times; what is beyond is cut to it.
  static constexpr std::int64_t most = 1'000'000'000;

  std::int64_t ten_thousandths = 0;

  friend constexpr auto operator<=>(ratio, ratio) noexcept = default;
};

} // namespace freehold::market

template <>
struct freehold::codec::value_codec<freehold::market::ratio> {
  using primitive = double;
  static double to_primitive(market::ratio value) noexcept {
    return static_cast<double>(value.ten_thousandths) / 10'000.0;
  }
  static result<market::ratio> from_primitive(double value) {
    const double scaled = std::nearbyint(value * 10'000.0);
    if (!(std::abs(scaled) <= static_cast<double>(market::ratio::most)))
      return error{errc::invalid_argument,
                   "a ratio within 100,000 on either side is expected"};
    return market::ratio{static_cast<std::int64_t>(scaled)};
  }
};
