// Money and time as the outside world writes them, and the application.

#include "actors/market_application.hpp"
#include "actors/messages/money.hpp"
#include "actors/messages/utc_time.hpp"
#include "runtime/codec/codec.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <string>

using namespace freehold;
using namespace freehold::market;

namespace {

struct priced {
  static constexpr std::string_view type = "Priced";
  money price;
};
BOOST_DESCRIBE_STRUCT(priced, (), (price))

std::string json_of(money price) {
  std::string text;
  codec::to_json(text, priced{price});
  return text;
}

std::string again(const char* text) {
  const auto time = utc_time::parse(text);
  return time ? time->to_string() : "refused";
}

} // namespace

TEST_CASE("money is dollars with at most two decimals in JSON",
          "[actors][money]") {
  CHECK(json_of(money::of_dollars(625'000)) == R"({"price":625000})");
  CHECK(json_of(money::of_cents(62'500'050).value())
        == R"({"price":625000.5})");
  CHECK(json_of(money::of_cents(-7).value()) == R"({"price":-0.07})");
  const auto read = [](std::string_view text) {
    return codec::from_json<priced>(text);
  };
  CHECK(read(R"({"price":625000})")->price.cents() == 62'500'000);
  CHECK(read(R"({"price":625000.5})")->price.cents() == 62'500'050);
  CHECK(read(R"({"price":0.29})")->price.cents() == 29);
  CHECK(read(R"({"price":1.10})")->price.cents() == 110);
  CHECK_FALSE(read(R"({"price":1.005})"));
  CHECK_FALSE(read(R"({"price":999999999999.991})")); // 15 digits
  // Digits that no double keeps are not seen.
  CHECK(read(R"({"price":1.0000000000000000001})")->price.cents() == 100);
  CHECK_FALSE(read(R"({"price":0.001})"));
  CHECK_FALSE(read(R"({"price":"12"})"));
  CHECK(read(R"({"price":9999999999999.99})")->price.cents()
        == money::cents_max);
  CHECK_FALSE(read(R"({"price":10000000000000})"));
  CHECK_FALSE(read(R"({"price":1e300})"));
}

TEST_CASE("no number that is none becomes money", "[actors][money]") {
  CHECK_FALSE(money::from_number(std::nan("")));
  CHECK_FALSE(money::from_number(std::numeric_limits<double>::infinity()));
  CHECK_FALSE(money::of_cents(money::cents_max + 1));
  CHECK_FALSE(money::of_cents(-money::cents_max - 1));
}

TEST_CASE("every cent survives the way through a number", "[actors][money]") {
  const auto survives = [](std::int64_t cents) {
    const money amount = money::of_cents(cents).value();
    const auto same = money::from_number(amount.to_number());
    return same && *same == amount;
  };
  for (std::int64_t cents = -20'000; cents <= 20'000; ++cents)
    REQUIRE(survives(cents));
  // Where doubles are widest apart, and at each power of two on the way.
  for (std::int64_t i = 0; i < 20'000; ++i)
    REQUIRE(survives(money::cents_max - i));
  for (int bit = 0; bit < 49; ++bit)
    for (std::int64_t i = -200; i <= 200; ++i)
      REQUIRE(survives((std::int64_t{1} << bit) + i));
}

TEST_CASE("a time is RFC 3339 in UTC with milliseconds", "[actors][time]") {
  CHECK(utc_time{}.to_string() == "1970-01-01T00:00:00.000Z");
  CHECK(again("2014-05-02T13:45:07.089Z") == "2014-05-02T13:45:07.089Z");
  CHECK(again("2014-05-02T13:45:07Z") == "2014-05-02T13:45:07.000Z");
  CHECK(again("2014-05-02T01:45:07.5+02:00") == "2014-05-01T23:45:07.500Z");
  CHECK(again("2014-05-02T23:45:07-00:30") == "2014-05-03T00:15:07.000Z");
  CHECK(again("2014-05-02T13:45:07.0899999Z") == "2014-05-02T13:45:07.089Z");
  CHECK(utc_time::parse("1969-12-31T23:59:59.999Z")->value().value() == -1);
  CHECK(utc_time::of(timestamp{-1})->to_string() == "1969-12-31T23:59:59.999Z");
  CHECK(again("2016-02-29T00:00:00Z") == "2016-02-29T00:00:00.000Z");
}

TEST_CASE("what is no time is refused", "[actors][time]") {
  for (const char* text :
       {"", "2014", "2014-05-02", "2014-05-02T13:45:07", "2014-13-02T00:00:00Z",
        "2015-02-29T00:00:00Z", "2014-05-02T24:00:00Z", "2014-05-02T00:60:00Z",
        "2014-05-02T00:00:60Z", "2014-05-02T00:00:00.Z",
        "2014-05-02T00:00:00Z ", "2014-05-02T00:00:00+2:00",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"}) {
    CAPTURE(text);
    CHECK(again(text) == "refused");
  }
  CHECK(again("0000-01-01T00:00:00Z") == "0000-01-01T00:00:00.000Z");
  CHECK(again("9999-12-31T23:59:59.999Z") == "9999-12-31T23:59:59.999Z");
  CHECK_FALSE(utc_time::of(timestamp{std::numeric_limits<int64_t>::min()}));
  CHECK_FALSE(utc_time::of(timestamp{std::numeric_limits<int64_t>::max()}));
}

TEST_CASE("the market has its entities, source and journal",
          "[actors][application]") {
  const application market = market_application();
  CHECK(market.name() == "market");
  REQUIRE(market.entities().size() == 4);
  CHECK(market.entities()[0]->traits().type == "property");
  CHECK(market.entities()[0]->takes("RecordSale"));
  CHECK(market.entities()[1]->takes("SaleRecorded"));
  CHECK(market.entities()[2]->takes("SaleRecorded"));
  CHECK(market.event_time());
  REQUIRE(market.sources().size() == 1);
  CHECK(market.sources()[0].topic == "property-commands");
  CHECK(market.sources()[0].entity == "property");
  REQUIRE(market.outputs().size() == 7);
  CHECK(market.is_journal("property-events"));
  CHECK_FALSE(market.is_journal("neighborhood-prices"));
}
