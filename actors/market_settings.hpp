#pragma once

#include "runtime/analytics/event_window.hpp"
#include "runtime/codec/describe.hpp"

#include <chrono>
#include <cstdint>

namespace freehold::market {

/// What the market's analytics can be told. docs/guides/market-formulas.md has
/// the rules and how the defaults were chosen.
struct market_settings {
  /// How far behind its source's latest a sale may lie and still count.
  std::chrono::milliseconds grace = std::chrono::days{7};
  /// A sale further ahead of the node's clock does not count.
  std::chrono::milliseconds ahead_max = std::chrono::days{1};
  /// A source partition that is empty for so long does not hold results up.
  std::chrono::milliseconds idle_after = std::chrono::seconds{5};

  /// The first rule: off by more than so many percent of the average of at
  /// least so many sales. 0 switches it off.
  std::uint32_t mean_deviation_percent = 20;
  std::uint32_t mean_sales_min = 5;

  /// The second rule: off by more than so many yardsticks of the level of at
  /// least so many sales. 0 switches it off.
  std::uint32_t unit_price_yardsticks = 7;
  std::uint32_t unit_price_sales_min = 8;

  /// Off: windows and trends only, no anomalies, valuations and analyses.
  bool watches_sales = true;

  /// The windows of prices and trends. After closing they can be corrected for
  /// another two: of the last one the next trend speaks.
  [[nodiscard]] constexpr analytics::window_shape windows() const noexcept {
    return analytics::window_shape::tumbling(window_length, grace,
                                             2 * window_length);
  }

  static constexpr std::chrono::milliseconds window_length =
      std::chrono::days{30};
};

/// The settings as events keep them: what happened does not change with the
/// configuration.
struct judged_by {
  std::int64_t grace_ms = 0;
  std::uint32_t mean_deviation_percent = 0;
  std::uint32_t mean_sales_min = 0;
  std::uint32_t unit_price_yardsticks = 0;
  std::uint32_t unit_price_sales_min = 0;
  bool watches_sales = true;

  [[nodiscard]] static judged_by of(const market_settings& how) noexcept {
    return {how.grace.count(),        how.mean_deviation_percent,
            how.mean_sales_min,       how.unit_price_yardsticks,
            how.unit_price_sales_min, how.watches_sales};
  }
  [[nodiscard]] market_settings settings() const noexcept {
    return {.grace = std::chrono::milliseconds{grace_ms},
            .mean_deviation_percent = mean_deviation_percent,
            .mean_sales_min = mean_sales_min,
            .unit_price_yardsticks = unit_price_yardsticks,
            .unit_price_sales_min = unit_price_sales_min,
            .watches_sales = watches_sales};
  }
};
BOOST_DESCRIBE_STRUCT(judged_by, (),
                      (grace_ms, mean_deviation_percent, mean_sales_min,
                       unit_price_yardsticks, unit_price_sales_min,
                       watches_sales))

} // namespace freehold::market
