#include "actors/market_application.hpp"

#include "actors/followed_property.hpp"
#include "actors/market.hpp"
#include "actors/neighborhood.hpp"
#include "actors/property.hpp"
#include "actors/valuation.hpp"

#include <utility>

namespace freehold::market {

namespace {

/// The analytics, which only know what properties tell them.
void add_analytics(application& made, const market_settings& how) {
  made.entity<neighborhood>(how);
  made.entity<market>(how);
  made.entity<valuation>();
  for (const std::string_view topic :
       {prices_topic, trends_topic, alerts_topic, values_topic, analyses_topic,
        late_topic})
    made.output({.topic = std::string{topic}});
  // Prices are by the day: nothing changes within one.
  made.event_time({.step = recent_sales::day,
                   .ahead_max = how.ahead_max,
                   .drift_max = std::chrono::days{90},
                   .idle_after = how.idle_after});
}

} // namespace

application market_application(std::string name, const market_settings& how) {
  application made{std::move(name)};
  made.entity<property>();
  add_analytics(made, how);
  made.source({.topic = std::string{commands_topic},
               .entity = std::string{property::traits.type}});
  return made;
}

application following_market_application(std::string name,
                                         const market_settings& how,
                                         std::string events_topic) {
  application made{std::move(name)};
  made.entity<followed_property>(how);
  add_analytics(made, how);
  made.source({.topic = std::move(events_topic),
               .entity = std::string{followed_property::traits.type},
               .default_message = std::string{property_event_told::type},
               .event_time_field = "timestamp"});
  return made;
}

} // namespace freehold::market
