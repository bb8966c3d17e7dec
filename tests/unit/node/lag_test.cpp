// How far behind a node says that it is: from what a log has and where its
// shards stand.
#include "node/lag.hpp"
#include "node/lag_watch.hpp"
#include "runtime/engine/changelog.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace freehold;
using namespace freehold::node;
using Catch::Contains;
using std::chrono::milliseconds;

namespace {

class fixed_clock final : public freehold::clock {
public:
  [[nodiscard]] timestamp now() const override { return at; }
  timestamp at{100'000};
};

struct kept_batch final : ports::record_batch {};

/// A log as a reader sees it: records at any offsets, ends behind them.
class written_log final : public ports::log_reader {
public:
  void put(const std::string& topic, std::uint32_t partition,
           std::int64_t offset, std::int64_t time, std::string value = "v") {
    all_[topic][partition].records[offset] = {timestamp{time},
                                              std::move(value)};
    end(topic, partition, offset + 1);
  }
  void end(const std::string& topic, std::uint32_t partition,
           std::int64_t offset) {
    all_[topic][partition].end = offset;
  }

  result<std::vector<ports::topic_description>> topics() override {
    std::vector<ports::topic_description> found;
    for (const auto& [name, partitions] : all_) {
      ports::topic_description one;
      one.spec.name = name;
      one.spec.partition_count = 2;
      one.spec.role = name == "market-changelog" ? ports::topic_role::changelog
                                                 : ports::topic_role::source;
      for (std::uint32_t p = 0; p < 2; ++p) {
        const auto known = partitions.find(p);
        one.partitions.push_back(
            {next_offset{0},
             next_offset{known == partitions.end() ? 0 : known->second.end}});
      }
      found.push_back(std::move(one));
    }
    return found;
  }

  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override {
    auto topic = all_.begin();
    std::advance(topic, source.topic.value());
    const auto& partition = topic->second.at(source.partition.value());
    auto batch = std::make_shared<kept_batch>();
    batch->source = source;
    batch->next = next_offset{partition.end};
    batch->end = batch->next;
    std::size_t bytes = 0;
    for (const auto& [offset, what] : partition.records) {
      if (offset < from.value())
        continue;
      if (bytes >= bytes_max) {
        batch->next = next_offset{offset};
        break;
      }
      batch->records.push_back(
          {record_offset{offset}, what.first, "k", what.second, {}});
      bytes += what.second.size();
    }
    return ports::record_batch_ptr{std::move(batch)};
  }

private:
  struct kept_partition {
    std::map<std::int64_t, std::pair<timestamp, std::string>> records;
    std::int64_t end = 0;
  };
  std::map<std::string, std::map<std::uint32_t, kept_partition>> all_;
};

struct nothing {
  struct state {
    static constexpr std::string_view type = "nothing-state";
    int unused = 0;
  };
  static constexpr entity_traits traits{.type = "nothing"};
  using messages = message_list<raw_message>;
  static void handle(const state&, const raw_message&, context<nothing>&) {}
};
BOOST_DESCRIBE_STRUCT(nothing::state, (), (unused))

std::shared_ptr<const engine::application_plan> plan() {
  application app{"market"};
  app.entity<nothing>();
  app.source(
      {.topic = "orders", .entity = "nothing", .default_message = "raw"});
  engine::engine_options options;
  options.shard_count = 2;
  options.inbox_topic = "market-inbox";
  options.changelog_topic = "market-changelog";
  return engine::application_plan::make(app, options).value();
}

partition_lag lag_of(written_log& log, std::int64_t position) {
  const fixed_clock time;
  const auto all = lag_meter{log, *plan(), time}.of(
      {{"orders", 0, next_offset{position}, false}});
  REQUIRE(all);
  REQUIRE(all->size() == 1);
  return all->front();
}

partition_lag behind(std::uint64_t records, std::int64_t position,
                     std::uint32_t partition = 0) {
  return {"orders",
          partition,
          next_offset{position},
          next_offset{position + static_cast<std::int64_t>(records)},
          records,
          milliseconds{5'000},
          false};
}

} // namespace

TEST_CASE("lag counts from the first record that was not taken",
          "[node][lag]") {
  written_log log;
  for (const std::int64_t offset : {10, 11, 15})
    log.put("orders", 0, offset, 40'000 + offset * 1'000);
  const partition_lag found = lag_of(log, 11);
  CHECK(found.records == 5); // offsets 11 to 15
  CHECK(found.behind == milliseconds{49'000});
  CHECK(found.end == next_offset{16});
}

TEST_CASE("ends of transactions alone are no lag", "[node][lag]") {
  written_log log;
  log.put("orders", 0, 10, 1'000);
  log.end("orders", 0, 14);
  CHECK(lag_of(log, 11).records == 0);
  CHECK(lag_of(log, 10).records == 4);
}

TEST_CASE("lag is never negative", "[node][lag]") {
  written_log log;
  log.put("orders", 0, 10, 200'000); // its time lies ahead of the clock
  CHECK(lag_of(log, 50).records == 0);
  CHECK(lag_of(log, 50).end == next_offset{50});
  CHECK(lag_of(log, 10).behind == milliseconds{0});
}

TEST_CASE("lag of what was committed is that of the last unit's positions",
          "[node][lag]") {
  written_log log;
  for (std::int64_t offset = 0; offset < 10; ++offset)
    log.put("orders", 0, offset, 90'000);
  log.put("orders", 1, 0, 95'000);
  log.end("market-inbox", 0, 0);
  engine::changelog::pack_writer packs;
  const auto unit_at = [&](std::int64_t offset, std::int64_t taken) {
    packs.begin(static_cast<std::uint64_t>(offset + 1));
    engine::changelog::unit_header header;
    header.positions = {{"orders", next_offset{taken}},
                        {"market-inbox", next_offset{0}}};
    packs.put(header);
    log.put("market-changelog", 0, offset, 1'000, std::string{packs.pack(0)});
  };
  // So far back that only a longer look finds it.
  unit_at(3, 4);
  unit_at(7, 6);
  log.end("market-changelog", 0, 1'000);
  const fixed_clock time;
  const auto made = plan();
  const auto all = lag_meter{log, *made, time}.committed();
  INFO((all ? "" : to_string(all.error())));
  REQUIRE(all);
  REQUIRE(all->size() == 4);
  CHECK((*all)[0].topic == "orders");
  CHECK((*all)[0].position == next_offset{6});
  CHECK((*all)[0].records == 4);
  CHECK((*all)[0].behind == milliseconds{10'000});
  CHECK((*all)[1].partition == 1);
  CHECK((*all)[1].records == 1); // nothing was ever committed of that shard
  CHECK((*all)[2].topic == "market-inbox");
  CHECK((*all)[2].records == 0);
}

TEST_CASE("lag is told while there is some, and once when it is over",
          "[node][lag]") {
  lag_watch watch{{}};
  CHECK(watch.look({behind(0, 1)}, timestamp{0}).empty());
  const auto some = watch.look({behind(7, 1), behind(3, 1, 1)}, timestamp{1});
  REQUIRE(some.size() == 1);
  CHECK_FALSE(some[0].is_warning);
  CHECK_THAT(some[0].text, Contains("10 records behind")
                               && Contains("orders/0: 7")
                               && Contains("5 s old"));
  CHECK(watch.look({behind(0, 8)}, timestamp{2}).size() == 1);
  CHECK(watch.look({behind(0, 8)}, timestamp{3}).empty());
}

TEST_CASE("lag above its bound is a warning, and at it is none",
          "[node][lag]") {
  lag_watch watch{{.warning_records = 10}};
  CHECK_FALSE(watch.look({behind(10, 1)}, timestamp{0})[0].is_warning);
  const auto above = watch.look({behind(5, 2), behind(6, 2, 1)}, timestamp{1});
  CHECK(above[0].is_warning);
  CHECK_THAT(above[0].text, Contains("above lag.warning-records (10)"));
}

TEST_CASE("a shard that stands still with records to take is told of",
          "[node][lag]") {
  lag_watch watch{{.stuck_after = milliseconds{60'000}}};
  const auto warnings = [&](const partition_lag& now, std::int64_t at) {
    std::vector<std::string> found;
    for (const auto& each : watch.look({now}, timestamp{at}))
      if (each.is_warning)
        found.push_back(each.text);
    return found;
  };
  CHECK(warnings(behind(5, 1), 0).empty());
  CHECK(warnings(behind(5, 1), 59'999).empty());
  const auto stands = warnings(behind(6, 1), 60'000);
  REQUIRE(stands.size() == 1);
  CHECK_THAT(stands[0],
             Contains("shard 0 stands still: orders/0 at offset 1 for 60 s, "
                      "with 6 records to take"));
  CHECK(warnings(behind(6, 1), 119'999).empty());
  CHECK(warnings(behind(6, 1), 120'000).size() == 1); // as long again
  CHECK(warnings(behind(5, 2), 130'000).empty());     // it goes on
  partition_lag paused = behind(5, 2);
  paused.is_paused = true;
  const auto why = warnings(paused, 190'000);
  REQUIRE(why.size() == 1);
  CHECK_THAT(why[0], Contains("engine.held-bytes-max"));
}

TEST_CASE("a shard that went elsewhere and came back does not stand still",
          "[node][lag]") {
  lag_watch watch{{.stuck_after = milliseconds{60'000}}};
  (void)watch.look({behind(5, 1)}, timestamp{0});
  (void)watch.look({}, timestamp{30'000});
  for (const auto& each : watch.look({behind(5, 1)}, timestamp{70'000}))
    CHECK_FALSE(each.is_warning);
}

TEST_CASE("a shard whose changelog cannot be read on is told of",
          "[node][lag]") {
  lag_watch watch{{.stuck_after = milliseconds{60'000}}};
  const auto warnings = [&](std::int64_t next, std::int64_t at) {
    const std::vector<engine::restore_position> now{
        {partition_index{3}, next_offset{next}, next_offset{9}}};
    return watch.look_at_restores(now, timestamp{at});
  };
  CHECK(warnings(5, 0).empty());
  CHECK(warnings(6, 59'999).empty());
  CHECK(warnings(6, 119'998).empty());
  const auto stands = warnings(6, 119'999);
  REQUIRE(stands.size() == 1);
  CHECK(stands[0].is_warning);
  CHECK_THAT(stands[0].text,
             Contains("shard 3 is not served: its changelog is read to offset "
                      "6 of 9, and no further for 60 s"));
  CHECK(warnings(6, 179'998).empty());
  CHECK(warnings(6, 179'999).size() == 1); // as long again
  CHECK(watch.look_at_restores({}, timestamp{200'000}).empty());
  CHECK(warnings(6, 400'000).empty()); // it was away
}
