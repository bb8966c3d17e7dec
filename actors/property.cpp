#include "actors/property.hpp"

#include "actors/property_news.hpp"
#include "runtime/entity/effects.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace freehold::market {

namespace {

/// What can move a property from one status to another.
enum class cause : std::uint8_t { list, update, sale };

struct transition {
  std::optional<listing_status> from;
  listing_status to;
  cause by;
};

/// All moves there are; anything else is refused.
constexpr std::array transitions{
    transition{std::nullopt, listing_status::available, cause::list},
    transition{listing_status::sold, listing_status::available, cause::list},
    transition{listing_status::available, listing_status::pending,
               cause::update},
    transition{listing_status::pending, listing_status::available,
               cause::update},
    transition{listing_status::available, listing_status::sold, cause::sale},
    transition{listing_status::pending, listing_status::sold, cause::sale},
};

bool is_legal(std::optional<listing_status> from, listing_status to, cause by) {
  return std::any_of(
      transitions.begin(), transitions.end(), [&](const transition& each) {
        return each.from == from && each.to == to && each.by == by;
      });
}

std::string name_of(listing_status status) {
  switch (status) {
  case listing_status::available:
    return "available";
  case listing_status::pending:
    return "pending";
  case listing_status::sold:
    return "sold";
  }
  return "in no known status";
}

/// Whether it can be updated or sold.
bool on_the_market(const property::state& now) {
  return now.status && now.status != listing_status::sold;
}

/// A time that an event cannot express is no time anything happened at.
utc_time message_time(const context<property>& ctx) {
  auto time = utc_time::of(ctx.message_time());
  if (!time)
    throw permanent_failure{"the message's time: " + time.error().context};
  return *time;
}

/// The event of that type about this message; its id is the record's.
template <class Event, class Command>
Event event_of(const Command& command, utc_time at, property_changes changes,
               std::optional<std::string> zipcode, context<property>& ctx) {
  Event event;
  event.event_id = ctx.next_event_id();
  event.timestamp = at;
  event.property_id = ctx.key();
  event.changes = std::move(changes);
  event.metadata = {command.user_id, command.source, std::move(zipcode), {}};
  return event;
}

} // namespace

void property::handle(const state& now, const list_property& command,
                      context<property>& ctx) {
  if (!is_legal(now.status, listing_status::available, cause::list))
    return ctx.reject("the property is listed already");
  if (command.price <= money{})
    return ctx.reject("the price must be above zero");
  if (command.zipcode.empty())
    return ctx.reject("the listing names no zipcode");
  if (command.living_area_sqft == 0U)
    return ctx.reject("the living area must be above zero");
  property_changes changes{command.price, listing_status::available,
                           std::nullopt};
  if (!command.description.empty())
    changes.description = command.description;
  auto listed = event_of<property_listed>(
      command, message_time(ctx), std::move(changes), command.zipcode, ctx);
  listed.metadata.living_area_sqft = command.living_area_sqft;
  ctx.emit(listed);
}

void property::handle(const state& now, const update_property& command,
                      context<property>& ctx) {
  if (!command.price && !command.status && !command.description)
    return ctx.reject("the update is empty");
  if (!now.status)
    return ctx.reject("the property is not listed");
  if (!on_the_market(now))
    return ctx.reject("the property is sold; list it again first");
  if (command.price && *command.price <= money{})
    return ctx.reject("the price must be above zero");
  if (command.status == listing_status::sold)
    return ctx.reject("a sale needs its price; use RecordSale");

  // What is as it was belongs to no event.
  property_changes changes;
  if (command.price != now.asking_price)
    changes.price = command.price;
  if (command.status != now.status)
    changes.status = command.status;
  if (command.description != now.description)
    changes.description = command.description;
  if (!changes.price && !changes.status && !changes.description)
    return ctx.reject("the update changes nothing");
  if (changes.status && !is_legal(now.status, *changes.status, cause::update))
    return ctx.reject("a property that is " + name_of(*now.status)
                      + " cannot become " + name_of(*changes.status));
  const auto updated = event_of<property_updated>(
      command, message_time(ctx), std::move(changes), std::nullopt, ctx);
  ctx.emit(updated);
  if (updated.changes.price)
    tell_price(updated, now.neighborhood, now.asking_price,
               now.living_area_sqft, ctx);
}

void property::handle(const state& now, const record_sale& command,
                      context<property>& ctx) {
  if (!now.status)
    return ctx.reject("the property is not listed");
  if (!is_legal(now.status, listing_status::sold, cause::sale))
    return ctx.reject("the property is sold already");
  if (command.price <= money{})
    return ctx.reject("the price must be above zero");
  if (command.sold_at) {
    const timestamp at = command.sold_at->value();
    if (at.value()
        > ctx.message_time().value() + property::sale_ahead_max.count())
      return ctx.reject("the sale lies more than a day ahead of its message");
    if (at < now.listed_at)
      return ctx.reject("the sale is earlier than the listing");
  }
  const utc_time sold_at =
      command.sold_at ? *command.sold_at : message_time(ctx);
  auto sold = event_of<property_sold>(
      command, sold_at, {command.price, listing_status::sold, std::nullopt},
      now.neighborhood, ctx);
  sold.metadata.living_area_sqft = now.living_area_sqft;
  sell(sold, ctx);
}

void property::apply(state& now, const property_listed& event) noexcept {
  now.status = listing_status::available;
  now.asking_price = event.changes.price.value_or(money{});
  now.listed_at = event.timestamp.value();
  now.neighborhood = event.metadata.zipcode.value_or("");
  now.living_area_sqft = event.metadata.living_area_sqft;
  now.description = event.changes.description.value_or("");
}

void property::apply(state& now, const property_updated& event) noexcept {
  if (event.changes.price)
    now.asking_price = *event.changes.price;
  if (event.changes.status)
    now.status = event.changes.status;
  if (event.changes.description)
    now.description = *event.changes.description;
}

void property::apply(state& now, const property_sold& event) noexcept {
  now.status = listing_status::sold;
  now.last_sale = property_sale{event.changes.price.value_or(money{}),
                                event.timestamp.value()};
  ++now.sale_count;
}

} // namespace freehold::market
