#include "actors/valuation.hpp"

#include "actors/market_formulas.hpp"
#include "actors/recent_sales.hpp"
#include "actors/window_results.hpp"

namespace freehold::market {

void valuation::handle(state& now, const home_sold& sale,
                       context<valuation>& ctx) {
  const timestamp at = sale.sold_at.value();
  if (sale.level_sales > 0) {
    // Its own sale of the same day does not judge this one.
    std::optional<earlier_sale> last;
    if (now.last_median > 0
        && recent_sales::day_of(now.last_sold_at) < recent_sales::day_of(at))
      last = earlier_sale{now.last_price.cents(), now.last_median};
    const price_level level{sale.level_sales, sale.level_median, 0,
                            sale.level_low, sale.level_high};
    if (const auto value = value_of(sale.living_area_sqft, level, last)) {
      now.estimate = amount(value->estimate_cents);
      now.low = amount(value->low_cents);
      now.high = amount(value->high_cents);
      now.valued_at = at;
      ctx.publish(values_topic,
                  property_valued{
                      .property_id = std::string{ctx.key()},
                      .zipcode = sale.zipcode,
                      .sale_id = sale.sale_id,
                      .sold_at = sale.sold_at,
                      .estimate = *now.estimate,
                      .low = *now.low,
                      .high = *now.high,
                      .basis = value->by_own_sale ? value_basis::own_sale
                                                  : value_basis::neighborhood,
                      .actual_price = sale.price,
                      .error = ratio_of(int128{value->estimate_cents}
                                            - sale.price.cents(),
                                        sale.price.cents())});
    }
  }
  if (at < now.last_sold_at && now.last_price > money{})
    return; // an older one that came late
  now.last_price = sale.price;
  now.last_sold_at = at;
  now.last_median = sale.level_median;
}

} // namespace freehold::market
