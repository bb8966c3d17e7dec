#include "node/html_chart.hpp"

#include "node/console.hpp"
#include "node/html_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace freehold::node::html {

namespace {

// In the units of the viewBox, which are about pixels.
constexpr double width = 360;
constexpr double plot_left = 46;
constexpr double plot_right = 352;
constexpr double plot_top = 24;
constexpr double plot_bottom = 146;
constexpr double marks_above_y = 12;
constexpr double marks_below_y = 159;
constexpr double mark_size = 4.5;
/// What is at the top and below the plot takes less room where there are no
/// marks at all.
struct frame {
  double top = 0;
  double months_y = 178;
  double bottom = 185;
};
constexpr frame unmarked{.top = 14, .months_y = 164, .bottom = 171};
/// Bars stay below the curve's most part.
constexpr double bar_height_max = 34;
constexpr double point_radius = 2.6;

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;

/// One decimal, without regard to any locale.
std::string number(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value,
                                 std::chars_format::fixed, 1);
  return {text, end.ptr};
}

std::string coordinate(std::string_view name, double value) {
  return attribute(name, std::string_view{number(value)});
}

/// From what is measured to where it is drawn.
struct scale {
  double from = 0;
  double to = 1;
  double drawn_from = 0;
  double drawn_to = 1;

  [[nodiscard]] double operator()(double value) const noexcept {
    return drawn_from + (value - from) / (to - from) * (drawn_to - drawn_from);
  }
};

scale time_scale(const time_span& span) {
  return {static_cast<double>(span.start), static_cast<double>(span.end),
          plot_left, plot_right};
}

/// 1, 2 or 5 times a power of ten, so that three to six fit.
double tick_step(double range) {
  const double rough = range / 6;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power)
      return factor * power;
  return 10 * power;
}

/// In dollars; a tenth of the range is left free at both ends.
scale price_scale(const std::vector<report_window>& windows) {
  const auto [least, most] = std::minmax_element(
      windows.begin(), windows.end(), [](const auto& one, const auto& other) {
        return one.average < other.average;
      });
  const double low = static_cast<double>(least->average.cents()) / 100;
  const double high = static_cast<double>(most->average.cents()) / 100;
  const double range = std::max({high - low, std::abs(high) / 10, 1.0});
  const double middle = (low + high) / 2;
  return {middle - range * 0.6, middle + range * 0.6, plot_bottom, plot_top};
}

/// `$540k`, `$1.25M`: as many decimals as tell a step from the next.
std::string axis_dollars(double dollars, double step) {
  const double size = std::max(std::abs(dollars), step);
  double unit = 1;
  std::string_view suffix;
  if (size >= 1e9) {
    unit = 1e9;
    suffix = "B";
  } else if (size >= 1e6) {
    unit = 1e6;
    suffix = "M";
  } else if (size >= 1e3) {
    unit = 1e3;
    suffix = "k";
  }
  int places = 0;
  for (double rest = step / unit; places < 6 && rest < 0.999; rest *= 10)
    ++places;
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, std::abs(dollars) / unit,
                    std::chars_format::fixed, places);
  std::string label{dollars < 0 ? "\u2212$" : "$"};
  return label.append(text, end.ptr).append(suffix);
}

std::string price_axis(const scale& prices) {
  std::string text;
  const double step = tick_step(prices.to - prices.from);
  const double first = std::ceil(prices.from / step);
  for (double i = first; i * step <= prices.to; ++i) {
    const std::string y = number(prices(i * step));
    text.append("<path class=\"grid\" d=\"M")
        .append(number(plot_left))
        .append(" ")
        .append(y)
        .append("H")
        .append(number(plot_right))
        .append("\"/><text class=\"tick\" text-anchor=\"end\"")
        .append(coordinate("x", plot_left - 6))
        .append(coordinate("y", prices(i * step) + 3.5))
        .append(">")
        .append(axis_dollars(i * step, step))
        .append("</text>\n");
  }
  return text;
}

/// The first days of months, so far apart that at most six labels are drawn.
std::string time_axis(const time_span& span, double labels_y) {
  using namespace std::chrono;
  const auto month_of = [](std::int64_t at) {
    const year_month_day day{
        floor<std::chrono::days>(sys_time<milliseconds>{milliseconds{at}})};
    return static_cast<int>(day.year()) * 12
           + static_cast<int>(static_cast<unsigned>(day.month())) - 1;
  };
  const auto start_of = [](int month) {
    const sys_days day =
        year{month / 12}
        / std::chrono::month{static_cast<unsigned>(month % 12) + 1} / 1;
    return duration_cast<milliseconds>(day.time_since_epoch()).count();
  };
  const int first = month_of(span.start);
  const int last = month_of(span.end);
  int step = 1;
  for (const int each : {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 12'000}) {
    step = each;
    if ((last - first) / each < 6)
      break;
  }
  const scale times = time_scale(span);
  std::string text;
  for (int month = first; month <= last; ++month) {
    const std::int64_t at = start_of(month);
    if (month % step != 0 || at < span.start || at > span.end)
      continue;
    const double x = times(static_cast<double>(at));
    const std::string year = std::to_string(month / 12);
    const std::string number_of_month = std::to_string(month % 12 + 1);
    text.append("<path class=\"grid\" d=\"M")
        .append(number(x))
        .append(" ")
        .append(number(plot_bottom))
        .append("v4\"/><text class=\"tick\" text-anchor=\"")
        .append(x > plot_right - 20 ? "end" : "middle")
        .append("\"")
        .append(coordinate("x", x))
        .append(coordinate("y", labels_y))
        .append(">")
        .append(std::string(4 - std::min<std::size_t>(year.size(), 4), '0'))
        .append(year)
        .append(number_of_month.size() < 2 ? "-0" : "-")
        .append(number_of_month)
        .append("</text>\n");
  }
  return text;
}

std::string title_of(const report_window& window) {
  std::string text = days(window.start, window.end) + ": "
                     + counted(window.count, "sale") + ", average "
                     + dollars(window.average.cents());
  if (window.minimum && window.maximum)
    text += ", from " + dollars(window.minimum->cents()) + " to "
            + dollars(window.maximum->cents());
  if (window.change)
    text += ", " + signed_percent(*window.change) + " to the window before";
  return text;
}

std::string title_of(const report_anomaly& anomaly) {
  const market::price_verdict& verdict = anomaly.verdict;
  return "Property " + verdict.property_id + ", sold " + date(verdict.sold_at)
         + " for " + dollars(verdict.actual_price.cents()) + "; expected "
         + dollars(verdict.expected_price.cents()) + ", deviation "
         + signed_percent(verdict.deviation);
}

double middle_of(const report_window& window) {
  const auto start = static_cast<double>(window.start.value().value());
  return start + (static_cast<double>(window.end.value().value()) - start) / 2;
}

double dollars_of(const report_window& window) {
  return static_cast<double>(window.average.cents()) / 100;
}

std::string line_of(const std::vector<report_window>& windows,
                    const scale& times, const scale& prices) {
  std::string path;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const bool goes_on = i > 0 && windows[i - 1].end == windows[i].start;
    path.append(goes_on ? "L" : "M")
        .append(number(times(middle_of(windows[i]))))
        .append(" ")
        .append(number(prices(dollars_of(windows[i]))));
  }
  return "<path class=\"line\" d=\"" + path + "\"/>\n";
}

/// The column under the pointer is as wide as the window; on a phone, too, it
/// is easier to meet than a dot.
std::string column_of(const report_window& window, std::uint64_t count_max,
                      const scale& times, const scale& prices) {
  const double x = times(static_cast<double>(window.start.value().value()));
  const double end = times(static_cast<double>(window.end.value().value()));
  const double wide = std::max(end - x, 1.0);
  const double bar =
      bar_height_max * static_cast<double>(window.count)
      / static_cast<double>(std::max<std::uint64_t>(count_max, 1));
  std::string text{"<g class=\"w\""};
  return text.append(attributes_of(window))
      .append("><title>")
      .append(escaped(title_of(window)))
      .append("</title><rect class=\"hit\"")
      .append(coordinate("x", x))
      .append(coordinate("y", plot_top))
      .append(coordinate("width", wide))
      .append(coordinate("height", plot_bottom - plot_top))
      .append("/><rect class=\"bar\"")
      .append(coordinate("x", x + wide * 0.12))
      .append(coordinate("y", plot_bottom - bar))
      .append(coordinate("width", wide * 0.76))
      .append(coordinate("height", bar))
      .append("/><circle class=\"point\"")
      .append(coordinate("cx", times(middle_of(window))))
      .append(coordinate("cy", prices(dollars_of(window))))
      .append(coordinate("r", point_radius))
      .append("/></g>\n");
}

std::string mark_of(const report_anomaly& anomaly, const scale& times) {
  const bool up = anomaly.above();
  const double x =
      times(static_cast<double>(anomaly.verdict.sold_at.value().value()));
  const double size = up ? mark_size : -mark_size;
  const double y = (up ? marks_above_y : marks_below_y) + size;
  std::string text{up ? "<path class=\"mark up\""
                      : "<path class=\"mark down\""};
  return text.append(attributes_of(anomaly))
      .append(" d=\"M")
      .append(number(x - mark_size))
      .append(" ")
      .append(number(y))
      .append("h")
      .append(number(2 * mark_size))
      .append("l")
      .append(number(-mark_size))
      .append(" ")
      .append(number(-2 * size))
      .append("z\"><title>")
      .append(escaped(title_of(anomaly)))
      .append("</title></path>\n");
}

} // namespace

time_span span_of(const market_report& report) {
  bool any = false;
  time_span span;
  const auto take = [&](market::utc_time from, market::utc_time to) {
    const std::int64_t start = from.value().value();
    const std::int64_t end = to.value().value();
    span.start = any ? std::min(span.start, start) : start;
    span.end = any ? std::max(span.end, end) : end;
    any = true;
  };
  for (const auto& each : report.windows)
    take(each.start, each.end);
  for (const auto& neighborhood : report.neighborhoods) {
    for (const auto& each : neighborhood.windows)
      take(each.start, each.end);
    for (const auto& each : neighborhood.anomalies)
      take(each.verdict.sold_at, each.verdict.sold_at);
  }
  span.end = std::max(span.end, span.start + day_ms);
  return span;
}

std::string attributes_of(const report_window& window) {
  std::string text = attribute("data-start", window.start.to_string())
                     + attribute("data-count", std::to_string(window.count))
                     + attribute("data-average-cents", window.average.cents());
  if (window.minimum)
    text += attribute("data-minimum-cents", window.minimum->cents());
  if (window.maximum)
    text += attribute("data-maximum-cents", window.maximum->cents());
  if (window.change)
    text += attribute("data-change", window.change->ten_thousandths);
  return text;
}

std::string attributes_of(const report_anomaly& anomaly) {
  const market::price_verdict& verdict = anomaly.verdict;
  return attribute("data-sale", verdict.sale_id)
         + attribute("data-property", verdict.property_id)
         + attribute("data-sold", verdict.sold_at.to_string())
         + attribute("data-price-cents", verdict.actual_price.cents())
         + attribute("data-expected-cents", verdict.expected_price.cents())
         + attribute("data-deviation", verdict.deviation.ten_thousandths);
}

std::string svg_of(const price_chart& chart,
                   const std::vector<report_window>& windows,
                   const std::vector<report_anomaly>& anomalies) {
  const frame in = chart.has_marks ? frame{} : unmarked;
  std::string text{"<svg role=\"img\""};
  text.append(attribute("class", "curve " + std::string{chart.kind}))
      .append(attribute("aria-labelledby",
                        chart.id + "-title " + chart.id + "-desc"))
      .append(attribute("viewBox", "0 " + number(in.top) + " " + number(width)
                                       + " " + number(in.bottom - in.top)))
      .append("><title")
      .append(attribute("id", chart.id + "-title"))
      .append(">")
      .append(escaped(chart.title))
      .append("</title><desc")
      .append(attribute("id", chart.id + "-desc"))
      .append(">")
      .append(escaped(chart.description))
      .append("</desc>\n");
  const scale times = time_scale(chart.span);
  text += time_axis(chart.span, in.months_y);
  if (!windows.empty()) {
    const scale prices = price_scale(windows);
    std::uint64_t count_max = 0;
    for (const auto& each : windows)
      count_max = std::max(count_max, each.count);
    text += price_axis(prices);
    text += line_of(windows, times, prices);
    for (const auto& each : windows)
      text += column_of(each, count_max, times, prices);
  }
  for (const auto& each : anomalies)
    text += mark_of(each, times);
  return text + "</svg>\n";
}

} // namespace freehold::node::html
