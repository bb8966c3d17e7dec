#pragma once

#include "actors/market.hpp"
#include "actors/messages/neighborhood_messages.hpp"
#include "actors/messages/property_messages.hpp"
#include "runtime/entity/context.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// What properties tell those that compute with it, in one place for those
/// that decide and those that follow.
namespace freehold::market {

/// Emits that the property was sold, and tells the neighborhood, which its
/// `metadata.zipcode` names, and the market.
template <class Entity>
void sell(const property_sold& sold, context<Entity>& ctx) {
  ctx.emit(sold);
  const sale_recorded told{sold.property_id,
                           sold.changes.price.value_or(money{}),
                           sold.timestamp,
                           sold.event_id,
                           sold.metadata.zipcode.value_or(""),
                           sold.metadata.living_area_sqft};
  ctx.tell("neighborhood", told.zipcode, told);
  ctx.tell("market", market::key, told);
}

/// Tells the neighborhood that a listed property asks another price, which an
/// event of the property says.
template <class Entity, class Event>
void tell_price(const Event& event, const std::string& neighborhood,
                money previous, std::optional<std::uint32_t> living_area_sqft,
                context<Entity>& ctx) {
  ctx.tell("neighborhood", neighborhood,
           price_changed{event.property_id, event.event_id, event.timestamp,
                         event.changes.price.value_or(money{}), previous,
                         living_area_sqft});
}

} // namespace freehold::market
