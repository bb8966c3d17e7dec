#include "actors/market_application.hpp"

#include "actors/neighborhood.hpp"
#include "actors/property.hpp"

#include <utility>

namespace freehold::market {

application market_application(std::string name) {
  application market{std::move(name)};
  market.entity<property>();
  market.entity<neighborhood>();
  market.source({.topic = "property-commands",
                 .entity = std::string{property::traits.type}});
  return market;
}

} // namespace freehold::market
