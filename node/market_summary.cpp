#include "node/market_summary.hpp"

#include "actors/followed_property.hpp"
#include "actors/neighborhood.hpp"
#include "node/console.hpp"
#include "runtime/engine/changelog_view.hpp"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <tuple>

namespace freehold::node {

namespace {

constexpr std::size_t rows_shown_max = 10;

std::string left(std::string text, std::size_t width) {
  if (text.size() < width)
    text.append(width - text.size(), ' ');
  return text;
}

std::string right(const std::string& text, std::size_t width) {
  std::string padded;
  if (text.size() < width)
    padded.assign(width - text.size(), ' ');
  return padded.append(text);
}

/// Rounded to the nearest cent, halves up.
std::string mean_text(std::int64_t total_cents, std::uint64_t count) {
  if (count == 0)
    return "-";
  const auto of = static_cast<std::int64_t>(count);
  return dollars((total_cents + of / 2) / of);
}

std::string decimal(double value, int places) {
  char text[64];
  (void)std::snprintf(text, sizeof text, "%.*f", places, value);
  return text;
}

std::string counted(std::uint64_t count, const std::string& noun) {
  return with_commas(count) + " " + noun + (count == 1 ? "" : "s");
}

/// The course of averages, one character for each of the last windows.
std::string curve_of(const std::vector<std::int64_t>& averages, drawing how) {
  constexpr std::size_t windows_shown_max = 16;
  if (averages.empty())
    return {};
  const std::size_t first =
      averages.size() - std::min(averages.size(), windows_shown_max);
  if (how == drawing::plain) {
    const std::int64_t from = averages[first];
    const std::int64_t to = averages.back();
    const double change =
        100.0 * static_cast<double>(to - from) / static_cast<double>(from);
    std::string text{change < 0 ? "" : "+"};
    return text.append(decimal(change, 1)).append(" %");
  }
  constexpr std::string_view blocks[] = {"▁", "▂", "▃", "▄",
                                         "▅", "▆", "▇", "█"};
  const auto [least, most] = std::minmax_element(
      averages.begin() + static_cast<std::ptrdiff_t>(first), averages.end());
  const std::int64_t range = std::max<std::int64_t>(*most - *least, 1);
  std::string drawn;
  for (std::size_t i = first; i < averages.size(); ++i) {
    const auto height =
        static_cast<std::size_t>(static_cast<double>(averages[i] - *least)
                                 / static_cast<double>(range) * 7.0);
    drawn += blocks[height];
  }
  return drawn;
}

std::string anomalies_text(const market_results& results) {
  constexpr std::size_t shown_max = 5;
  std::string text = counted(results.by_mean.size(), "sale")
                     + " off the neighborhood's average of 30 days, "
                     + with_commas(results.by_unit_price.size())
                     + " off its price per square foot; "
                     + with_commas(results.left_out) + " too late to count.\n";
  if (results.left_out > 0)
    text += "The topic market-late has those. A file that is not in the order "
            "of time wants a longer analytics.grace-hours.\n";
  if (const auto& errors = results.valuation_errors; !errors.empty()) {
    const auto close =
        std::upper_bound(errors.begin(), errors.end(), 2'000) - errors.begin();
    const auto percent = [](double share) {
      return decimal(100.0 * share, 1) + " %";
    };
    text += counted(errors.size(), "home")
            + " valued by what was known before the sale: half of them within "
            + percent(static_cast<double>(errors[errors.size() / 2]) / 10'000.0)
            + " of the price, "
            + percent(static_cast<double>(close)
                      / static_cast<double>(errors.size()))
            + " within 20 %.\n";
  }
  const auto strongest = results.strongest(shown_max);
  if (strongest.empty())
    return text;
  const auto line = [](const std::string& property, const std::string& where,
                       const std::string& sold, const std::string& price,
                       const std::string& expected, const std::string& off) {
    std::string row{"  "};
    return row.append(left(property, 14))
        .append(left(where, 14))
        .append(left(sold, 12))
        .append(right(price, 16))
        .append(right(expected, 16))
        .append(right(off, 10))
        .append("\n");
  };
  text +=
      "\nThe strongest anomalies\n\n"
      + line("property", "neighborhood", "sold", "price", "expected", "off");
  for (const auto& each : strongest)
    text += line(
        each.property_id, each.zipcode, each.sold_at.to_string().substr(0, 10),
        dollars(each.actual_price.cents()),
        dollars(each.expected_price.cents()),
        decimal(static_cast<double>(each.deviation.ten_thousandths) / 100.0, 1)
            + " %");
  return text;
}

std::string table_of(const market_figures& market, drawing how) {
  std::size_t width = std::string_view{"neighborhood"}.size();
  const std::size_t shown =
      std::min(market.neighborhoods.size(), rows_shown_max);
  for (std::size_t i = 0; i < shown; ++i)
    width = std::max(width, market.neighborhoods[i].neighborhood.size());
  const auto line = [width](const std::string& name, const std::string& sales,
                            const std::string& mean,
                            const std::string& course) {
    std::string text{"  "};
    text.append(left(name, width)).append(right(sales, 10));
    text.append(right(mean, 18));
    if (!course.empty())
      text.append("   ").append(course);
    return text.append("\n");
  };
  std::string text = line("neighborhood", "sales", "mean price", "by 30 days");
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& row = market.neighborhoods[i];
    text += line(row.neighborhood, with_commas(row.sales),
                 mean_text(row.total_cents, row.sales),
                 curve_of(market.results.averages_of(row.neighborhood), how));
  }
  if (shown < market.neighborhoods.size())
    text += "  ... and " + with_commas(market.neighborhoods.size() - shown)
            + " more\n";
  return text
         + line("all", with_commas(market.sales),
                mean_text(market.total_cents, market.sales), "");
}

std::string import_text(const sale_import::counts& done) {
  const std::uint64_t appended = done.rows - done.already_there;
  std::string text{"Read "};
  text.append(counted(done.rows, "sale"));
  if (done.rows > 0 && appended == 0)
    text.append(": all of them were already there");
  else if (done.already_there > 0)
    text.append(": ")
        .append(with_commas(done.already_there))
        .append(" of them already there, ")
        .append(with_commas(appended))
        .append(" new");
  text.append(".");
  if (done.bad_lines > 0)
    text.append(" ")
        .append(counted(done.bad_lines, "line"))
        .append(done.bad_lines == 1 ? " was" : " were")
        .append(" bad and left out; see above.");
  return text.append("\n");
}

std::string work_text(const hosting_report& report) {
  const std::uint64_t records = report.counts.taken;
  if (records == 0)
    return "Nothing new to handle: everything was done already.\n";
  const auto ms = static_cast<double>(report.elapsed.count());
  const auto of = static_cast<double>(records);
  std::string text =
      "Handled " + counted(records, "record") + " in " + decimal(ms / 1000, 2)
      + " s: " + with_commas(static_cast<std::uint64_t>(of * 1000 / ms))
      + " a second, " + decimal(static_cast<double>(report.cpu.count()) / of, 1)
      + " CPU microseconds each (whole process).\n";
  if (report.counts.rejected > 0)
    text += "Rejected: " + counted(report.counts.rejected, "message") + ".\n";
  if (report.counts.passivated > 0)
    text += "Left memory: " + with_commas(report.counts.passivated)
            + " times an idle entity; came back: "
            + with_commas(report.counts.brought_back) + " times one.\n";
  if (report.counts.duplicates > 0)
    text += "Repeated: " + counted(report.counts.duplicates, "message")
            + ", recognised by the event id.\n";
  if (report.counts.dead_lettered > 0)
    text += "Dead-lettered: " + counted(report.counts.dead_lettered, "record")
            + "; see the topic dead-letter-events.\n";
  return text;
}

/// What waits in the properties of one shard for its neighborhood.
result<std::uint64_t> unplaced_in(const engine::changelog_view& view,
                                  std::uint32_t type) {
  std::uint64_t count = 0;
  for (const auto& [key, stored] : view.of_type(type)) {
    const auto state = view.state<market::followed_property>(type, key, stored);
    if (!state)
      return state.error();
    count += state->unplaced.size();
  }
  return count;
}

} // namespace

result<market_figures>
read_market(ports::log_reader& from,
            const std::shared_ptr<const engine::application_plan>& plan) {
  market_figures market;
  const auto type = plan->type(market::neighborhood::traits.type);
  const auto properties = plan->type(market::property::traits.type);
  if (!type || !properties)
    return market;
  market.journal = plan->types[*properties]->traits().journal_topic;
  const bool follows =
      market.journal == market::followed_property::traits.journal_topic;
  for (std::uint32_t i = 0; i < plan->options.shard_count; ++i) {
    const auto view =
        engine::changelog_view::read(from, plan, partition_index{i});
    if (!view)
      return view.error();
    if (follows) {
      const auto unplaced = unplaced_in(*view, *properties);
      if (!unplaced)
        return unplaced.error();
      market.unplaced += *unplaced;
    }
    for (const auto& [key, stored] : view->of_type(*type)) {
      const auto state = view->state<market::neighborhood>(*type, key, stored);
      if (!state)
        return state.error();
      market.neighborhoods.push_back(
          {key, state->overall.count, state->overall.total_cents});
      market.sales += state->overall.count;
      market.total_cents += state->overall.total_cents;
    }
  }
  std::sort(market.neighborhoods.begin(), market.neighborhoods.end(),
            [](const auto& one, const auto& other) {
              return std::tie(other.sales, one.neighborhood)
                     < std::tie(one.sales, other.neighborhood);
            });
  auto results = read_results(from);
  if (!results)
    return results.error();
  market.results = *std::move(results);
  return market;
}

drawing drawing_of_stdout() {
  if (::isatty(STDOUT_FILENO) != 1)
    return drawing::plain;
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0')
      continue;
    const std::string_view said{value};
    return said.find("UTF-8") != said.npos || said.find("utf8") != said.npos
               ? drawing::blocks
               : drawing::plain;
  }
  return drawing::plain;
}

std::string summary_text(const market_figures& market,
                         const hosting_report& report, bool has_import,
                         const std::string& where, drawing how) {
  std::string text = has_import ? import_text(report.imported) : "";
  text += work_text(report);
  text += "\nSales by neighborhood\n\n" + table_of(market, how) + "\n"
          + counted(market.results.prices.size(), "window")
          + " of 30 days with sales closed, in "
          + counted(market.neighborhoods.size(), "neighborhood") + ".\n"
          + anomalies_text(market.results);
  if (market.unplaced > 0)
    text += counted(market.unplaced, "sale")
            + " of properties whose neighborhood no event has named yet: "
              "counted when one does.\n";
  if (where.empty())
    return text;
  const std::string key = market.neighborhoods.empty()
                              ? "KEY"
                              : market.neighborhoods.front().neighborhood;
  // As this program was called, so that the lines can be pasted.
  const std::string program = "  " + std::string{program_invocation_name};
  return text + "The data lies in " + where + ".\n\nWhat to try next:\n"
         + program + " entity show neighborhood " + key + " --data " + where
         + "\n" + program + " topic cat " + market.journal
         + " --limit 3 --data " + where + "\n" + program
         + " report --html market.html --data " + where + "\n" + program
         + " verify --data " + where + "\n" + program + " topic list --data "
         + where + "\n";
}

} // namespace freehold::node
