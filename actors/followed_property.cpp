#include "actors/followed_property.hpp"

#include "actors/messages/analytics_messages.hpp"
#include "actors/property_news.hpp"
#include "actors/window_results.hpp"
#include "runtime/analytics/event_window.hpp"
#include "runtime/entity/effects.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace freehold::market {

namespace {

// -- what a status means -----------------------------------------------------

constexpr std::string_view sold_word = "sold";
/// Any other status, and none, is one of a property on the market.
constexpr std::array<std::string_view, 7> off_market_words{
    sold_word, "withdrawn", "offmarket", "delisted",
    "expired", "cancelled", "canceled"};

/// `Off-Market` as `offmarket`: services spell alike what means the same.
std::string word_of(std::string_view status) {
  std::string word;
  for (const char each : status)
    if (each >= 'A' && each <= 'Z')
      word.push_back(static_cast<char>(each - 'A' + 'a'));
    else if (each != '_' && each != '-' && each != ' ')
      word.push_back(each);
  return word;
}

bool says_sold(const std::optional<std::string>& status) {
  return status && word_of(*status) == sold_word;
}

bool is_on_market(std::string_view status) {
  const std::string word = word_of(status);
  return std::find(off_market_words.begin(), off_market_words.end(), word)
         == off_market_words.end();
}

bool is_sale(const told_changes& changes) {
  return says_sold(changes.status) && changes.price && *changes.price > money{};
}

// -- the latest of what was told ---------------------------------------------

/// Whether an event at that time has the last word. Of two at one time the
/// one that came later has it.
template <class Told>
bool is_latest(const std::optional<Told>& known, utc_time at) {
  return !known || known->at <= at.value();
}

template <class Told, class Value>
void learn(std::optional<Told>& known, const std::optional<Value>& told,
           utc_time at) {
  if (told && is_latest(known, at))
    known = Told{*told, at.value()};
}

void learn_place(followed_property::state& now, const event_metadata& metadata,
                 utc_time at) {
  learn(now.neighborhood, metadata.zipcode, at);
  learn(now.living_area, metadata.living_area_sqft, at);
}

// -- handling ----------------------------------------------------------------

/// What no property can follow is nobody's event. Throws `permanent_failure`.
void check(const property_event_told& told,
           const context<followed_property>& ctx) {
  if (ctx.event_id().empty())
    throw permanent_failure{"the event has no eventId, by which it would be "
                            "recognised when it comes again"};
  if (!told.property_id.empty() && told.property_id != ctx.key())
    throw permanent_failure{"the event's propertyId is " + told.property_id
                            + ", and its record's key another one"};
  if (told.changes.price && *told.changes.price < money{})
    throw permanent_failure{"changes.price is below zero"};
  // It would have the last word for as long as it lies ahead.
  if (told.timestamp.value().value()
      > analytics::moved(ctx.now(), ctx.settings().ahead_max))
    throw permanent_failure{"the event lies further ahead of the clock than "
                            "analytics.ahead-max-hours"};
}

/// Empty texts and areas say nothing.
event_metadata metadata_of(const property_event_told& told,
                           const context<followed_property>& ctx) {
  event_metadata metadata = told.metadata;
  if (metadata.zipcode && metadata.zipcode->empty())
    metadata.zipcode.reset();
  if (metadata.living_area_sqft == 0U)
    metadata.living_area_sqft.reset();
  metadata.source_event_id = ctx.event_id();
  return metadata;
}

property_sold sold_of(money price, utc_time at, event_metadata metadata,
                      const context<followed_property>& ctx) {
  property_sold sold;
  sold.event_id = ctx.next_event_id();
  sold.timestamp = at;
  sold.property_id = ctx.key();
  sold.changes = {price, listing_status::sold, std::nullopt};
  sold.metadata = std::move(metadata);
  return sold;
}

/// Says, by ZIP code where there is one, that a sale counts nowhere.
void leave_out(const sale_left_out& sale, context<followed_property>& ctx) {
  const std::string_view zipcode{sale.zipcode};
  ctx.publish(late_topic, zipcode.empty() ? ctx.key() : zipcode, sale);
}

sale_left_out without_place(const unplaced_sale& sale, std::string_view key) {
  return {.zipcode = {},
          .property_id = std::string{key},
          .sale_id = sale.event_id,
          .price = sale.price,
          .sold_at = sale.at,
          .reason = "no event has named its neighborhood, and later sales of "
                    "the property wait for one"};
}

sale_left_out without_price(const property_followed& event,
                            const std::string& zipcode) {
  return {.zipcode = zipcode,
          .property_id = event.property_id,
          .sale_id = event.event_id,
          .price = event.changes.price.value_or(money{}),
          .sold_at = event.timestamp,
          .reason = "it has no price"};
}

/// The sales that waited for an event to name the neighborhood.
void place_sales(const std::vector<unplaced_sale>& sales,
                 const event_metadata& named, context<followed_property>& ctx) {
  for (const unplaced_sale& each : sales) {
    event_metadata metadata = each.metadata;
    metadata.zipcode = named.zipcode;
    if (!metadata.living_area_sqft)
      metadata.living_area_sqft = named.living_area_sqft;
    sell(sold_of(each.price, each.at, std::move(metadata), ctx), ctx);
  }
}

/// Where another price is asked of a property that was and is on the market.
bool asks_other_price(const followed_property::state& now,
                      const property_event_told& told) {
  return told.changes.price && now.asking_price
         && now.asking_price->price != *told.changes.price
         && is_latest(now.asking_price, told.timestamp)
         && (!now.status || is_on_market(now.status->text))
         && (!told.changes.status || is_on_market(*told.changes.status));
}

} // namespace

void followed_property::handle(const state& now,
                               const property_event_told& told,
                               context<followed_property>& ctx) {
  check(told, ctx);
  event_metadata metadata = metadata_of(told, ctx);
  const std::optional<std::uint32_t> area =
      metadata.living_area_sqft ? metadata.living_area_sqft
      : now.living_area         ? std::optional{now.living_area->sqft}
                                : std::nullopt;
  const std::string neighborhood = metadata.zipcode   ? *metadata.zipcode
                                   : now.neighborhood ? now.neighborhood->text
                                                      : std::string{};
  if (metadata.zipcode)
    place_sales(now.unplaced, {{}, {}, metadata.zipcode, area}, ctx);
  if (is_sale(told.changes) && !neighborhood.empty()) {
    metadata.zipcode = neighborhood;
    metadata.living_area_sqft = area;
    property_sold sold =
        sold_of(*told.changes.price, told.timestamp, std::move(metadata), ctx);
    sold.changes.description = told.changes.description;
    return sell(sold, ctx);
  }

  const property_followed followed{ctx.next_event_id(), told.timestamp,
                                   std::string{ctx.key()}, told.changes,
                                   std::move(metadata)};
  ctx.emit(followed);
  if (is_sale(told.changes)) {
    if (now.unplaced.size() == unplaced_sales_max)
      leave_out(without_place(now.unplaced.front(), ctx.key()), ctx);
    return;
  }
  // Where it is known to be sold, that is said once more.
  if (says_sold(told.changes.status)
      && !(now.status && says_sold(now.status->text)))
    leave_out(without_price(followed, neighborhood), ctx);
  if (asks_other_price(now, told) && !neighborhood.empty())
    tell_price(followed, neighborhood, now.asking_price->price, area, ctx);
}

void followed_property::apply(state& now,
                              const property_followed& event) noexcept {
  learn_place(now, event.metadata, event.timestamp);
  learn(now.status, event.changes.status, event.timestamp);
  learn(now.description, event.changes.description, event.timestamp);
  if (!is_sale(event.changes)) {
    if (!says_sold(event.changes.status))
      learn(now.asking_price, event.changes.price, event.timestamp);
    return;
  }
  // A sale whose neighborhood is known would be another event.
  if (now.unplaced.size() == unplaced_sales_max)
    now.unplaced.erase(now.unplaced.begin());
  now.unplaced.push_back(
      {event.event_id, *event.changes.price, event.timestamp, event.metadata});
}

void followed_property::apply(state& now, const property_sold& event) noexcept {
  // Those that wait are told before anything else is.
  if (!now.unplaced.empty())
    now.unplaced.erase(now.unplaced.begin());
  learn_place(now, event.metadata, event.timestamp);
  learn(now.status, std::optional{std::string{sold_word}}, event.timestamp);
  learn(now.description, event.changes.description, event.timestamp);
  if (!now.last_sale || now.last_sale->at <= event.timestamp.value())
    now.last_sale = property_sale{event.changes.price.value_or(money{}),
                                  event.timestamp.value()};
  ++now.sale_count;
}

} // namespace freehold::market
