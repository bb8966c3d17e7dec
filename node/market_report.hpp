#pragma once

#include "actors/messages/analytics_messages.hpp"
#include "node/market_results.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace freehold::node {

/// One window of 30 days as a report shows it.
struct report_window {
  market::utc_time start;
  market::utc_time end;
  std::uint64_t count = 0;
  market::money average;
  /// Published of neighborhoods only.
  std::optional<market::money> minimum;
  std::optional<market::money> maximum;
  /// Against the window just before, if that one has sales.
  std::optional<market::ratio> change;
};

/// A sale that is an anomaly by the second rule, or by the first where none
/// is by the second.
struct report_anomaly {
  market::price_verdict verdict;
  /// In yardsticks, or in ten-thousandths of the average.
  double score = 0;

  [[nodiscard]] bool above() const noexcept {
    return verdict.deviation.ten_thousandths >= 0;
  }
};

struct report_neighborhood {
  std::string zipcode;
  /// In its windows.
  std::uint64_t sales = 0;
  market::money average;
  /// In order of time.
  std::vector<report_window> windows;
  std::vector<report_anomaly> anomalies;
  /// How many sales are anomalies by the first rule.
  std::uint64_t by_mean = 0;
};

/// What the analytics have published, put together for a reader.
struct market_report {
  /// By the first rule about half of all sales are anomalies: more of a
  /// neighborhood's strongest would hide them.
  static constexpr std::size_t shown_by_mean_max = 10;

  /// The most sales first, then by ZIP code. One without a closed window is
  /// here if it has an anomaly.
  std::vector<report_neighborhood> neighborhoods;
  /// The whole market's windows that a trend speaks of, in order of time.
  std::vector<report_window> windows;
  std::uint64_t sales = 0;
  std::uint64_t window_count = 0;
  /// By the second rule.
  std::uint64_t anomaly_count = 0;
  std::uint64_t by_mean = 0;
  /// No sale is an anomaly by the second rule, as where no area is known: each
  /// neighborhood has its strongest by the first.
  bool shows_by_mean = false;
  /// Sales that count nowhere.
  std::uint64_t left_out = 0;

  /// A curve is drawn of every neighborhood with a window.
  [[nodiscard]] std::size_t curve_count() const noexcept;
};

[[nodiscard]] market_report report_of(const market_results& results);

} // namespace freehold::node
