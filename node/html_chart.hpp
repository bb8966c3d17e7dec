#pragma once

#include "node/market_report.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::node::html {

/// From when to when a chart goes, in milliseconds since 1970. Charts that
/// are to be compared have the same.
struct time_span {
  std::int64_t start = 0;
  std::int64_t end = 1;
};

/// Every window and anomaly of the report, at least a day.
[[nodiscard]] time_span span_of(const market_report& report);

struct price_chart {
  /// Unique in the page; letters and digits.
  std::string id;
  /// What a screen reader says of it; not escaped yet.
  std::string title;
  std::string description;
  std::string_view kind = "neighborhood";
  /// Room for marks, also where there are none: such charts are alike.
  bool has_marks = true;
  time_span span;
};

/// One `<svg>`: the curve of the windows' averages, broken where a window has
/// no sales, bars for the numbers of sales, and a triangle for each anomaly.
/// Prices of anomalies are far outside of the averages, so their triangles are
/// above or below the curve at the sale's day, not at its price. Each element
/// has its numbers as `data-` attributes and in a title.
[[nodiscard]] std::string svg_of(const price_chart& chart,
                                 const std::vector<report_window>& windows,
                                 const std::vector<report_anomaly>& anomalies);

/// The `data-` attributes of an anomaly, for its triangle and its row.
[[nodiscard]] std::string attributes_of(const report_anomaly& anomaly);
/// The same of a window.
[[nodiscard]] std::string attributes_of(const report_window& window);

} // namespace freehold::node::html
