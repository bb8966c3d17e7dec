#include "actors/market.hpp"

#include "runtime/entity/effects.hpp"

namespace freehold::market {

namespace {

using analytics::event_window;

} // namespace

void market::handle(const state& now, const sale_recorded& sale,
                    context<market>& ctx) {
  const timestamp at = sale.sold_at.value();
  const analytics::window_shape shape = ctx.settings().windows();
  if (sale.price <= money{})
    return ctx.reject("the price of a sale must be above zero");
  if (at.value() > analytics::moved(ctx.now(), ctx.settings().ahead_max)
      || !is_in_written_time(at)
      || now.prices.judge(shape, at, ctx.source_watermark())
             != analytics::arrival::in_time)
    return ctx.reject("the sale counts nowhere; see market-late");
  must_have_room(now.prices, now.overall, sale.price.cents(), at, shape);

  now.prices.for_each_closed(shape, at, [&](const event_window& which) {
    sale_totals sums = now.prices.sum_of(which);
    sums.merge(sale_totals::of(sale.price.cents()));
    for_each_corrected_trend(ctx.key(), now.prices, which, sums,
                             [&ctx](const market_trend& trend) {
                               ctx.publish(trends_topic, trend);
                             });
  });
  if (const auto due = now.prices.timer_wanted(shape, at))
    ctx.schedule_at_watermark(closing_timer, *due, close_windows{});
  ctx.emit(market_sale{at, sale.price.cents(), shape.grace.count()});
}

void market::handle(const state& now, const close_windows&,
                    context<market>& ctx) {
  const analytics::window_shape shape = ctx.settings().windows();
  now.prices.for_each_due(
      shape, ctx.watermark(),
      [&](const event_window& which, const sale_totals& sums) {
        if (const auto trend =
                trend_of(ctx.key(), which, sums,
                         now.prices.sum_of(before(which)), false))
          ctx.publish(trends_topic, *trend);
      });
  if (const auto due = now.prices.timer_after(shape, ctx.watermark()))
    ctx.schedule_at_watermark(closing_timer, *due, close_windows{});
  ctx.emit(windows_closed{ctx.watermark(), shape.grace.count()});
}

void market::apply(state& now, const market_sale& event) noexcept {
  const sale_totals one = sale_totals::of(event.cents);
  const std::chrono::milliseconds grace{event.grace_ms};
  now.prices.add(market_settings{.grace = grace}.windows(), event.sold_at, one);
  now.overall.merge(one);
}

void market::apply(state& now, const windows_closed& event) noexcept {
  const std::chrono::milliseconds grace{event.grace_ms};
  now.prices.close(market_settings{.grace = grace}.windows(), event.watermark);
}

} // namespace freehold::market
