#pragma once

#include "actors/messages/analytics_messages.hpp"
#include "actors/sale_totals.hpp"
#include "runtime/analytics/windows.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace freehold::market {

inline constexpr std::string_view prices_topic = "neighborhood-prices";
inline constexpr std::string_view trends_topic = "market-trends";
inline constexpr std::string_view alerts_topic = "price-anomaly-alerts";
inline constexpr std::string_view values_topic = "property-valuations";
inline constexpr std::string_view analyses_topic = "price-analyses";
inline constexpr std::string_view late_topic = "market-late";

/// The timer by which whoever has windows closes them.
inline constexpr std::string_view closing_timer = "close-windows";

/// Windows of one entity that are open, or closed and still to be corrected:
/// just under a century. A sale that would open one more is a failure: some
/// clock is broken, or a partition has not moved for that long.
inline constexpr std::size_t window_count_max = 1'200;

using price_windows = analytics::windows<sale_totals>;

/// Throws `permanent_failure` where a sale has no room: beyond
/// `window_count_max`, or beyond what sums can hold. A window's total is never
/// above the one of all, as prices are positive.
void must_have_room(const price_windows& windows, const sale_totals& overall,
                    std::int64_t cents, timestamp at,
                    const analytics::window_shape& shape);

/// The event by which windows close.
struct windows_closed {
  static constexpr std::string_view type = "WindowsClosed";
  timestamp watermark;
  std::int64_t grace_ms = 0;
};
BOOST_DESCRIBE_STRUCT(windows_closed, (), (watermark, grace_ms))

/// A time as messages write it. Throws `permanent_failure` outside the years
/// 0000 to 9999.
[[nodiscard]] utc_time written(timestamp at);

/// Whether the 30 days before a time can be written, too: what is said of a
/// sale names them.
[[nodiscard]] bool is_in_written_time(timestamp at) noexcept;

/// An amount of money that sums were made of.
/// @pre within `money::cents_max`, which every sum is checked against
[[nodiscard]] money amount(std::int64_t cents);

/// The window just before.
[[nodiscard]] analytics::event_window
before(const analytics::event_window& which) noexcept;
/// The window just behind.
[[nodiscard]] analytics::event_window
behind(const analytics::event_window& which) noexcept;

[[nodiscard]] neighborhood_prices
prices_of(std::string_view zipcode, const analytics::event_window& which,
          const sale_totals& sums, bool correction);

/// None where the window before has no sales.
[[nodiscard]] std::optional<market_trend>
trend_of(std::string_view zipcode, const analytics::event_window& which,
         const sale_totals& sums, const sale_totals& sums_before,
         bool correction);

/// The trends that change with a window's sums: its own, and that of the
/// window behind it, if that one is closed.
template <class Publish>
void for_each_corrected_trend(std::string_view zipcode,
                              const price_windows& windows,
                              const analytics::event_window& which,
                              const sale_totals& sums, Publish&& publish) {
  if (const auto own =
          trend_of(zipcode, which, sums, windows.sum_of(before(which)), true))
    publish(*own);
  const analytics::event_window next = behind(which);
  if (next.end.value() > windows.closed_to)
    return;
  const sale_totals sums_next = windows.sum_of(next);
  if (sums_next.count == 0)
    return;
  if (const auto changed = trend_of(zipcode, next, sums_next, sums, true))
    publish(*changed);
}

} // namespace freehold::market
