#pragma once

#include "actors/messages/analytics_messages.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace freehold::node {

/// What the analytics have said last of each thing, read from their topics.
struct market_results {
  /// By ZIP code and the window's start.
  std::map<std::pair<std::string, std::int64_t>, market::neighborhood_prices>
      prices;
  /// The same of the trends; the whole market's are those of `all`.
  std::map<std::pair<std::string, std::int64_t>, market::market_trend> trends;
  /// Sales that are anomalies by the last word of a rule, by the sale's id.
  std::map<std::string, market::price_verdict> by_mean;
  std::map<std::string, market::price_verdict> by_unit_price;
  /// Of the latter, in yardsticks.
  std::map<std::string, double> scores;
  /// Sales that count nowhere.
  std::uint64_t left_out = 0;
  /// How far each valuation was off the sale that came, either way, in
  /// ten-thousandths of it; in order.
  std::vector<std::int64_t> valuation_errors;

  /// The averages of a neighborhood's windows in order, in cents.
  [[nodiscard]] std::vector<std::int64_t>
  averages_of(const std::string& zipcode) const;
  /// The anomalies by the second rule, the strongest first, at most so many;
  /// those by the first where there is none, as where no area is known.
  [[nodiscard]] std::vector<market::price_verdict>
  strongest(std::size_t most) const;
};

/// Errors: those of `log_reader`; `undecodable` for a record that is none of
/// what the analytics publish. A topic that is not there yet is empty.
[[nodiscard]] result<market_results> read_results(ports::log_reader& from);

} // namespace freehold::node
