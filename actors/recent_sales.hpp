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

/// What was said last of a sale by one rule. A later arrival only ever adds to
/// the baseline, so its count tells whether anything has changed.
struct said_word {
  std::uint64_t sales = 0;
  bool flagged = false;

  [[nodiscard]] static said_word of(const std::optional<verdict>& said) {
    return said ? said_word{said->sales, said->flagged} : said_word{};
  }
};
BOOST_DESCRIBE_STRUCT(said_word, (), (sales, flagged))

/// A sale whose verdicts an earlier one may still change.
struct watched_sale {
  std::string sale_id;
  std::string property_id;
  std::int64_t cents = 0;
  timestamp sold_at;
  std::optional<std::uint32_t> living_area_sqft;
  said_word by_mean{};
  said_word by_unit_price{};
  /// Its last word was said before its time: when everything was closed.
  bool is_settled = false;
};
BOOST_DESCRIBE_STRUCT(watched_sale, (),
                      (sale_id, property_id, cents, sold_at, living_area_sqft,
                       by_mean, by_unit_price, is_settled))

/// One sale of a baseline.
struct priced_sale {
  std::int64_t cents = 0;
  /// In hundredths of a cent; 0 where the area is not known.
  std::int64_t unit_price = 0;
};
BOOST_DESCRIBE_STRUCT(priced_sale, (), (cents, unit_price))

/// What a neighborhood keeps of its last sales to judge prices by: for each
/// day the prices and their sum, of 30 days and as many more as the
/// watermark is behind; and the sales themselves, from the grace on. Part of an
/// entity's state. A day is UTC, named by its start in milliseconds.
struct recent_sales {
  static constexpr std::chrono::milliseconds day = std::chrono::days{1};
  static constexpr std::chrono::milliseconds baseline = std::chrono::days{30};
  /// Beyond it the earliest watched day has its last word before its time;
  /// `unwatched` counts its sales, and those that came when their baseline was
  /// gone. Reached only while a partition with sales is far behind the others.
  static constexpr std::size_t watched_max = 10'000;

  analytics::trailing_sums<price_sum> sums;
  std::map<std::int64_t, std::vector<priced_sale>> prices;
  std::map<std::int64_t, std::vector<watched_sale>> watched;
  std::uint64_t watched_count = 0;
  std::uint64_t unwatched = 0;
  /// Baselines that begin earlier are gone.
  std::int64_t kept_from = std::numeric_limits<std::int64_t>::min();
  /// The watermark that the timer for last words is set to.
  std::int64_t timer_at = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] static std::int64_t day_of(timestamp at) noexcept {
    return analytics::floor_to(at.value(), day);
  }
  /// Whether there is still all that is needed to judge a sale of that time.
  [[nodiscard]] bool can_judge(timestamp at) const noexcept {
    return day_of(at) - baseline.count() >= kept_from;
  }

  /// What the sales of a day are judged by, as things are.
  /// @pre a sale of that day can be judged
  [[nodiscard]] price_sum sum_before(std::int64_t start) const {
    return sums.between(start - baseline.count(), start);
  }
  [[nodiscard]] std::optional<price_level>
  level_before(std::int64_t start) const {
    return level_of(unit_prices_before(start));
  }
  [[nodiscard]] std::vector<std::int64_t>
  prices_before(std::int64_t start) const;
  [[nodiscard]] std::vector<std::int64_t>
  unit_prices_before(std::int64_t start) const;

  /// Watched sales that adding another flags, or flags no more, by the first
  /// rule; `visit(sale, verdict after)`. Those of the 30 days after its own.
  template <class Self, class Visit>
  static void for_each_flip(Self& self, const watched_sale& added,
                            const market_settings& how, Visit&& visit);

  /// The last day whose sales nothing can change any more that is not late.
  [[nodiscard]] static std::int64_t
  settled_to(timestamp watermark, std::chrono::milliseconds grace) noexcept {
    if (watermark == before_all_time || watermark == after_all_time)
      return watermark.value();
    return analytics::floor_to(watermark.value() - grace.count(), day);
  }
  /// Watched sales on whose days the last word is due.
  template <class Visit>
  void for_each_settled(timestamp watermark, std::chrono::milliseconds grace,
                        Visit&& visit) const {
    const auto end = watched.upper_bound(settled_to(watermark, grace));
    for (auto it = watched.begin(); it != end; ++it)
      visit(it->first, it->second);
  }
  /// The watermark at which the first of them will be due.
  [[nodiscard]] std::optional<timestamp>
  timer_after(timestamp watermark,
              std::chrono::milliseconds grace) const noexcept;
  [[nodiscard]] static timestamp
  due_of(timestamp at, std::chrono::milliseconds grace) noexcept {
    return timestamp{day_of(at) + grace.count()};
  }

  /// Adds a sale and notes what that made the first rule say of others.
  void add(const watched_sale& sale, const market_settings& how) noexcept;
  /// Gives up what no sale needs that is not late at that watermark.
  void forget(timestamp watermark, std::chrono::milliseconds grace) noexcept;
  /// Notes that the last word was said on everything, though more may come.
  void settle_all(const market_settings& how) noexcept;

private:
  void unwatch_to(std::int64_t last_day) noexcept;
};

/// The verdicts on a sale by what its day is judged by; none where a rule is
/// off or knows too little.
[[nodiscard]] std::optional<verdict>
judge_mean(const watched_sale& sale, const price_sum& by,
           const market_settings& how) noexcept;
[[nodiscard]] std::optional<verdict>
judge_unit_price(const watched_sale& sale, const std::optional<price_level>& by,
                 const market_settings& how) noexcept;

template <class Self, class Visit>
void recent_sales::for_each_flip(Self& self, const watched_sale& added,
                                 const market_settings& how, Visit&& visit) {
  if (how.mean_deviation_percent == 0)
    return;
  const std::int64_t from = day_of(added.sold_at);
  const auto end = self.watched.upper_bound(from + baseline.count());
  for (auto it = self.watched.upper_bound(from); it != end; ++it) {
    price_sum now = self.sum_before(it->first);
    now.merge({1, added.cents});
    for (auto& each : it->second)
      if (const auto said = judge_mean(each, now, how);
          said && said->flagged != each.by_mean.flagged)
        visit(each, *said);
  }
}

BOOST_DESCRIBE_STRUCT(recent_sales, (),
                      (sums, prices, watched, watched_count, unwatched,
                       kept_from, timer_at))

} // namespace freehold::market
