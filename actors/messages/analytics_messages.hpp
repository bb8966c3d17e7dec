#pragma once

#include "actors/messages/money.hpp"
#include "actors/messages/ratio.hpp"
#include "actors/messages/utc_time.hpp"
#include "runtime/codec/codec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the market's analytics publish. Each names what it speaks of; of
/// several records about one thing the last one counts. Formulas are in
/// docs/guides/market-formulas.md.
namespace freehold::market {

/// In `neighborhood-prices`: one window of one neighborhood, when it closes
/// and whenever a later sale changes it.
struct neighborhood_prices {
  static constexpr std::string_view type = "NeighborhoodPrices";

  std::string zipcode;
  utc_time window_start;
  utc_time window_end;
  std::uint64_t count = 0;
  money total;
  money average;
  money minimum;
  money maximum;
  /// It was published before, or would have been.
  bool correction = false;
};
BOOST_DESCRIBE_STRUCT(neighborhood_prices, (),
                      (zipcode, window_start, window_end, count, total, average,
                       minimum, maximum, correction))

/// In `market-trends`: the average of a window against that of the window just
/// before; where that one has no sales there is no trend.
struct market_trend {
  static constexpr std::string_view type = "MarketTrend";

  /// A neighborhood's ZIP code, or `all` for the whole market.
  std::string zipcode;
  utc_time window_start;
  utc_time window_end;
  std::uint64_t count = 0;
  std::uint64_t previous_count = 0;
  money average;
  money previous_average;
  ratio change;
  bool correction = false;
};
BOOST_DESCRIBE_STRUCT(market_trend, (),
                      (zipcode, window_start, window_end, count, previous_count,
                       average, previous_average, change, correction))

/// What an anomaly rule says of one sale.
struct price_verdict {
  std::string zipcode;
  std::string property_id;
  /// The event of the sale.
  std::string sale_id;
  utc_time sold_at;
  money actual_price;
  money expected_price;
  /// Of the actual price, or the actual unit price, from the expected one.
  ratio deviation;
  /// How many sales the expectation is made of ...
  std::uint64_t sales_counted = 0;
  /// ... and from when to when.
  utc_time window_start;
  utc_time window_end;
};
BOOST_DESCRIBE_STRUCT(price_verdict, (),
                      (zipcode, property_id, sale_id, sold_at, actual_price,
                       expected_price, deviation, sales_counted, window_start,
                       window_end))

/// In `price-anomaly-alerts`: the price is more than so many percent off the
/// neighborhood's average of the 30 days before the day of the sale.
struct price_anomaly_detected : price_verdict {
  static constexpr std::string_view type = "PriceAnomalyDetected";
};
BOOST_DESCRIBE_STRUCT(price_anomaly_detected, (price_verdict), ())

/// In `price-anomaly-alerts`: an earlier sale that arrived late has changed
/// what was said of this one.
struct price_anomaly_revised : price_verdict {
  static constexpr std::string_view type = "PriceAnomalyRevised";
  /// False: it is no anomaly any more.
  bool anomalous = false;
};
BOOST_DESCRIBE_STRUCT(price_anomaly_revised, (price_verdict), (anomalous))

/// In `price-anomaly-alerts`, by the second rule: the price per square foot is
/// far from the neighborhood's, measured by the spread there.
struct unit_price_anomaly_detected : price_verdict {
  static constexpr std::string_view type = "UnitPriceAnomalyDetected";
  /// How many yardsticks off, for ordering.
  double score = 0;
};
BOOST_DESCRIBE_STRUCT(unit_price_anomaly_detected, (price_verdict), (score))

struct unit_price_anomaly_revised : price_verdict {
  static constexpr std::string_view type = "UnitPriceAnomalyRevised";
  double score = 0;
  bool anomalous = false;
};
BOOST_DESCRIBE_STRUCT(unit_price_anomaly_revised, (price_verdict),
                      (score, anomalous))

/// What a valuation rests on.
enum class value_basis : std::uint8_t {
  /// The home's area at the neighborhood's price per square foot.
  neighborhood,
  /// Its own last sale, moved with that price.
  own_sale,
};
BOOST_DESCRIBE_ENUM(value_basis, neighborhood, own_sale)

/// In `property-valuations`: what a home was worth by what was known before
/// the day of its sale, beside the sale.
struct property_valued {
  static constexpr std::string_view type = "PropertyValued";

  std::string property_id;
  std::string zipcode;
  std::string sale_id;
  utc_time sold_at;
  money estimate;
  money low;
  money high;
  value_basis basis = value_basis::neighborhood;
  money actual_price;
  /// Of the estimate from the actual price.
  ratio error;
};
BOOST_DESCRIBE_STRUCT(property_valued, (),
                      (property_id, zipcode, sale_id, sold_at, estimate, low,
                       high, basis, actual_price, error))

/// Where an asking price lies among the neighborhood's unit prices.
enum class price_position : std::uint8_t { below, within, above };
BOOST_DESCRIBE_ENUM(price_position, below, within, above)

/// In `price-analyses`: an asking price that changed, against the sales of the
/// neighborhood in the 30 days before.
struct price_analyzed {
  static constexpr std::string_view type = "PriceAnalyzed";

  std::string zipcode;
  std::string property_id;
  std::string change_id;
  utc_time changed_at;
  money price;
  money previous_price;
  ratio change;
  std::uint64_t sales_counted = 0;
  money average;
  ratio to_average;
  /// The share of sales that were cheaper.
  ratio rank;
  /// The same by price per square foot, where it is known.
  std::optional<ratio> to_level{};
  std::optional<ratio> unit_rank{};
  std::optional<price_position> position{};
};
BOOST_DESCRIBE_STRUCT(price_analyzed, (),
                      (zipcode, property_id, change_id, changed_at, price,
                       previous_price, change, sales_counted, average,
                       to_average, rank, to_level, unit_rank, position))

/// In `market-late`: a sale that no result counts.
struct sale_left_out {
  static constexpr std::string_view type = "SaleLeftOut";

  std::string zipcode;
  std::string property_id;
  std::string sale_id;
  money price;
  utc_time sold_at;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(sale_left_out, (),
                      (zipcode, property_id, sale_id, price, sold_at, reason))

} // namespace freehold::market
