#include "node/html_report.hpp"

#include "node/console.hpp"
#include "node/html_assets.hpp"
#include "node/html_chart.hpp"
#include "node/html_text.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold::node {

namespace {

using html::attribute;
using html::attributes_of;
using html::counted;
using html::date;
using html::days;
using html::escaped;
using html::signed_percent;
using html::whole_dollars;

constexpr std::size_t strongest_shown_max = 10;

/// A text from a record. It may be written from right to left or turn the
/// direction itself; what stands beside it stays where it is.
std::string foreign(const std::string& text) {
  return "<bdi>" + escaped(text) + "</bdi>";
}

std::string id_of(std::size_t neighborhood) {
  return std::string{"n"}.append(std::to_string(neighborhood + 1));
}

std::string cell(const std::string& content) {
  return "<td>" + content + "</td>";
}

std::string row_header(const std::string& content) {
  return "<th scope=\"row\">" + content + "</th>";
}

/// A table that scrolls by itself where the page is too narrow for it.
std::string table(const std::string& caption,
                  const std::vector<std::string_view>& columns,
                  const std::string& rows) {
  std::string text{"<div class=\"scroll\" tabindex=\"0\" role=\"region\""};
  text.append(attribute("aria-label", caption))
      .append("><table><caption>")
      .append(escaped(caption))
      .append("</caption><thead><tr>");
  for (const std::string_view each : columns)
    text.append("<th scope=\"col\">").append(each).append("</th>");
  return text.append("</tr></thead><tbody>\n")
      .append(rows)
      .append("</tbody></table></div>\n");
}

std::string details(const std::string& summary, const std::string& content) {
  return "<details><summary>" + summary + "</summary>\n" + content
         + "</details>\n";
}

// -- tables ------------------------------------------------------------------

std::string windows_table(const std::string& caption,
                          const std::vector<report_window>& windows) {
  const bool has_range = !windows.empty() && windows.front().minimum;
  std::vector<std::string_view> columns{"30 days from", "sales", "average",
                                        "change"};
  if (has_range)
    columns.insert(columns.end(), {"lowest", "highest"});
  std::string rows;
  for (const auto& each : windows) {
    rows += "<tr" + attributes_of(each) + ">" + row_header(date(each.start))
            + cell(with_commas(each.count)) + cell(whole_dollars(each.average))
            + cell(each.change ? signed_percent(*each.change) : "\u2013");
    if (has_range)
      rows += cell(each.minimum ? whole_dollars(*each.minimum) : "")
              + cell(each.maximum ? whole_dollars(*each.maximum) : "");
    rows += "</tr>\n";
  }
  return table(caption, columns, rows);
}

std::string anomaly_row(const report_anomaly& anomaly,
                        const std::string& where = "") {
  const market::price_verdict& verdict = anomaly.verdict;
  const std::string sign = anomaly.above()
                               ? "<span class=\"up\">\u25b2</span> "
                               : "<span class=\"down\">\u25bc</span> ";
  return "<tr" + attributes_of(anomaly) + ">"
         + row_header(sign + foreign(verdict.property_id)) + where
         + cell(date(verdict.sold_at))
         + cell(whole_dollars(verdict.actual_price))
         + cell(whole_dollars(verdict.expected_price))
         + cell(signed_percent(verdict.deviation)) + "</tr>\n";
}

std::string strongest_table(const market_report& report) {
  std::vector<std::pair<std::size_t, const report_anomaly*>> all;
  for (std::size_t i = 0; i < report.neighborhoods.size(); ++i)
    for (const auto& each : report.neighborhoods[i].anomalies)
      all.emplace_back(i, &each);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& one, const auto& other) {
                     return one.second->score > other.second->score;
                   });
  all.resize(std::min(all.size(), strongest_shown_max));
  if (all.empty())
    return "<p>No sale is far from what its neighborhood pays for the "
           "area.</p>\n";
  std::string rows;
  for (const auto& [place, anomaly] : all)
    rows += anomaly_row(*anomaly,
                        cell("<a href=\"#" + id_of(place) + "\">"
                             + foreign(anomaly->verdict.zipcode) + "</a>"));
  const char* const note =
      report.shows_by_mean
          ? "<p>No sale is known to be far from what its neighborhood pays for "
            "the area. Marked are those farthest off the average of the 30 "
            "days before.</p>\n"
          : "";
  return note
         + table("The strongest anomalies",
                 {"property", "ZIP", "sold", "price", "expected", "deviation"},
                 rows);
}

// -- the whole market --------------------------------------------------------

std::string tile(std::string_view id, const std::string& value,
                 const std::string& what, const std::string& data) {
  std::string text{"<div class=\"tile\""};
  return text.append(attribute("id", id))
      .append(data)
      .append("><dt>")
      .append(what)
      .append("</dt><dd>")
      .append(value)
      .append("</dd></div>\n");
}

std::string count_tile(std::string_view id, std::uint64_t count,
                       const std::string& what) {
  return tile(id, with_commas(count), what,
              attribute("data-value", std::to_string(count)));
}

std::string trend_tile(const market_report& report) {
  const auto last = std::find_if(report.windows.rbegin(), report.windows.rend(),
                                 [](const auto& each) { return each.change; });
  if (last == report.windows.rend())
    return tile("trend", "\u2013",
                "no trend yet: it takes two windows in a row", "");
  return tile("trend", signed_percent(*last->change),
              "trend: the last window's average to the one before",
              attribute("data-value", last->change->ten_thousandths));
}

std::string tiles(const market_report& report) {
  return "<dl class=\"tiles\">\n"
         + count_tile("sales", report.sales, "sales in these windows")
         + count_tile("neighborhoods", report.neighborhoods.size(),
                      "neighborhoods")
         + count_tile("windows", report.window_count,
                      "windows of 30 days with sales")
         + trend_tile(report)
         + count_tile("anomalies", report.anomaly_count,
                      "anomalies by price per square foot")
         + count_tile("by-mean", report.by_mean,
                      "off the neighborhood\u2019s average of 30 days")
         + count_tile("left-out", report.left_out, "too late to count")
         + "</dl>\n";
}

std::string market_figure(const market_report& report,
                          const html::time_span& span) {
  if (report.windows.empty())
    return "<p>The whole market has no curve yet: it takes two closed windows "
           "in a row.</p>\n";
  const auto& last = report.windows.back();
  const std::string chart = html::svg_of(
      {.id = "market",
       .title = "Average price of the whole market",
       .description =
           counted(report.windows.size(), "window") + " of 30 days, from "
           + date(report.windows.front().start) + " on. The last, "
           + days(last.start, last.end) + ", has " + counted(last.count, "sale")
           + " at an average of " + whole_dollars(last.average)
           + ". The table below has all numbers.",
       .kind = "market",
       .has_marks = false,
       .span = span},
      report.windows, {});
  return "<figure><figcaption>Average price, whole market</figcaption>\n"
         + chart + "</figure>\n"
         + details("Windows as a table",
                   windows_table("The whole market by windows of 30 days",
                                 report.windows));
}

// -- a neighborhood ----------------------------------------------------------

std::string description_of(const report_neighborhood& each) {
  if (each.windows.empty())
    return "No window is closed yet.";
  const auto [least, most] =
      std::minmax_element(each.windows.begin(), each.windows.end(),
                          [](const auto& one, const auto& other) {
                            return one.average < other.average;
                          });
  return counted(each.windows.size(), "window") + " of 30 days, with averages "
         + "from " + whole_dollars(least->average) + " to "
         + whole_dollars(most->average)
         + "; anomalies marked: " + with_commas(each.anomalies.size())
         + ". The tables below have all numbers.";
}

std::string card(const report_neighborhood& each, std::size_t place,
                 bool shows_by_mean, const html::time_span& span) {
  const std::string id = id_of(place);
  std::string text{"<article"};
  text.append(attribute("id", id))
      .append(attribute("data-zip", each.zipcode))
      .append(attribute("data-sales", std::to_string(each.sales)))
      .append(attribute("data-by-mean", std::to_string(each.by_mean)))
      .append(attribute("aria-labelledby", id + "-name"))
      .append("><header><h3")
      .append(attribute("id", id + "-name"))
      .append(">")
      .append(foreign(each.zipcode))
      .append("</h3><p>");
  if (each.windows.empty())
    text += "no window is closed yet";
  else
    text += counted(each.sales, "sale") + ", average "
            + whole_dollars(each.average);
  text += "</p></header>\n";
  if (!each.windows.empty())
    text += html::svg_of({.id = id,
                          .title = "Average price in " + each.zipcode,
                          .description = description_of(each),
                          .span = span},
                         each.windows, each.anomalies);
  text += "<p class=\"rule\">" + counted(each.by_mean, "sale")
          + " off the average of the 30 days before</p>\n";
  if (!each.anomalies.empty()) {
    std::string rows;
    for (const auto& anomaly : each.anomalies)
      rows += anomaly_row(anomaly);
    text += details(
        with_commas(each.anomalies.size())
            + (each.anomalies.size() == 1 ? " anomaly" : " anomalies"),
        table((shows_by_mean ? "Farthest off the average of 30 days in "
                             : "Anomalies by price per square foot in ")
                  + each.zipcode,
              {"property", "sold", "price", "expected", "deviation"}, rows));
  }
  if (!each.windows.empty())
    text += details(
        counted(each.windows.size(), "window"),
        windows_table("Windows of 30 days in " + each.zipcode, each.windows));
  return text + "</article>\n";
}

std::string neighborhoods(const market_report& report,
                          const html::time_span& span) {
  if (report.neighborhoods.empty())
    return "<p class=\"nothing\">Nothing is published yet. A window appears "
           "when it closes; <code>freehold run --close-windows</code> closes "
           "them all.</p>\n";
  std::string text{html::tools};
  text += "<div class=\"cards\">\n";
  for (std::size_t i = 0; i < report.neighborhoods.size(); ++i)
    text += card(report.neighborhoods[i], i, report.shows_by_mean, span);
  return text + "</div>\n";
}

std::string period_of(const market_report& report) {
  const market::utc_time* first = nullptr;
  const market::utc_time* last = nullptr;
  for (const auto& neighborhood : report.neighborhoods) {
    if (neighborhood.windows.empty())
      continue;
    const auto& start = neighborhood.windows.front().start;
    const auto& end = neighborhood.windows.back().end;
    if (first == nullptr || start < *first)
      first = &start;
    if (last == nullptr || *last < end)
      last = &end;
  }
  if (first == nullptr)
    return "No window is closed yet.";
  return "Closed windows of 30 days, " + days(*first, *last)
         + ". Sales of windows that are still open come later.";
}

} // namespace

std::string html_report(const market_report& report) {
  const html::time_span span = html::span_of(report);
  std::string text{html::head};
  text.append("<body>\n<header class=\"top\"><h1>The market by "
              "neighborhood</h1>\n<p>")
      .append(period_of(report))
      .append("</p></header>\n<main>\n"
              "<section aria-labelledby=\"whole\">"
              "<h2 id=\"whole\">Whole market</h2>\n")
      .append(tiles(report))
      .append("<div class=\"pair\"><div>\n")
      .append(market_figure(report, span))
      .append("</div><div>\n")
      .append(strongest_table(report))
      .append("</div></div>\n")
      .append(html::explanation)
      .append("</section>\n<section aria-labelledby=\"each\">"
              "<h2 id=\"each\">Neighborhoods, the most sales first</h2>\n")
      .append(neighborhoods(report, span))
      .append("</section>\n</main>\n")
      .append(html::script)
      .append("</body>\n</html>\n");
  return text;
}

} // namespace freehold::node
