// The property entity through the entity kit: each command from each status,
// each reason to refuse, and what is told to the neighborhood.

#include "actors/messages/neighborhood_messages.hpp"
#include "actors/property.hpp"
#include "tests/testkit/entity_kit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::market;
using freehold::testkit::entity_kit;

namespace {

const list_property listing{money::of_dollars(221'900),
                            "98178",
                            "two bedrooms",
                            "agent-7",
                            "web",
                            1'180U};

record_sale sale_at(std::int64_t dollars) {
  record_sale command;
  command.price = money::of_dollars(dollars);
  return command;
}

update_property to_status(listing_status status) {
  update_property command;
  command.status = status;
  return command;
}

update_property to_price(std::int64_t dollars) {
  update_property command;
  command.price = money::of_dollars(dollars);
  return command;
}

utc_time at(const char* text) { return utc_time::parse(text).value(); }

} // namespace

TEST_CASE("a property that was never listed can be listed",
          "[actors][property]") {
  entity_kit<property> kit{"7129300520"};
  kit.at(at("2014-05-02T13:45:00.000Z").value())
      .when(listing)
      .then_emits(property_listed{{"kit/0/1/0",
                                   at("2014-05-02T13:45:00.000Z"),
                                   "7129300520",
                                   {money::of_dollars(221'900),
                                    listing_status::available, "two bedrooms"},
                                   {"agent-7", "web", "98178", 1'180U}}})
      .then_nothing_else()
      .then_state([](const property::state& now) {
        CHECK(now.status == listing_status::available);
        CHECK(now.asking_price == money::of_dollars(221'900));
        CHECK(now.listed_at == at("2014-05-02T13:45:00Z").value());
        CHECK(now.neighborhood == "98178");
        CHECK(now.description == "two bedrooms");
        CHECK_FALSE(now.last_sale);
        CHECK(now.sale_count == 0);
      });
}

TEST_CASE("an event of a property has the published JSON form",
          "[actors][property]") {
  const property_listed event{
      {"e1",
       at("2014-05-02T13:45:00.000Z"),
       "7129300520",
       {money::of_cents(22'190'050).value(), listing_status::available, {}},
       {"agent-7", "web", "98178", {}}}};
  std::string text;
  codec::to_json(text, event);
  CHECK(text
        == R"({"eventId":"e1","timestamp":"2014-05-02T13:45:00.000Z",)"
           R"("propertyId":"7129300520",)"
           R"("changes":{"price":221900.5,"status":"available"},)"
           R"("metadata":{"userId":"agent-7","source":"web",)"
           R"("zipcode":"98178"}})");
}

TEST_CASE("a foreign command needs only what it is about",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.when_bytes("ListProperty", R"({"price":625000,"zipcode":"98103"})")
      .then_emits<property_listed>([](const property_listed& event) {
        CHECK(event.changes.price == money::of_dollars(625'000));
        CHECK_FALSE(event.changes.description);
      });
  kit.when_bytes("ListProperty", R"({"price":1.005,"zipcode":"98103"})")
      .then_undecodable("at most two decimals");
}

TEST_CASE("what is on the market cannot be listed again",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing).when(listing).then_rejects("listed already");
  kit.given(to_status(listing_status::pending))
      .when(listing)
      .then_rejects("listed already")
      .then_nothing_else();
}

TEST_CASE("a listing needs a price above zero", "[actors][property]") {
  const std::int64_t dollars = GENERATE(0, -1);
  list_property command = listing;
  command.price = money::of_dollars(dollars);
  entity_kit<property>{"1"}.when(command).then_rejects("above zero");
}

TEST_CASE("a listing needs a zipcode", "[actors][property]") {
  list_property command = listing;
  command.zipcode.clear();
  entity_kit<property>{"1"}.when(command).then_rejects("no zipcode");
}

TEST_CASE("a message whose time no event can express fails for good",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.at(timestamp{INT64_MAX}).when(listing).then_fails_for_good("years 0000");
}

TEST_CASE("an update changes what it names and nothing else",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing)
      .when(to_price(219'000))
      .then_emits<property_updated>([](const property_updated& event) {
        CHECK(event.changes.price == money::of_dollars(219'000));
        CHECK_FALSE(event.changes.status);
        CHECK_FALSE(event.changes.description);
        CHECK_FALSE(event.metadata.zipcode);
      })
      .then_tells<price_changed>(
          "neighborhood", "98178",
          [](const price_changed& told) {
            CHECK(told.price == money::of_dollars(219'000));
            CHECK(told.previous_price == money::of_dollars(221'900));
            CHECK(told.living_area_sqft == 1'180U);
          })
      .then_nothing_else()
      .then_state([](const property::state& now) {
        return now.asking_price == money::of_dollars(219'000)
               && now.status == listing_status::available
               && now.description == "two bedrooms";
      });
}

TEST_CASE("an update may clear the description", "[actors][property]") {
  update_property command;
  command.description = "";
  entity_kit<property> kit{"1"};
  kit.given(listing).when(command).then_state(
      [](const property::state& now) { return now.description.empty(); });
}

TEST_CASE("an event of an update carries only real changes",
          "[actors][property]") {
  update_property command = to_price(219'000);
  command.status = listing_status::available;
  command.description = "two bedrooms";
  entity_kit<property> kit{"1"};
  kit.given(listing).when(command).then_emits<property_updated>(
      [](const property_updated& event) {
        return event.changes.price && !event.changes.status
               && !event.changes.description;
      });
  kit.when(command).then_rejects("changes nothing");
}

TEST_CASE("an empty update is refused", "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing).when(update_property{}).then_rejects("empty");
}

TEST_CASE("an update needs a price above zero", "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing);
  kit.when(to_price(0)).then_rejects("above zero");
  kit.when(to_price(-5)).then_rejects("above zero");
}

TEST_CASE("what was never listed can be neither updated nor sold",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.when(to_price(1)).then_rejects("not listed");
  kit.when(sale_at(1)).then_rejects("not listed");
}

TEST_CASE("what is sold can be neither updated nor sold again",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing, sale_at(220'000));
  kit.when(to_price(1)).then_rejects("sold; list it again");
  kit.when(to_status(listing_status::available))
      .then_rejects("sold; list it again");
  kit.when(sale_at(1)).then_rejects("sold already").then_nothing_else();
}

TEST_CASE("an offer may come and go", "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing)
      .when(to_status(listing_status::pending))
      .then_emits<property_updated>()
      .when(to_status(listing_status::available))
      .then_emits<property_updated>()
      .then_state([](const property::state& now) {
        return now.status == listing_status::available;
      });
}

TEST_CASE("an update cannot sell, because a sale has a price",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing)
      .when(to_status(listing_status::sold))
      .then_rejects("use RecordSale");
}

TEST_CASE("a sale is an event and is told to the neighborhood",
          "[actors][property]") {
  const bool pending = GENERATE(false, true);
  entity_kit<property> kit{"7129300520"};
  kit.at(at("2014-10-13T00:00:00.000Z").value()).given(listing);
  if (pending)
    kit.given(to_status(listing_status::pending));
  record_sale command = sale_at(220'000);
  command.sold_at = at("2014-10-13T00:00:00.000Z");
  sale_recorded sold{"7129300520",
                     money::of_dollars(220'000),
                     at("2014-10-13T00:00:00.000Z"),
                     {},
                     "98178",
                     listing.living_area_sqft};
  kit.when(command)
      .then_emits<property_sold>([&sold](const property_sold& event) {
        sold.sale_id = event.event_id;
        CHECK(event.timestamp == at("2014-10-13T00:00:00.000Z"));
        CHECK(event.changes.price == money::of_dollars(220'000));
        CHECK(event.changes.status == listing_status::sold);
        CHECK(event.metadata.zipcode == "98178");
        CHECK(event.metadata.living_area_sqft == 1'180U);
      })
      .then_tells("neighborhood", "98178", sold)
      .then_tells("market", "all", sold)
      .then_nothing_else()
      .then_state([](const property::state& now) {
        REQUIRE(now.last_sale);
        CHECK(now.last_sale->price == money::of_dollars(220'000));
        CHECK(now.last_sale->at == at("2014-10-13T00:00:00Z").value());
        CHECK(now.sale_count == 1);
        CHECK(now.asking_price == money::of_dollars(221'900));
      });
}

TEST_CASE("a sale without a time happened when its message did",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  kit.given(listing)
      .at(at("2015-01-01T00:00:00Z").value())
      .when(sale_at(1))
      .then_emits<property_sold>([](const property_sold& event) {
        return event.timestamp == at("2015-01-01T00:00:00Z");
      });
}

TEST_CASE("a sale may be a day ahead of its message and no more",
          "[actors][property]") {
  const utc_time now = at("2015-01-01T12:00:00Z");
  const std::int64_t most = now.value().value() + 86'400'000;
  record_sale command = sale_at(1);
  command.sold_at = utc_time::of(timestamp{most + 1}).value();
  entity_kit<property> kit{"1"};
  kit.at(now.value())
      .given(listing)
      .when(command)
      .then_rejects("more than a day ahead");
  command.sold_at = utc_time::of(timestamp{most}).value();
  kit.when(command).then_emits<property_sold>();
}

TEST_CASE("a sale is not earlier than the listing", "[actors][property]") {
  const utc_time listed = at("2015-01-01T12:00:00Z");
  record_sale command = sale_at(1);
  command.sold_at = utc_time::of(timestamp{listed.value().value() - 1}).value();
  entity_kit<property> kit{"1"};
  kit.at(listed.value()).given(listing).at(at("2016-01-01T00:00:00Z").value());
  kit.when(command).then_rejects("earlier than the listing");
  command.sold_at = listed;
  kit.when(command).then_emits<property_sold>();
}

TEST_CASE("a sale needs a price above zero", "[actors][property]") {
  const std::int64_t dollars = GENERATE(0, -1);
  entity_kit<property> kit{"1"};
  kit.given(listing).when(sale_at(dollars)).then_rejects("above zero");
}

TEST_CASE("what was sold can be listed again and keeps its last sale",
          "[actors][property]") {
  entity_kit<property> kit{"1"};
  list_property again = listing;
  again.price = money::of_dollars(300'000);
  again.description.clear();
  kit.given(listing, sale_at(220'000))
      .when(again)
      .then_emits<property_listed>()
      .then_state([](const property::state& now) {
        CHECK(now.status == listing_status::available);
        CHECK(now.asking_price == money::of_dollars(300'000));
        CHECK(now.description.empty());
        CHECK(now.last_sale->price == money::of_dollars(220'000));
        CHECK(now.sale_count == 1);
      });
  kit.when(sale_at(290'000)).then_state([](const property::state& now) {
    return now.sale_count == 2;
  });
}
