// The property that follows a topic of others, through the entity kit: what it
// takes for a sale, what waits for a neighborhood, what the order of arrival
// does not change, and what is refused.

#include "actors/followed_property.hpp"
#include "actors/market_application.hpp"
#include "actors/messages/analytics_messages.hpp"
#include "actors/messages/neighborhood_messages.hpp"
#include "tests/testkit/entity_kit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::market;
using kit_of_one = freehold::testkit::entity_kit<followed_property>;

namespace {

/// The property "1" on a day on which all that is told has happened.
struct followed {
  kit_of_one kit{following_market_application(), "1"};
  followed() { kit.event_id("e"); }
};

utc_time at(const char* text) { return utc_time::parse(text).value(); }
utc_time day(int number) {
  return utc_time::of(timestamp{(16'000LL + number) * 86'400'000}).value();
}
money dollars(std::int64_t amount) { return money::of_dollars(amount); }

property_event_told told(int when, told_changes changes,
                         std::optional<std::string> zipcode = std::nullopt) {
  property_event_told event;
  event.timestamp = day(when);
  event.changes = std::move(changes);
  event.metadata.zipcode = std::move(zipcode);
  return event;
}
property_event_told status(int when, const char* text,
                           std::optional<std::string> zipcode = std::nullopt) {
  return told(when, {std::nullopt, text, std::nullopt}, std::move(zipcode));
}
property_event_told price(int when, std::int64_t amount,
                          std::optional<std::string> zipcode = std::nullopt) {
  return told(when, {dollars(amount), std::nullopt, std::nullopt},
              std::move(zipcode));
}
property_event_told sale(int when, std::int64_t amount,
                         std::optional<std::string> zipcode = std::nullopt) {
  return told(when, {dollars(amount), "sold", std::nullopt},
              std::move(zipcode));
}

constexpr auto any_sale = [](const sale_recorded&) { return true; };

} // namespace

TEST_CASE("a sale is told to its neighborhood and the market as what a "
          "property that decides tells",
          "[actors][followed-property]") {
  followed one;
  one.kit
      .when_bytes("PropertyEvent",
                  R"({"eventId":"e","timestamp":"2014-10-13T02:00:00+02:00",)"
                  R"("propertyId":"1","changes":{"status":"sold",)"
                  R"("price":220000},"metadata":{"userId":"u7",)"
                  R"("source":"mls","zipcode":"98178"}})")
      .then_emits(property_sold{{"kit/0/1/0",
                                 at("2014-10-13T00:00:00Z"),
                                 "1",
                                 {dollars(220'000), listing_status::sold, {}},
                                 {"u7", "mls", "98178", {}, "e"}}});
  const sale_recorded expected{
      "1",         dollars(220'000), at("2014-10-13T00:00:00Z"),
      "kit/0/1/0", "98178",          {}};
  one.kit.then_tells("neighborhood", "98178", expected)
      .then_tells("market", "all", expected)
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        CHECK(now.status->text == "sold");
        CHECK(now.neighborhood->text == "98178");
        CHECK(now.last_sale->price == dollars(220'000));
        CHECK(now.sale_count == 1);
        CHECK_FALSE(now.asking_price);
      });
}

TEST_CASE("every event with the status sold and a price is a sale",
          "[actors][followed-property]") {
  followed one;
  one.kit.given(sale(1, 100, "98178"))
      .when(told(2, {dollars(200), "SOLD", "as it stands"}))
      .then_emits<property_sold>([](const property_sold& event) {
        CHECK(event.metadata.zipcode == "98178");
        CHECK(event.changes.description == "as it stands");
      })
      .then_tells<sale_recorded>("neighborhood", "98178", any_sale)
      .then_tells<sale_recorded>("market", "all", any_sale)
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        CHECK(now.description->text == "as it stands");
        CHECK(now.sale_count == 2);
      });
}

TEST_CASE("a sale takes neighborhood and area from earlier events",
          "[actors][followed-property]") {
  followed one;
  property_event_told listed = status(1, "listed", "98103");
  listed.metadata.living_area_sqft = 1'180U;
  one.kit.given(listed)
      .when(sale(2, 300))
      .then_emits<property_sold>()
      .then_tells<sale_recorded>("neighborhood", "98103",
                                 [](const sale_recorded& recorded) {
                                   return recorded.living_area_sqft == 1'180U;
                                 })
      .then_tells<sale_recorded>("market", "all", any_sale);
}

TEST_CASE("sales without a neighborhood wait for one and keep their time",
          "[actors][followed-property]") {
  followed one;
  one.kit.when(sale(3, 300))
      .then_emits<property_followed>()
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        return now.unplaced.size() == 1 && now.sale_count == 0
               && now.status->text == "sold";
      });
  one.kit.given(sale(2, 200)).event_id("later");
  one.kit.when(status(9, "listed", "98103"))
      .then_emits<property_sold>([](const property_sold& event) {
        CHECK(event.timestamp == day(3));
        CHECK(event.changes.price == dollars(300));
        CHECK(event.metadata.zipcode == "98103");
        CHECK(event.metadata.source_event_id == "e");
      })
      .then_tells<sale_recorded>("neighborhood", "98103",
                                 [](const sale_recorded& recorded) {
                                   return recorded.sold_at == day(3);
                                 })
      .then_tells<sale_recorded>("market", "all", any_sale)
      .then_emits<property_sold>(
          [](const property_sold& event) { return event.timestamp == day(2); })
      .then_tells<sale_recorded>("neighborhood", "98103", any_sale)
      .then_tells<sale_recorded>("market", "all", any_sale)
      .then_emits<property_followed>([](const property_followed& event) {
        return event.metadata.source_event_id == "later";
      })
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        CHECK(now.unplaced.empty());
        CHECK(now.sale_count == 2);
        CHECK(now.last_sale->at == day(3).value());
        CHECK(now.status->text == "listed");
      });
}

TEST_CASE("a sale that names the neighborhood places those that wait first",
          "[actors][followed-property]") {
  followed one;
  one.kit.given(sale(1, 100))
      .when(sale(2, 200, "98103"))
      .then_emits<property_sold>([](const property_sold& event) {
        return event.changes.price == dollars(100);
      })
      .then_tells<sale_recorded>("neighborhood", "98103", any_sale)
      .then_tells<sale_recorded>("market", "all", any_sale)
      .then_emits<property_sold>([](const property_sold& event) {
        return event.changes.price == dollars(200);
      })
      .then_tells<sale_recorded>("neighborhood", "98103", any_sale)
      .then_tells<sale_recorded>("market", "all", any_sale)
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        return now.unplaced.empty() && now.sale_count == 2;
      });
}

TEST_CASE("of sales that wait the first one is left out at the bound",
          "[actors][followed-property]") {
  followed one;
  const auto most = static_cast<int>(followed_property::unplaced_sales_max);
  std::string first_id;
  for (int i = 0; i < most; ++i)
    one.kit.when(sale(i, 100 + i))
        .then_emits<property_followed>([&](const property_followed& event) {
          if (i == 0)
            first_id = event.event_id;
        })
        .then_nothing_else();
  one.kit.when(sale(most, 500))
      .then_emits<property_followed>()
      .then_publishes<sale_left_out>(
          "market-late", "1",
          [&](const sale_left_out& out) {
            CHECK(out.sale_id == first_id);
            CHECK(out.price == dollars(100));
            CHECK(out.sold_at == day(0));
            CHECK(out.reason.find("named its neighborhood") != out.reason.npos);
          })
      .then_nothing_else()
      .then_state([&](const followed_property::state& now) {
        CHECK(now.unplaced.size() == followed_property::unplaced_sales_max);
        CHECK(now.unplaced.front().price == dollars(101));
        CHECK(now.unplaced.back().price == dollars(500));
      });
}

TEST_CASE("a sale without a price counts nowhere and says so once",
          "[actors][followed-property]") {
  followed one;
  one.kit.given(status(1, "listed", "98103"));
  const bool zero = GENERATE(false, true);
  one.kit.when(zero ? sale(2, 0) : status(2, "sold"))
      .then_emits<property_followed>()
      .then_publishes<sale_left_out>("market-late", "98103",
                                     [](const sale_left_out& out) {
                                       return out.reason == "it has no price";
                                     })
      .then_nothing_else();
  // A service that repeats the status with everything it says sells nothing.
  one.kit.when(told(3, {std::nullopt, "sold", "new roof"}))
      .then_emits<property_followed>()
      .then_nothing_else();
}

TEST_CASE("a price that changes on the market is told to the neighborhood",
          "[actors][followed-property]") {
  // Where no status was said, and where one is that nobody knows, too.
  const char* const known =
      GENERATE("", "listed", "for_sale", "available", "pending", "Open House");
  followed one;
  one.kit.given(price(1, 500, "98103"));
  if (*known != '\0')
    one.kit.given(status(2, known));
  one.kit.when(price(3, 450))
      .then_emits<property_followed>()
      .then_tells<price_changed>("neighborhood", "98103",
                                 [](const price_changed& change) {
                                   CHECK(change.previous_price == dollars(500));
                                   CHECK(change.price == dollars(450));
                                   CHECK(change.changed_at == day(3));
                                 })
      .then_nothing_else()
      .then_state([&](const followed_property::state& now) {
        CHECK(now.asking_price->price == dollars(450));
        CHECK((*known == '\0' ? !now.status : now.status->text == known));
      });
}

TEST_CASE("a price is no news where it is the same, older, or nobody is asked "
          "it",
          "[actors][followed-property]") {
  followed one;
  one.kit.given(price(5, 500, "98103"));
  SECTION("the same") { one.kit.when(price(6, 500)); }
  SECTION("older") { one.kit.when(price(4, 450)); }
  SECTION("after a sale") {
    one.kit.given(sale(6, 480));
    one.kit.when(price(7, 450));
  }
  SECTION("of a property that left the market") {
    const char* const gone =
        GENERATE("withdrawn", "Off-Market", "off market", "delisted", "expired",
                 "Cancelled", "canceled");
    one.kit.given(status(6, gone));
    one.kit.when(price(7, 450));
  }
  SECTION("with which it comes back to the market") {
    one.kit.given(status(6, "withdrawn"));
    one.kit.when(told(7, {dollars(450), "listed", std::nullopt}));
  }
  SECTION("with which it leaves the market") {
    one.kit.when(told(7, {dollars(450), "withdrawn", std::nullopt}));
  }
  one.kit.then_emits<property_followed>().then_nothing_else();
}

TEST_CASE("a price that changes where no neighborhood is known is only kept",
          "[actors][followed-property]") {
  followed one;
  one.kit.given(price(1, 500))
      .when(price(2, 450))
      .then_emits<property_followed>()
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        return now.asking_price->price == dollars(450);
      });
}

TEST_CASE("of each thing the latest by event time counts, in any order",
          "[actors][followed-property]") {
  followed one;
  one.kit
      .given(told(5, {std::nullopt, "listed", "late words"}, "98103"),
             told(3, {dollars(300), "sold", "early words"}, "98178"))
      .then_state([](const followed_property::state& now) {
        CHECK(now.status->text == "listed");
        CHECK(now.description->text == "late words");
        CHECK(now.neighborhood->text == "98103");
        CHECK(now.last_sale->price == dollars(300));
      });
  one.kit.given(sale(2, 200)).then_state([](const auto& now) {
    return now.last_sale->price == dollars(300) && now.sale_count == 2;
  });
  // At one time the one that comes later counts.
  one.kit.given(status(5, "pending")).then_state([](const auto& now) {
    return now.status->text == "pending";
  });
}

TEST_CASE("what is unchanged is still an event and empty texts name no place",
          "[actors][followed-property]") {
  followed one;
  property_event_told empty = told(1, {}, "");
  empty.metadata.living_area_sqft = 0U;
  one.kit.when(empty)
      .then_emits<property_followed>([](const property_followed& event) {
        return !event.metadata.zipcode && !event.metadata.living_area_sqft;
      })
      .then_nothing_else()
      .then_state([](const followed_property::state& now) {
        return !now.neighborhood && !now.living_area && !now.status;
      });
}

TEST_CASE("an event needs an id, a time and changes, and who said it may be "
          "left out",
          "[actors][followed-property]") {
  followed one;
  one.kit.when_bytes("PropertyEvent",
                     R"({"timestamp":"2014-10-13T00:00:00Z","changes":{}})");
  one.kit.then_emits<property_followed>();
  one.kit.when_bytes("PropertyEvent", R"({"changes":{}})")
      .then_undecodable("timestamp");
  one.kit.when_bytes("PropertyEvent", R"({"timestamp":"2014-10-13T00:00:00Z"})")
      .then_undecodable("changes");
  one.kit
      .when_bytes("PropertyEvent",
                  R"({"timestamp":"2015-02-29T00:00:00Z","changes":{}})")
      .then_undecodable("timestamp");
  one.kit
      .when_bytes("PropertyEvent", R"({"timestamp":"2014-10-13T00:00:00Z",)"
                                   R"("changes":{"price":"300"}})")
      .then_undecodable("price");
  one.kit.event_id("").when(status(1, "listed")).then_fails_for_good("eventId");
}

TEST_CASE("what nobody can follow is refused for good",
          "[actors][followed-property]") {
  followed one;
  one.kit.when(price(1, -1)).then_fails_for_good("changes.price is below zero");
  property_event_told other = status(1, "listed");
  other.property_id = "2";
  one.kit.when(other).then_fails_for_good("propertyId is 2");
  property_event_told ahead = status(1, "listed");
  const std::int64_t most = kit_of_one::first_time.value() + 86'400'000;
  ahead.timestamp = utc_time::of(timestamp{most + 1}).value();
  one.kit.when(ahead).then_fails_for_good("ahead of the clock");
  ahead.timestamp = utc_time::of(timestamp{most}).value();
  one.kit.when(ahead).then_emits<property_followed>();
}

TEST_CASE("the market that follows has the analytics and no commands",
          "[actors][application]") {
  const application market = following_market_application("m", {}, "others");
  REQUIRE(market.entities().size() == 4);
  CHECK(market.entities()[0]->traits().type == "property");
  CHECK(market.entities()[0]->takes("PropertyEvent"));
  CHECK_FALSE(market.entities()[0]->takes("RecordSale"));
  REQUIRE(market.sources().size() == 1);
  CHECK(market.sources()[0].topic == "others");
  CHECK(market.sources()[0].event_time_field == "timestamp");
  CHECK(market.sources()[0].deduplicate);
  CHECK(market.is_journal("property-journal"));
  CHECK_FALSE(market.is_journal("property-events"));
}
