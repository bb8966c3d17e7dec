#include "actors/neighborhood.hpp"

#include "actors/messages/analytics_messages.hpp"
#include "runtime/entity/effects.hpp"

#include <string>
#include <utility>

namespace freehold::market {

namespace {

using analytics::event_window;

constexpr std::string_view closing_timer = "close-windows";

watched_sale watched(const sale_recorded& sale) {
  return {sale.sale_id, sale.property_id, sale.price.cents(),
          sale.sold_at.value(), sale.living_area_sqft};
}

/// Why a sale counts nowhere; empty if it counts.
std::string reason_to_leave_out(const neighborhood::state& now, timestamp at,
                                const context<neighborhood>& ctx) {
  if (at.value() > analytics::moved(ctx.now(), ctx.settings().ahead_max))
    return "it lies ahead of the clock";
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

/// The first word on a sale by one rule.
template <class Detected>
void say(const watched_sale& sale, const std::optional<verdict>& said,
         context<neighborhood>& ctx) {
  if (said && said->flagged)
    ctx.publish(alerts_topic, alert_of<Detected>(sale, *said, ctx));
}

/// A later word, where it differs from the one before.
template <class Revised>
void revise(const watched_sale& sale, const std::optional<verdict>& before,
            const std::optional<verdict>& after, context<neighborhood>& ctx) {
  const bool was_flagged = before && before->flagged;
  if (after && after != before && (was_flagged || after->flagged))
    ctx.publish(alerts_topic, alert_of<Revised>(sale, *after, ctx));
}

void publish_alerts(const recent_sales& recent, const watched_sale& sale,
                    context<neighborhood>& ctx) {
  const market_settings& how = ctx.settings();
  if (recent.can_judge(sale.sold_at)) {
    const sale_verdicts said = recent.judge(sale, how);
    say<price_anomaly_detected>(sale, said.mean, ctx);
    say<unit_price_anomaly_detected>(sale, said.unit_price, ctx);
  }
  recent.for_each_after(sale.sold_at, [&](const watched_sale& other) {
    const sale_verdicts before = recent.judge(other, how);
    const sale_verdicts after = recent.judge(other, how, &sale);
    revise<price_anomaly_revised>(other, before.mean, after.mean, ctx);
    revise<unit_price_anomaly_revised>(other, before.unit_price,
                                       after.unit_price, ctx);
  });
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
  const std::int64_t cents = sale.price.cents();
  const timestamp at = sale.sold_at.value();
  const analytics::window_shape shape = ctx.settings().windows();
  if (cents <= 0)
    return ctx.reject("the price of a sale must be above zero");
  if (auto reason = reason_to_leave_out(now, at, ctx); !reason.empty())
    return leave_out(sale, std::move(reason), ctx);
  // A window's total is never above the one of all, as prices are positive.
  if (cents > money::cents_max - now.overall.total_cents)
    throw permanent_failure{"the total of all sales has no room for another"};
  if (now.prices.panes.size() >= window_count_max
      && !now.prices.panes.contains(
          analytics::floor_to(at.value(), shape.pane())))
    throw permanent_failure{"no room for sales of another 30 days"};

  publish_alerts(now.recent, watched(sale), ctx);
  correct_closed(now.prices, sale, ctx);
  if (const auto due = now.prices.timer_wanted(shape, at))
    ctx.schedule_at_watermark(closing_timer, *due, close_windows{});
  ctx.emit(sale_counted{sale, ctx.watermark(), shape.grace.count()});
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

void neighborhood::apply(state& now, const sale_counted& event) noexcept {
  const sale_totals one = sale_totals::of(event.sale.price.cents());
  const std::chrono::milliseconds grace{event.grace_ms};
  now.prices.add(market_settings{.grace = grace}.windows(),
                 event.sale.sold_at.value(), one);
  now.overall.merge(one);
  now.recent.forget(event.watermark, grace);
  now.recent.add(watched(event.sale));
}

void neighborhood::apply(state& now, const sale_was_left_out&) noexcept {
  ++now.left_out;
}

void neighborhood::apply(state& now, const windows_closed& event) noexcept {
  const std::chrono::milliseconds grace{event.grace_ms};
  now.prices.close(market_settings{.grace = grace}.windows(), event.watermark);
}

} // namespace freehold::market
