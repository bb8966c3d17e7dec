#include "node/market_results.hpp"

#include "actors/window_results.hpp"
#include "node/topic_walk.hpp"
#include "runtime/codec/codec.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace freehold::node {

namespace {

using window_key = std::pair<std::string, std::int64_t>;

/// The record as a message of that type, if it says it is one.
template <class Message, class Take>
result<bool> take_as(const record& from, Take&& take) {
  if (from.headers.find("ce_type").value_or("") != Message::type)
    return false;
  auto message = codec::from_json<Message>(from.value);
  if (!message)
    return message.error();
  take(*std::move(message));
  return true;
}

/// Takes an alert for the last word on its sale.
result<void> take_alert(market_results& into, const record& from) {
  const auto keep = [](auto& all, const auto& alert, bool anomalous) {
    if (anomalous)
      all.insert_or_assign(alert.sale_id, alert);
    else
      all.erase(alert.sale_id);
  };
  const auto by_mean = [&](const auto& alert, bool anomalous) {
    keep(into.by_mean, alert, anomalous);
  };
  const auto by_unit_price = [&](const auto& alert, bool anomalous) {
    into.scores[alert.sale_id] = alert.score;
    keep(into.by_unit_price, alert, anomalous);
  };
  const result<bool> taken[] = {
      take_as<market::price_anomaly_detected>(
          from, [&](const auto& alert) { by_mean(alert, true); }),
      take_as<market::price_anomaly_revised>(
          from, [&](const auto& alert) { by_mean(alert, alert.anomalous); }),
      take_as<market::unit_price_anomaly_detected>(
          from, [&](const auto& alert) { by_unit_price(alert, true); }),
      take_as<market::unit_price_anomaly_revised>(from, [&](const auto& alert) {
        by_unit_price(alert, alert.anomalous);
      })};
  for (const auto& each : taken)
    if (!each)
      return each.error();
  return {};
}

} // namespace

std::vector<std::int64_t>
market_results::averages_of(const std::string& zipcode) const {
  std::vector<std::int64_t> averages;
  for (auto it = prices.lower_bound(
           {zipcode, std::numeric_limits<std::int64_t>::min()});
       it != prices.end() && it->first.first == zipcode; ++it)
    averages.push_back(it->second.average.cents());
  return averages;
}

std::vector<market::price_verdict>
market_results::strongest(std::size_t most) const {
  const bool has_areas = !by_unit_price.empty();
  const auto strength = [&](const market::price_verdict& verdict) {
    return has_areas ? scores.at(verdict.sale_id)
                     : static_cast<double>(
                         std::abs(verdict.deviation.ten_thousandths));
  };
  std::vector<market::price_verdict> all;
  for (const auto& [sale, verdict] : has_areas ? by_unit_price : by_mean)
    all.push_back(verdict);
  std::stable_sort(all.begin(), all.end(),
                   [&](const auto& one, const auto& other) {
                     return strength(one) > strength(other);
                   });
  all.resize(std::min(all.size(), most));
  return all;
}

result<market_results> read_results(ports::log_reader& from) {
  const auto topics = from.topics();
  if (!topics)
    return topics.error();
  market_results found;
  // Of several records about one window the last one counts.
  const auto windows_of =
      [&]<class Message>(std::string_view topic,
                         std::map<window_key, Message>& all) {
        return walk_topic(
            from, *topics, topic, [&](const record& each) -> result<void> {
              const auto taken = take_as<Message>(each, [&](Message window) {
                const window_key key{window.zipcode,
                                     window.window_start.value().value()};
                all.insert_or_assign(key, std::move(window));
              });
              if (!taken)
                return taken.error();
              return {};
            });
      };
  if (auto read = windows_of(market::prices_topic, found.prices); !read)
    return read.error();
  if (auto read = windows_of(market::trends_topic, found.trends); !read)
    return read.error();
  auto read =
      walk_topic(from, *topics, market::alerts_topic,
                 [&](const record& each) { return take_alert(found, each); });
  if (!read)
    return read.error();
  read = walk_topic(from, *topics, market::values_topic,
                    [&](const record& each) -> result<void> {
                      const auto taken = take_as<market::property_valued>(
                          each, [&](const market::property_valued& said) {
                            found.valuation_errors.push_back(
                                std::abs(said.error.ten_thousandths));
                          });
                      if (!taken)
                        return taken.error();
                      return {};
                    });
  if (!read)
    return read.error();
  std::sort(found.valuation_errors.begin(), found.valuation_errors.end());
  read = walk_topic(from, *topics, market::late_topic,
                    [&](const record&) -> result<void> {
                      ++found.left_out;
                      return {};
                    });
  if (!read)
    return read.error();
  return found;
}

} // namespace freehold::node
