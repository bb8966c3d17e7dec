// How sales become commands, how an import recognises what is there, and how
// records are shown. The log is the in-memory one, which answers at once.

#include "bridges/log/memory_log.hpp"
#include "node/application_wiring.hpp"
#include "node/console.hpp"
#include "node/market_summary.hpp"
#include "node/record_json.hpp"
#include "node/sale_import.hpp"
#include "node/sale_records.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace freehold;
using namespace freehold::node;

namespace {

namespace log_bridge = freehold::bridges::log;

sale_row row_of(std::string property, std::int64_t cents) {
  sale_row row;
  row.line = 2;
  row.time = timestamp{1'398'988'800'000}; // 2014-05-02
  row.property = std::move(property);
  row.neighborhood = "98103";
  row.price_cents = cents;
  return row;
}

class quiet_listener final : public ports::log_listener {
public:
  void granted(std::vector<ports::shard_grant>) override {}
  void revoked(std::vector<partition_index>) override {}
  void lost(std::vector<partition_index>) override {}
  void fetched(next_offset, ports::record_batch_ptr) override {}
  void fetch_failed(topic_partition, next_offset, error) override {}
  void looked_up(std::shared_ptr<ports::lookup>, result<void>) override {}
  void committed(ports::commit_result) override {}
  void recovered(std::vector<ports::shard_grant>) override {}
  void broken(error) override {}
};

/// A log in memory and a CSV file to import into it.
class import_world {
public:
  explicit import_world(
      application_source source = application_source::commands) {
    std::string name =
        (std::filesystem::temp_directory_path() / "freehold-import-XXXXXX")
            .string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
    configuration values;
    values.topics_prefix = "market";
    values.shards = 3;
    values.application_source = source;
    plan_ = make_plan(values).value();
    REQUIRE(log_.start(plan_->layout, listener_));
  }
  ~import_world() {
    log_.stop();
    std::filesystem::remove_all(directory_);
  }
  import_world(const import_world&) = delete;
  import_world& operator=(const import_world&) = delete;

  void write(const std::string& lines) {
    std::ofstream out{directory_ / "sales.csv"};
    out << "date,id,zip,price\n" << lines;
  }

  sale_import::counts import(std::uint64_t rows_per_pump = ~std::uint64_t{0},
                             std::uint64_t rows_in_all = ~std::uint64_t{0}) {
    log_bridge::memory_log_reader reader{storage_};
    auto opened = sale_import::open(
        {(directory_ / "sales.csv").string(),
         "time=date,property=id,neighborhood=zip,price=price"},
        {.log = log_,
         .reader = reader,
         .plan = *plan_,
         .report = [this](const bad_line& bad) { bad_lines.push_back(bad); },
         .wake = [this] { ++wakes; }});
    REQUIRE(opened);
    sale_import& import = **opened;
    for (std::uint64_t all = 0; all < rows_in_all;) {
      std::uint64_t taken = 0;
      if (import.pump(rows_per_pump, taken) == sale_import::state::finished)
        break;
      all += taken;
    }
    failure = import.failure();
    return import.count();
  }

  struct seen {
    std::uint32_t partition;
    std::int64_t time;
    std::string key;
    std::string id;
    std::string type;
    std::string value;
  };
  std::vector<seen> commands() {
    std::vector<seen> all;
    log_bridge::memory_log_reader reader{storage_};
    const auto topic = plan_->sources.front().topic;
    const auto described = reader.topics().value()[topic.value()];
    for (std::uint32_t p = 0; p < described.partitions.size(); ++p)
      for (next_offset at = described.partitions[p].begin;
           at < described.partitions[p].end;) {
        const auto batch =
            reader.read({topic, partition_index{p}}, at, 1U << 20U).value();
        for (const record& each : batch->records)
          all.push_back({p, each.time.value(), std::string{each.key},
                         std::string{each.headers.find("ce_id").value_or("")},
                         std::string{each.headers.find("ce_type").value_or("")},
                         std::string{each.value}});
        at = batch->next;
      }
    return all;
  }

  log_bridge::memory_log& log() { return log_; }

  std::vector<bad_line> bad_lines;
  int wakes = 0;
  std::optional<error> failure;

private:
  std::filesystem::path directory_;
  quiet_listener listener_;
  std::shared_ptr<log_bridge::memory_log_storage> storage_ =
      std::make_shared<log_bridge::memory_log_storage>();
  log_bridge::memory_log log_{storage_};
  std::shared_ptr<const engine::application_plan> plan_;
};

} // namespace

// -- ids ---------------------------------------------------------------------

TEST_CASE("the identity of a sale is its time, property, place and price",
          "[node][import]") {
  auto row = row_of("7129300520", 22'190'000);
  CHECK(sale_identity(row)
        == "2014-05-02T00:00:00.000Z/7129300520/98103/22190000");
  row.line = 17;
  row.area_hundredths = 273'000;
  row.year = 1955;
  CHECK(sale_identity(row)
        == "2014-05-02T00:00:00.000Z/7129300520/98103/22190000");
}

TEST_CASE("the identity of a sale cannot be imitated by separators in its keys",
          "[node][import]") {
  auto one = row_of("a/b", 1);
  auto other = row_of("a", 1);
  other.neighborhood = "b/98103";
  CHECK(sale_identity(one) != sale_identity(other));
  CHECK(sale_identity(row_of("a%2Fb", 1)) != sale_identity(one));
  CHECK(sale_identity(row_of("a#2", 1)).find('#') == std::string::npos);
}

TEST_CASE("the commands of a sale have different ids, also of its repetition",
          "[node][import]") {
  CHECK(listing_id("x", 1) == "listing/x");
  CHECK(sale_id("x", 1) == "sale/x");
  CHECK(sale_id("x", 2) == "sale/x#2");
}

// -- commands ----------------------------------------------------------------

TEST_CASE("a sale becomes a listing and a sale in the property's partition",
          "[node][import]") {
  sale_batch batch;
  auto row = row_of("7129300520", 22'190'050);
  row.area_hundredths = 118'050;
  row.year = 1955;
  REQUIRE(batch.add(row, "id", 1));
  CHECK(batch.sale_count() == 1);
  batch.seal(topic_index{4}, 8);
  REQUIRE(batch.appends.size() == 2);
  const auto& listing = batch.appends[0];
  CHECK(listing.target.topic == topic_index{4});
  CHECK(listing.target.partition == partition_of("7129300520", 8));
  CHECK(listing.key == "7129300520");
  CHECK(listing.time == row.time);
  CHECK(listing.headers.find("ce_id") == "listing/id");
  CHECK(listing.headers.find("ce_type") == "ListProperty");
  CHECK(listing.value
        == R"({"price":221900.5,"zipcode":"98103",)"
           R"("description":"living area 1180.50, built 1955",)"
           R"("userId":"","source":"import","livingAreaSqft":1181})");
  const auto& sale = batch.appends[1];
  CHECK(sale.headers.find("ce_type") == "RecordSale");
  CHECK(sale.headers.find("ce_id") == "sale/id");
  CHECK(sale.value
        == R"({"price":221900.5,"soldAt":"2014-05-02T00:00:00.000Z",)"
           R"("userId":"","source":"import"})");
}

TEST_CASE("a sale that no command can carry leaves nothing in its batch",
          "[node][import]") {
  sale_batch batch;
  CHECK_FALSE(batch.add(row_of("a", 9'000'000'000'000'000), "id", 1));
  auto late = row_of("a", 1);
  late.time = timestamp{400'000'000'000'000};
  CHECK_FALSE(batch.add(late, "id", 1));
  CHECK(batch.sale_count() == 0);
}

TEST_CASE("a sale becomes one event without headers for properties that follow",
          "[node][import]") {
  sale_batch batch{sale_form::events};
  auto row = row_of("7129300520", 22'190'050);
  row.area_hundredths = 118'050;
  REQUIRE(batch.add(row, "id", 2));
  CHECK(batch.sale_count() == 1);
  batch.seal(topic_index{4}, 8);
  REQUIRE(batch.appends.size() == 1);
  const auto& event = batch.appends[0];
  CHECK(event.target.partition == partition_of("7129300520", 8));
  CHECK(event.key == "7129300520");
  CHECK(event.headers.packed().empty());
  CHECK(event.value
        == R"({"eventId":"sale/id#2","timestamp":"2014-05-02T00:00:00.000Z",)"
           R"("propertyId":"7129300520","changes":{"price":221900.5,)"
           R"("status":"sold","description":"living area 1180.50"},)"
           R"("metadata":{"userId":"","source":"import","zipcode":"98103",)"
           R"("livingAreaSqft":1181}})");
}

// -- import ------------------------------------------------------------------

TEST_CASE("an import for properties that follow recognises its events, too",
          "[node][import]") {
  import_world world{application_source::events};
  world.write("2014-05-02,1,98103,100\n2014-05-02,1,98103,100\n");
  CHECK(world.import().appended == 2);
  world.write("2014-05-02,1,98103,100\n2014-05-02,1,98103,100\n"
              "2014-05-03,2,98103,200\n");
  const auto again = world.import();
  CHECK(again.already_there == 2);
  CHECK(again.appended == 1);
  CHECK(world.commands().size() == 3);
}

TEST_CASE("an import appends two commands for each sale", "[node][import]") {
  import_world world;
  world.write("2014-05-02,1,98103,100\n2014-05-03,2,98103,200\n");
  const auto counts = world.import();
  CHECK(counts.rows == 2);
  CHECK(counts.appended == 2);
  CHECK(counts.already_there == 0);
  const auto commands = world.commands();
  REQUIRE(commands.size() == 4);
  for (const auto& each : commands)
    CHECK(each.partition == partition_of(each.key, 3).value());
}

TEST_CASE("an import that is repeated appends nothing", "[node][import]") {
  import_world world;
  world.write("2014-05-02,1,98103,100\n2014-05-02,1,98103,100\n");
  CHECK(world.import().appended == 2);
  const auto again = world.import();
  CHECK(again.rows == 2);
  CHECK(again.already_there == 2);
  CHECK(again.appended == 0);
  CHECK(world.commands().size() == 4);
}

TEST_CASE("an import keeps sales apart that look the same", "[node][import]") {
  import_world world;
  world.write("2014-05-02,1,98103,100\n2014-05-02,1,98103,100\n");
  world.import();
  std::set<std::string> ids;
  for (const auto& each : world.commands())
    ids.insert(each.id);
  CHECK(ids.size() == 4);
}

TEST_CASE("an import that was cut off goes on with what is missing",
          "[node][import]") {
  import_world world;
  std::string lines;
  for (int i = 0; i < 50; ++i)
    lines += "2014-05-02," + std::to_string(i) + ",98103,100\n";
  world.write(lines);
  CHECK(world.import(7, 14).appended == 14);
  const auto rest = world.import();
  CHECK(rest.already_there == 14);
  CHECK(rest.appended == 36);
  CHECK(world.commands().size() == 100);
}

TEST_CASE("an import of new sales into a longer file finds only those",
          "[node][import]") {
  import_world world;
  world.write("2014-05-02,1,98103,100\n");
  world.import();
  world.write("2014-05-01,9,98103,100\n2014-05-02,1,98103,100\n");
  const auto counts = world.import();
  CHECK(counts.already_there == 1);
  CHECK(counts.appended == 1);
}

TEST_CASE("an import reports bad lines and goes on", "[node][import]") {
  import_world world;
  world.write("2014-05-02,1,98103,100\nnever,2,98103,100\n"
              "2014-05-02,3,98103,10000000000000\n2014-05-02,4,98103,1\n");
  const auto counts = world.import();
  CHECK(counts.rows == 2);
  CHECK(counts.bad_lines == 2);
  CHECK(counts.appended == 2);
  REQUIRE(world.bad_lines.size() == 2);
  CHECK(world.bad_lines[0].line == 3);
  CHECK(world.bad_lines[0].column == "date");
  CHECK(world.bad_lines[1].line == 4);
}

TEST_CASE("an import that the log refuses says so and can be run again",
          "[node][import]") {
  import_world world;
  world.write("2014-05-02,1,98103,100\n");
  world.log().plan_produces(log_bridge::planned_outcome::unknown_applied);
  world.import();
  REQUIRE(world.failure);
  CHECK(world.failure->context.find("Run it again") != std::string::npos);
  CHECK(world.import().already_there == 1);
  CHECK_FALSE(world.failure);
  CHECK(world.commands().size() == 2);
}

// -- showing -----------------------------------------------------------------

TEST_CASE("base64 pads as RFC 4648 says", "[node][topic]") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFF\xFE") == "//4=");
}

TEST_CASE("a record's value is shown as JSON, text or base64",
          "[node][topic]") {
  const auto shown = [](std::string_view value) {
    codec::dynamic_value object{codec::dynamic_value::object{}};
    set_value(object, value);
    std::string text;
    codec::to_json(text, object);
    return text;
  };
  CHECK(shown(R"({"a": [1]})") == R"({"value":{"a":[1]}})");
  CHECK(shown("hello") == R"({"valueText":"hello"})");
  CHECK(shown("\xFF") == R"({"valueBase64":"/w=="})");
  CHECK(shown(std::string_view{}) == R"({"value":null})");
}

TEST_CASE("repeated headers are all shown", "[node][topic]") {
  std::string packed;
  append_header(packed, "a", "1");
  append_header(packed, "b", "2");
  append_header(packed, "a", "3");
  append_header(packed, "a", "4");
  std::string text;
  codec::to_json(text, headers_json(header_list{packed}));
  CHECK(text == R"({"a":["1","3","4"],"b":"2"})");
}

TEST_CASE("amounts and numbers are written for people", "[node][console]") {
  CHECK(dollars(54'008'814) == "$540,088.14");
  CHECK(dollars(5) == "$0.05");
  CHECK(dollars(-123'456) == "-$1,234.56");
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1'234'567) == "1,234,567");
}

TEST_CASE("the summary of a repeated run says that all was there",
          "[node][summary]") {
  hosting_report report;
  report.imported.rows = 3;
  report.imported.already_there = 3;
  const auto text = summary_text({}, report, true, "data/x");
  CHECK(text.find("3 sales: all of them were already there")
        != std::string::npos);
  CHECK(text.find("Nothing new to handle") != std::string::npos);
  CHECK(text.find("--data data/x") != std::string::npos);
}
