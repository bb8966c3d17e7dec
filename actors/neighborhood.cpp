#include "actors/neighborhood.hpp"

#include "actors/messages/analytics_messages.hpp"
#include "runtime/entity/effects.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace freehold::market {

namespace {

using analytics::event_window;

constexpr std::string_view settling_timer = "settle-verdicts";

watched_sale watched(const sale_recorded& sale) {
  return {sale.sale_id, sale.property_id, sale.price.cents(),
          sale.sold_at.value(), sale.living_area_sqft};
}

/// Why a sale counts nowhere; empty if it counts.
std::string reason_to_leave_out(const neighborhood::state& now, timestamp at,
                                const context<neighborhood>& ctx) {
  if (at.value() > analytics::moved(ctx.now(), ctx.settings().ahead_max))
    return "it lies ahead of the clock";
  if (!is_in_written_time(at))
    return "its window begins before the year 0000";
  switch (
      now.prices.judge(ctx.settings().windows(), at, ctx.source_watermark())) {
  case analytics::arrival::late:
    return "it came later than the grace";
  case analytics::arrival::forgotten:
    return "its window is closed and forgotten";
  case analytics::arrival::in_time:
    break;
  }
  return {};
}

void leave_out(const sale_recorded& sale, std::string reason,
               context<neighborhood>& ctx) {
  ctx.publish(late_topic, sale_left_out{.zipcode = std::string{ctx.key()},
                                        .property_id = sale.property_id,
                                        .sale_id = sale.sale_id,
                                        .price = sale.price,
                                        .sold_at = sale.sold_at,
                                        .reason = std::move(reason)});
  ctx.emit(sale_was_left_out{});
}

template <class Alert>
Alert alert_of(const watched_sale& sale, const verdict& said,
               const context<neighborhood>& ctx) {
  const std::int64_t day = recent_sales::day_of(sale.sold_at);
  Alert alert;
  alert.zipcode = ctx.key();
  alert.property_id = sale.property_id;
  alert.sale_id = sale.sale_id;
  alert.sold_at = written(sale.sold_at);
  alert.actual_price = amount(sale.cents);
  alert.expected_price = amount(said.expected_cents);
  alert.deviation = said.deviation;
  alert.sales_counted = said.sales;
  alert.window_start = written(timestamp{day - recent_sales::baseline.count()});
  alert.window_end = written(timestamp{day});
  if constexpr (requires { alert.score; })
    alert.score = static_cast<double>(said.score) / 100.0;
  if constexpr (requires { alert.anomalous; })
    alert.anomalous = said.flagged;
  return alert;
}

template <class Alert>
void say(const watched_sale& sale, const verdict& said,
         context<neighborhood>& ctx) {
  ctx.publish(alerts_topic, alert_of<Alert>(sale, said, ctx));
}

/// The last word, where it is not what was said before.
template <class Revised>
void say_last(const watched_sale& sale, const said_word& before,
              const std::optional<verdict>& said, context<neighborhood>& ctx) {
  if (said
      && (said->flagged != before.flagged
          || (said->flagged && said->sales != before.sales)))
    say<Revised>(sale, *said, ctx);
}

/// The first words on a sale; the same go into its event.
void judge_at_once(const recent_sales& recent, watched_sale& sale,
                   context<neighborhood>& ctx) {
  if (!recent.can_judge(sale.sold_at))
    return;
  const market_settings& how = ctx.settings();
  const std::int64_t day = recent_sales::day_of(sale.sold_at);
  const auto by_mean = judge_mean(sale, recent.sum_before(day), how);
  if (by_mean && by_mean->flagged)
    say<price_anomaly_detected>(sale, *by_mean, ctx);
  sale.by_mean = said_word::of(by_mean);
  if (how.unit_price_yardsticks == 0 || !sale.living_area_sqft)
    return;
  const auto by_unit_price =
      judge_unit_price(sale, recent.level_before(day), how);
  if (by_unit_price && by_unit_price->flagged)
    say<unit_price_anomaly_detected>(sale, *by_unit_price, ctx);
  sale.by_unit_price = said_word::of(by_unit_price);
}

void tell_valuation(const watched_sale& sale,
                    const std::optional<price_level>& level,
                    context<neighborhood>& ctx) {
  home_sold told{.zipcode = std::string{ctx.key()},
                 .sale_id = sale.sale_id,
                 .sold_at = written(sale.sold_at),
                 .price = amount(sale.cents),
                 .living_area_sqft = sale.living_area_sqft};
  if (level) {
    told.level_sales = level->sales;
    told.level_median = level->median;
    told.level_low = level->low;
    told.level_high = level->high;
  }
  ctx.tell("valuation", sale.property_id, told);
}

/// What nothing that is not late can change any more.
void say_last_words(const recent_sales& recent, context<neighborhood>& ctx) {
  const market_settings& how = ctx.settings();
  recent.for_each_settled(
      ctx.watermark(), how.grace,
      [&](std::int64_t day, const std::vector<watched_sale>& sales) {
        const price_sum sum = recent.sum_before(day);
        const auto level = recent.level_before(day);
        for (const watched_sale& each : sales) {
          if (!each.is_settled)
            tell_valuation(each, level, ctx);
          say_last<price_anomaly_revised>(each, each.by_mean,
                                          judge_mean(each, sum, how), ctx);
          say_last<unit_price_anomaly_revised>(
              each, each.by_unit_price, judge_unit_price(each, level, how),
              ctx);
        }
      });
}

/// All that a sale makes the rules say; its first words go into its event.
void judge_prices(const recent_sales& recent, watched_sale& sale,
                  context<neighborhood>& ctx) {
  const market_settings& how = ctx.settings();
  say_last_words(recent, ctx);
  judge_at_once(recent, sale, ctx);
  recent_sales::for_each_flip(
      recent, sale, how,
      [&ctx](const watched_sale& other, const verdict& said) {
        say<price_anomaly_revised>(other, said, ctx);
      });
  const timestamp settled = recent_sales::due_of(sale.sold_at, how.grace);
  if (settled.value() < recent.timer_at)
    ctx.schedule_at_watermark(settling_timer, settled, settle_verdicts{});
}

void correct_closed(const price_windows& prices, const sale_recorded& sale,
                    context<neighborhood>& ctx) {
  prices.for_each_closed(
      ctx.settings().windows(), sale.sold_at.value(),
      [&](const event_window& which) {
        sale_totals sums = prices.sum_of(which);
        sums.merge(sale_totals::of(sale.price.cents()));
        ctx.publish(prices_topic, prices_of(ctx.key(), which, sums, true));
        for_each_corrected_trend(ctx.key(), prices, which, sums,
                                 [&ctx](const market_trend& trend) {
                                   ctx.publish(trends_topic, trend);
                                 });
      });
}

} // namespace

void neighborhood::state::upcast(std::uint32_t from,
                                 codec::dynamic_value& fields) {
  if (from > 1)
    return;
  codec::dynamic_value prices;
  prices.set("panes", std::move(fields.at("windows")));
  prices.set("closedTo", price_windows::nothing);
  prices.set("keptFrom", price_windows::nothing);
  prices.set("timerAt", price_windows::never);
  fields.erase("windows");
  fields.set("prices", std::move(prices));
}

void neighborhood::handle(const state& now, const sale_recorded& sale,
                          context<neighborhood>& ctx) {
  const timestamp at = sale.sold_at.value();
  const analytics::window_shape shape = ctx.settings().windows();
  if (sale.price <= money{})
    return ctx.reject("the price of a sale must be above zero");
  if (auto reason = reason_to_leave_out(now, at, ctx); !reason.empty())
    return leave_out(sale, std::move(reason), ctx);
  must_have_room(now.prices, now.overall, sale.price.cents(), at, shape);

  watched_sale judged = watched(sale);
  if (ctx.settings().watches_sales)
    judge_prices(now.recent, judged, ctx);
  correct_closed(now.prices, sale, ctx);
  if (const auto due = now.prices.timer_wanted(shape, at))
    ctx.schedule_at_watermark(closing_timer, *due, close_windows{});
  ctx.emit(sale_counted{sale, ctx.watermark(), judged_by::of(ctx.settings()),
                        judged.by_mean, judged.by_unit_price});
}

void neighborhood::handle(const state& now, const price_changed& change,
                          context<neighborhood>& ctx) {
  const timestamp at = change.changed_at.value();
  const std::int64_t day = recent_sales::day_of(at);
  const std::int64_t cents = change.price.cents();
  if (!now.recent.can_judge(at))
    return; // so old that the sales before it are gone
  // By what is known when it is asked: an analysis is not corrected.
  const std::vector<std::int64_t> prices = now.recent.prices_before(day);
  const price_sum sum = now.recent.sum_before(day);
  const auto by_mean = prices.empty()
                           ? std::nullopt
                           : mean_verdict(cents, prices.size(), sum.total_cents,
                                          market_settings{}.mean_sales_min, 0);
  if (!by_mean || change.previous_price <= money{} || cents <= 0)
    return; // too few sales to say anything
  price_analyzed said{
      .zipcode = std::string{ctx.key()},
      .property_id = change.property_id,
      .change_id = change.change_id,
      .changed_at = change.changed_at,
      .price = change.price,
      .previous_price = change.previous_price,
      .change = ratio_of(int128{cents} - change.previous_price.cents(),
                         change.previous_price.cents()),
      .sales_counted = by_mean->sales,
      .average = amount(by_mean->expected_cents),
      .to_average = by_mean->deviation,
      .rank = rank_of(cents, prices)};
  const auto units = now.recent.unit_prices_before(day);
  const auto level = level_of(units);
  if (level && change.living_area_sqft) {
    const std::int64_t unit = unit_price(cents, *change.living_area_sqft);
    said.to_level = ratio_of(int128{unit} - level->median, level->median);
    said.unit_rank = rank_of(unit, units);
    said.position = unit < level->low    ? price_position::below
                    : unit > level->high ? price_position::above
                                         : price_position::within;
  }
  ctx.publish(analyses_topic, said);
}

void neighborhood::handle(const state& now, const close_windows&,
                          context<neighborhood>& ctx) {
  const analytics::window_shape shape = ctx.settings().windows();
  now.prices.for_each_due(
      shape, ctx.watermark(),
      [&](const event_window& which, const sale_totals& sums) {
        ctx.publish(prices_topic, prices_of(ctx.key(), which, sums, false));
        if (const auto trend =
                trend_of(ctx.key(), which, sums,
                         now.prices.sum_of(before(which)), false))
          ctx.publish(trends_topic, *trend);
      });
  if (const auto due = now.prices.timer_after(shape, ctx.watermark()))
    ctx.schedule_at_watermark(closing_timer, *due, close_windows{});
  ctx.emit(windows_closed{ctx.watermark(), shape.grace.count()});
}

void neighborhood::handle(const state& now, const settle_verdicts&,
                          context<neighborhood>& ctx) {
  say_last_words(now.recent, ctx);
  if (const auto due =
          now.recent.timer_after(ctx.watermark(), ctx.settings().grace))
    ctx.schedule_at_watermark(settling_timer, *due, settle_verdicts{});
  ctx.emit(verdicts_settled{ctx.watermark(), judged_by::of(ctx.settings())});
}

void neighborhood::apply(state& now, const sale_counted& event) noexcept {
  const sale_totals one = sale_totals::of(event.sale.price.cents());
  const market_settings how = event.how.settings();
  const timestamp at = event.sale.sold_at.value();
  now.prices.add(how.windows(), at, one);
  now.overall.merge(one);
  if (!how.watches_sales)
    return;
  watched_sale judged = watched(event.sale);
  judged.by_mean = event.by_mean;
  judged.by_unit_price = event.by_unit_price;
  now.recent.forget(event.watermark, how.grace);
  now.recent.add(judged, how);
  now.recent.timer_at = std::min(now.recent.timer_at,
                                 recent_sales::due_of(at, how.grace).value());
}

void neighborhood::apply(state& now, const verdicts_settled& event) noexcept {
  const market_settings how = event.how.settings();
  const auto next = now.recent.timer_after(event.watermark, how.grace);
  now.recent.timer_at =
      next ? next->value() : std::numeric_limits<std::int64_t>::max();
  if (event.watermark == after_all_time)
    now.recent.settle_all(how);
  else
    now.recent.forget(event.watermark, how.grace);
}

void neighborhood::apply(state& now, const sale_was_left_out&) noexcept {
  ++now.left_out;
}

void neighborhood::apply(state& now, const windows_closed& event) noexcept {
  const std::chrono::milliseconds grace{event.grace_ms};
  now.prices.close(market_settings{.grace = grace}.windows(), event.watermark);
}

} // namespace freehold::market
