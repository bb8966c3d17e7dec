#pragma once

#include "actors/market_formulas.hpp"
#include "actors/market_settings.hpp"
#include "runtime/analytics/trailing_sums.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/codec/describe.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::market {

/// Count and total of prices.
struct price_sum {
  std::uint64_t count = 0;
  std::int64_t total_cents = 0;

  void merge(const price_sum& more) noexcept {
    count += more.count;
    total_cents += more.total_cents;
  }
  void subtract(const price_sum& less) noexcept {
    count -= less.count;
    total_cents -= less.total_cents;
  }
};
BOOST_DESCRIBE_STRUCT(price_sum, (), (count, total_cents))

/// A sale whose verdicts an earlier one may still change.
struct watched_sale {
  std::string sale_id;
  std::string property_id;
  std::int64_t cents = 0;
  timestamp sold_at;
  std::optional<std::uint32_t> living_area_sqft;
};
BOOST_DESCRIBE_STRUCT(watched_sale, (),
                      (sale_id, property_id, cents, sold_at, living_area_sqft))

/// The two rules' verdicts on one sale.
struct sale_verdicts {
  std::optional<verdict> mean;
  std::optional<verdict> unit_price;
};

/// What a neighborhood keeps of its last sales to judge prices by: for each
/// day the prices' sum and the unit prices, of 30 days and as many more as the
/// watermark is behind; and the sales themselves, from the grace on. Part of an
/// entity's state. A day is UTC, named by its start in milliseconds.
struct recent_sales {
  static constexpr std::chrono::milliseconds day = std::chrono::days{1};
  static constexpr std::chrono::milliseconds baseline = std::chrono::days{30};
  /// Beyond it the earliest watched day has its last word before its time;
  /// `unwatched` counts its sales. Reached only while a partition with sales
  /// is far behind the others.
  static constexpr std::size_t watched_max = 10'000;

  analytics::trailing_sums<price_sum> sums;
  std::map<std::int64_t, std::vector<std::int64_t>> unit_prices;
  std::map<std::int64_t, std::vector<watched_sale>> watched;
  std::uint64_t watched_count = 0;
  std::uint64_t unwatched = 0;
  /// Baselines that begin earlier are gone.
  std::int64_t kept_from = std::numeric_limits<std::int64_t>::min();

  [[nodiscard]] static std::int64_t day_of(timestamp at) noexcept {
    return analytics::floor_to(at.value(), day);
  }
  /// Whether there is still all that is needed to judge a sale of that time.
  [[nodiscard]] bool can_judge(timestamp at) const noexcept {
    return day_of(at) - baseline.count() >= kept_from;
  }

  /// The verdicts on a sale as things are, or as if `more` were there, too.
  /// @pre `can_judge`
  [[nodiscard]] sale_verdicts judge(const watched_sale& sale,
                                    const market_settings& how,
                                    const watched_sale* more = nullptr) const;

  /// Those that adding a sale can change: of the 30 days after its own.
  template <class Visit>
  void for_each_after(timestamp at, Visit&& visit) const {
    const std::int64_t from = day_of(at);
    const auto end = watched.upper_bound(from + baseline.count());
    for (auto it = watched.upper_bound(from); it != end; ++it)
      for (const watched_sale& each : it->second)
        visit(each);
  }

  void add(const watched_sale& sale) noexcept;
  /// Gives up what no sale needs that is not late at that watermark.
  void forget(timestamp watermark, std::chrono::milliseconds grace) noexcept;

private:
  void unwatch_to(std::int64_t last_day) noexcept;
};
BOOST_DESCRIBE_STRUCT(recent_sales, (),
                      (sums, unit_prices, watched, watched_count, unwatched,
                       kept_from))

} // namespace freehold::market
