#include "node/html_text.hpp"

#include "actors/market_formulas.hpp"
#include "node/console.hpp"

namespace freehold::node::html {

std::string escaped(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char each : text) {
    switch (each) {
    case '&':
      safe += "&amp;";
      break;
    case '<':
      safe += "&lt;";
      break;
    case '>':
      safe += "&gt;";
      break;
    case '"':
      safe += "&quot;";
      break;
    case '\'':
      safe += "&#39;";
      break;
    case '\t':
    case '\n':
      safe += each;
      break;
    default: {
      const auto code = static_cast<unsigned char>(each);
      if (code < 0x20 || code == 0x7f)
        safe += "\xef\xbf\xbd";
      else
        safe += each;
    }
    }
  }
  return safe;
}

std::string attribute(std::string_view name, std::string_view value) {
  std::string text{" "};
  return text.append(name).append("=\"").append(escaped(value)).append("\"");
}

std::string attribute(std::string_view name, std::int64_t value) {
  return attribute(name, std::string_view{std::to_string(value)});
}

std::string counted(std::uint64_t count, std::string_view noun) {
  std::string text = with_commas(count);
  text.append(" ").append(noun);
  return count == 1 ? text : text.append("s");
}

std::string whole_dollars(market::money amount) {
  const std::int64_t nearest = market::divided(amount.cents(), 100);
  const auto size =
      static_cast<std::uint64_t>(nearest < 0 ? -nearest : nearest);
  return (nearest < 0 ? "\u2212$" : "$") + with_commas(size);
}

std::string date(market::utc_time at) { return at.to_string().substr(0, 10); }

std::string days(market::utc_time start, market::utc_time end) {
  const auto last = market::utc_time::of(timestamp{end.value().value() - 1});
  return date(start) + " to " + date(last && start < end ? *last : end);
}

std::string signed_percent(market::ratio of) {
  const std::int64_t tenths = market::divided(of.ten_thousandths, 10);
  const auto size = static_cast<std::uint64_t>(tenths < 0 ? -tenths : tenths);
  std::string text{tenths < 0 ? "\u2212" : "+"};
  text.append(with_commas(size / 10)).append(".");
  return text.append(std::to_string(size % 10)).append("\u00a0%");
}

} // namespace freehold::node::html
