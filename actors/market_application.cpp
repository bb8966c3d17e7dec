#include "actors/market_application.hpp"

#include "actors/market.hpp"
#include "actors/neighborhood.hpp"
#include "actors/property.hpp"
#include "actors/valuation.hpp"

#include <utility>

namespace freehold::market {

application market_application(std::string name, const market_settings& how) {
  application made{std::move(name)};
  made.entity<property>();
  made.entity<neighborhood>(how);
  made.entity<market>(how);
  made.entity<valuation>();
  made.source({.topic = "property-commands",
               .entity = std::string{property::traits.type}});
  for (const std::string_view topic :
       {prices_topic, trends_topic, alerts_topic, values_topic, analyses_topic,
        late_topic})
    made.output({.topic = std::string{topic}});
  // Prices are by the day: nothing changes within one.
  made.event_time({.step = recent_sales::day,
                   .ahead_max = how.ahead_max,
                   .drift_max = std::chrono::days{90}});
  return made;
}

} // namespace freehold::market
