// The reader of sales against files as people have them: quotes, line ends,
// marks, damage. Each file is written to a directory that goes with the test.
#include "node/csv_sales.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <vector>

using namespace freehold;
using namespace freehold::node;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const std::string plain_mapping = "time=t,property=p,neighborhood=n,price=d";
const std::string header = "t,p,n,d\n";

class csv_file {
public:
  explicit csv_file(const std::string& text) {
    char pattern[] = "/tmp/freehold_csv_XXXXXX";
    directory_ = ::mkdtemp(pattern);
    path = directory_ + "/sales.csv";
    std::ofstream{path, std::ios::binary} << text;
  }
  ~csv_file() { fs::remove_all(directory_); }
  csv_file(const csv_file&) = delete;
  csv_file& operator=(const csv_file&) = delete;

  std::string path;

private:
  std::string directory_;
};

struct contents {
  std::vector<sale_row> sales;
  std::vector<bad_line> bad;
};

contents read_all(csv_sales& from) {
  contents all;
  while (auto row = from.next()) {
    if (auto* sale = std::get_if<sale_row>(&*row))
      all.sales.push_back(std::move(*sale));
    else
      all.bad.push_back(std::get<bad_line>(*row));
  }
  CHECK_FALSE(from.next());
  return all;
}

contents read(const std::string& text,
              const std::string& mapping = plain_mapping) {
  const csv_file file{text};
  auto sales = csv_sales::open(file.path, mapping);
  INFO((sales ? "" : sales.error().context));
  REQUIRE(sales);
  return read_all(*sales);
}

std::string refused(const std::string& text,
                    const std::string& mapping = plain_mapping) {
  const csv_file file{text};
  const auto sales = csv_sales::open(file.path, mapping);
  return sales ? "" : sales.error().context;
}

/// What is said about a line with that text in one column.
std::string reason(const std::string& column, const std::string& value) {
  const auto cell = [&](const std::string& name, const std::string& good) {
    return name == column ? value : good;
  };
  const contents all =
      read(header + cell("t", "2014-05-02") + "," + cell("p", "7") + ","
           + cell("n", "98001") + "," + cell("d", "100") + "\n");
  if (all.bad.empty())
    return "";
  REQUIRE(all.bad.size() == 1);
  CHECK(all.sales.empty());
  CHECK(all.bad[0].line == 2);
  CHECK(all.bad[0].column == column);
  return all.bad[0].reason;
}

std::int64_t time_of(const std::string& text) {
  const contents all = read(header + text + ",p,n,1\n");
  INFO(text);
  REQUIRE(all.sales.size() == 1);
  return all.sales[0].time.value();
}

} // namespace

// -- the form of the file ----------------------------------------------------

TEST_CASE("columns are found by name in any order, others are ignored",
          "[node][csv]") {
  const contents all =
      read("year_built,price_usd,junk,zipcode,property_id,sale_date,sqft\n"
           "2007,625000,\"a,b\",98059,0123059127,2014-05-02,2730.5\n"
           ",1.05,,98117,0472000620,2014-05-02,\n",
           "time=sale_date, property=property_id,neighborhood=zipcode,"
           "price=price_usd,area=sqft,year=year_built");
  REQUIRE(all.bad.empty());
  REQUIRE(all.sales.size() == 2);
  CHECK(all.sales[0].line == 2);
  CHECK(all.sales[0].time.value() == 1398988800000);
  CHECK(all.sales[0].property == "0123059127");
  CHECK(all.sales[0].neighborhood == "98059");
  CHECK(all.sales[0].price_cents == 62500000);
  CHECK(all.sales[0].area_hundredths == 273050);
  CHECK(all.sales[0].year == 2007);
  CHECK(all.sales[1].price_cents == 105);
  CHECK_FALSE(all.sales[1].area_hundredths);
  CHECK_FALSE(all.sales[1].year);
}

TEST_CASE("line ends and a byte order mark do not change what is read",
          "[node][csv]") {
  const auto text = GENERATE(
      "t,p,n,d\n2014-05-02,a,b,1\n2014-05-03,c,d,2\n",
      "t,p,n,d\r\n2014-05-02,a,b,1\r\n2014-05-03,c,d,2\r\n",
      "\xEF\xBB\xBFt,p,n,d\r\n2014-05-02,a,b,1\r\n2014-05-03,c,d,2",
      "\xEF\xBB\xBF\"t\",p,n,d\n\n2014-05-02,a,b,1\n\r\n2014-05-03,c,d,2\r",
      " t ,p,n,d\n2014-05-02 , a,\tb, 1\n\"2014-05-03\",\"c\",\"d\",\"2\"\r");
  const contents all = read(text);
  REQUIRE(all.bad.empty());
  REQUIRE(all.sales.size() == 2);
  CHECK(all.sales[0].property == "a");
  CHECK(all.sales[0].neighborhood == "b");
  CHECK(all.sales[0].price_cents == 100);
  CHECK(all.sales[1].property == "c");
  CHECK(all.sales[1].price_cents == 200);
}

TEST_CASE("quoted fields may hold commas, quotes and line ends",
          "[node][csv]") {
  const contents all = read("t,p,n,d,note\n"
                            "2014-05-02,\"a,\"\"b\"\"\",n,1,\"x\r\ny\n\nz\"\n"
                            "2014-05-02,5\"pipe,n,2,\"\"\n"
                            "never,a,n,1,-\n");
  REQUIRE(all.sales.size() == 2);
  CHECK(all.sales[0].property == "a,\"b\"");
  CHECK(all.sales[1].property == "5\"pipe");
  CHECK(all.sales[1].line == 6);
  REQUIRE(all.bad.size() == 1);
  CHECK(all.bad[0].line == 7);
  CHECK(all.bad[0].column == "t");
}

TEST_CASE("a quote that is never closed costs its own line only",
          "[node][csv]") {
  const contents all = read(header
                            + "2014-05-02,\"a,n,1\n"
                              "2014-05-02,b,n,2\n"
                              "2014-05-02,c,n,3\n");
  REQUIRE(all.bad.size() == 1);
  CHECK(all.bad[0].line == 2);
  CHECK(all.bad[0].reason == "a quote is never closed");
  REQUIRE(all.sales.size() == 2);
  CHECK(all.sales[0].line == 3);
  CHECK(all.sales[1].price_cents == 300);
}

TEST_CASE("text behind a closing quote is a bad line", "[node][csv]") {
  const contents all = read(header
                            + "2014-05-02,\"a\"x,n,1\n"
                              "2014-05-02,b,n,2\n");
  REQUIRE(all.bad.size() == 1);
  CHECK_THAT(all.bad[0].reason, Contains("follows a closing quote"));
  CHECK(all.sales.size() == 1);
}

TEST_CASE("a record above its bound is a bad line and the rest is read",
          "[node][csv]") {
  const auto size = GENERATE(60'000U, 70'000U, 140'000U, 1'000'000U);
  const auto quote = GENERATE("", "\"");
  const contents all =
      read("t,p,n,d,note\n2014-05-02,a,n,1," + std::string{quote}
           + std::string(size, 'x') + quote + "\n2014-05-02,b,n,2,\n");
  const bool fits = size < 64U * 1024U;
  CHECK(all.bad.size() == (fits ? 0 : 1));
  REQUIRE(all.sales.size() == (fits ? 2 : 1));
  CHECK(all.sales.back().property == "b");
  CHECK(all.sales.back().line == 3);
}

TEST_CASE("a line with too few or too many fields is a bad line",
          "[node][csv]") {
  const contents all = read(header
                            + "2014-05-02,a,n\n"
                              "2014-05-02,a,n,1,2\n"
                              "2014-05-02,a,n,1\n"
                              "2014-05-02,a,n,");
  CHECK(all.sales.size() == 1);
  REQUIRE(all.bad.size() == 3);
  CHECK(all.bad[0].reason == "has 3 fields, the header has 4");
  CHECK(all.bad[1].reason == "has 5 fields, the header has 4");
  CHECK(all.bad[2].reason == "is empty");
  CHECK(all.bad[2].column == "d");
  CHECK(all.bad[2].line == 5);
}

TEST_CASE("many lines are counted right across the reader's buffers",
          "[node][csv]") {
  std::string text = header;
  constexpr std::size_t count = 20'000;
  for (std::size_t i = 0; i < count; ++i)
    text.append("2014-05-02,p")
        .append(std::to_string(i))
        .append(",\"n\",")
        .append(std::to_string(i))
        .append(i % 3 == 0 ? "\r\n" : "\n");
  const contents all = read(text);
  REQUIRE(all.bad.empty());
  REQUIRE(all.sales.size() == count);
  for (std::size_t i = 0; i < count; ++i)
    if (all.sales[i].line != i + 2
        || all.sales[i].price_cents != static_cast<std::int64_t>(i) * 100
        || all.sales[i].property != std::string{"p"}.append(std::to_string(i)))
      FAIL("sale " << i << " is not what was written");
}

// -- values ------------------------------------------------------------------

TEST_CASE("times are read as UTC", "[node][csv]") {
  CHECK(time_of("1970-01-01") == 0);
  CHECK(time_of("1969-12-31") == -86'400'000);
  CHECK(time_of("2000-02-29") == 951'782'400'000);
  CHECK(time_of("2014-05-02T00:00Z") == 1'398'988'800'000);
  CHECK(time_of("2014-05-02T01:02:03") == 1'398'992'523'000);
  CHECK(time_of("2014-05-02 01:02:03.4567Z") == 1'398'992'523'456);
  CHECK(time_of("2014-05-02T23:59:59.999+00:00") == 1'399'075'199'999);
}

TEST_CASE("times that are not exactly one are refused", "[node][csv]") {
  for (const std::string text : {"",
                                 "2014",
                                 "2014-5-2",
                                 "02.05.2014",
                                 "05/02/2014",
                                 "20140502",
                                 "2014-05-02T",
                                 "2014-05-02T1",
                                 "2014-05-02T01:02:",
                                 "2014-05-02T01",
                                 "2014-05-02T01:02:03.",
                                 "2014-05-02Z",
                                 "2014-05-02x",
                                 "-014-05-02",
                                 "2014-05-02T01:02:03Zx",
                                 "2014-13-01",
                                 "2014-02-29",
                                 "2014-04-31",
                                 "2014-00-01",
                                 "2014-01-00",
                                 "2014-05-02T24:00",
                                 "2014-05-02T12:60",
                                 "2014-05-02T12:00:60",
                                 "2014-05-02T12:00+02:00"}) {
    INFO(text);
    CHECK_FALSE(reason("t", text).empty());
  }
  CHECK(reason("t", "2014-02-29") == "is a day that does not exist");
  CHECK_THAT(reason("t", "2014-05-02T12:00-01:00"), Contains("not in UTC"));
}

TEST_CASE("prices become cents exactly", "[node][csv]") {
  const auto [text, cents] = GENERATE(table<std::string, std::int64_t>(
      {{"0", 0},
       {"0.01", 1},
       {"0.1", 10},
       {"19.99", 1999},
       {"007", 700},
       {"625000", 62'500'000},
       {"92233720368547756.99", 9'223'372'036'854'775'699}}));
  const contents all = read(header + "2014-05-02,p,n," + text + "\n");
  REQUIRE(all.sales.size() == 1);
  CHECK(all.sales[0].price_cents == cents);
}

TEST_CASE("prices that are not plain dollars are refused", "[node][csv]") {
  for (const std::string text : {"",
                                 "-1",
                                 "-0.01",
                                 "+1",
                                 "$1",
                                 "1e5",
                                 "1.",
                                 ".5",
                                 "1.234",
                                 "1.2.3",
                                 "\"1,000\"",
                                 "1 000",
                                 "1_000",
                                 "abc",
                                 "0x10",
                                 "nan",
                                 "inf",
                                 "1.-1",
                                 "92233720368547758.08",
                                 "99999999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(reason("d", text).empty());
  }
  CHECK(reason("d", "-1") == "is negative");
  CHECK(reason("d", "1.005") == "has more than two decimals");
}

TEST_CASE("keys are text that can be shown and sent", "[node][csv]") {
  for (const std::string column : {"p", "n"}) {
    CHECK(reason(column, "") == "is empty");
    CHECK(reason(column, " \t ") == "is empty");
    CHECK(reason(column, "\"a\nb\"") == "has a control character");
    CHECK(reason(column, std::string{"a\0b", 3}) == "has a control character");
    CHECK(reason(column, std::string(1025, 'k'))
          == "is longer than 1024 bytes");
    CHECK(reason(column, std::string(1024, 'k')).empty());
    CHECK(
        reason(column, "M\xC3\xBCnchen \xE2\x82\xAC \xF0\x9F\x8F\xA0").empty());
    for (const std::string bytes :
         {"M\xFCnchen", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
          "\xF5\x80\x80\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"})
      CHECK(reason(column, bytes) == "is not UTF-8");
  }
}

TEST_CASE("optional columns are checked where they are filled", "[node][csv]") {
  const contents all = read("t,p,n,d,a,y\n"
                            "2014-05-02,p,n,1,-5,2000\n"
                            "2014-05-02,p,n,1,5,MMVII\n"
                            "2014-05-02,p,n,1,5,0\n"
                            "2014-05-02,p,n,1,5,10000\n"
                            "2014-05-02,p,n,1,0.5,1\n",
                            plain_mapping + ",area=a,year=y");
  CHECK(all.sales.size() == 1);
  REQUIRE(all.bad.size() == 4);
  CHECK(all.bad[0].column == "a");
  CHECK(all.bad[1].column == "y");
}

// -- what cannot be opened ---------------------------------------------------

TEST_CASE("a bad mapping is refused with the columns of the file",
          "[node][csv]") {
  const auto [mapping, why] = GENERATE(table<std::string, std::string>(
      {{"", "`time` is not mapped to a column"},
       {"time=t,property=p,price=d", "`neighborhood` is not mapped"},
       {plain_mapping + ",colour=p", "there is no field `colour`"},
       {"time=T,property=p,neighborhood=n,price=d", "there is no column `T`"},
       {plain_mapping + ",time=t", "`time` is mapped twice"},
       {plain_mapping + ",area", "`area` is not field=column"},
       {plain_mapping + ",,", "`` is not field=column"},
       {plain_mapping + ",area=", "there is no column ``"}}));
  const std::string all = refused(header, mapping);
  CHECK_THAT(all, Contains(why));
  CHECK_THAT(all, Contains("The file has the columns: t, p, n, d"));
}

TEST_CASE("all faults of a mapping are told at once", "[node][csv]") {
  CHECK_THAT(refused(header, "time=x,colour=p,price=y"),
             Contains("`x`") && Contains("`colour`") && Contains("`y`"));
}

TEST_CASE("a column that is there twice cannot be mapped", "[node][csv]") {
  CHECK_THAT(refused("t,p,n,d,d\n"), Contains("`d` is there twice"));
  CHECK(refused("t,p,n,d,x,x\n").empty());
}

TEST_CASE("a file without a usable header is refused", "[node][csv]") {
  CHECK_THAT(refused(""), Contains("is empty"));
  CHECK_THAT(refused("\xEF\xBB\xBF\n\r\n"), Contains("is empty"));
  CHECK_THAT(refused("\"t,p,n,d\n1,2,3,4\n"), Contains("never closed"));
  CHECK_THAT(refused(std::string{"\xFF\xFEt\0", 4}), Contains("is UTF-16"));
  CHECK_THAT(refused(std::string(100'000, 'x')), Contains("64 KiB"));
  CHECK(refused(header).empty());
}

TEST_CASE("a file that cannot be read is refused with the reason",
          "[node][csv]") {
  const auto missing = csv_sales::open("/nowhere/x.csv", plain_mapping);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK_THAT(missing.error().context, Contains("No such file"));
  const auto directory = csv_sales::open("/tmp", plain_mapping);
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == errc::unavailable);
}

TEST_CASE("the sales that ship are read without a bad line", "[node][csv]") {
  auto sales = csv_sales::open(
      FREEHOLD_SOURCE_DIR "/configs/demo/king_county_sales.csv",
      "time=sale_date,property=property_id,neighborhood=zipcode,"
      "price=price_usd,area=living_area_sqft,year=year_built");
  REQUIRE(sales);
  const contents all = read_all(*sales);
  CHECK(all.bad.empty());
  CHECK(all.sales.size() == 21'613);
}
