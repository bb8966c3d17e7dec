// What may be in a node's copy of a changelog, and when it is believed.
#include "bridges/kafka/copy_keeper.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <future>
#include <map>

using namespace freehold;
using namespace freehold::bridges::kafka;
using ports::partition_bounds;

namespace {

constexpr topic_index changelog{2};
constexpr partition_index shard{0};

struct kept_batch final : ports::record_batch {
  std::deque<std::string> texts;
};

/// A copy in memory on a disk that may fail.
class memory_copy final : public ports::changelog_copy {
public:
  [[nodiscard]] partition_bounds bounds(partition_index) const override {
    return bounds_;
  }
  result<void> append(std::span<const addition> all) override {
    if (fails)
      return error{errc::no_space, "the disk is full"};
    for (const addition& each : all) {
      for (const record& one : each.records)
        records_[one.offset.value()] = std::string{one.value};
      bounds_.end = each.end;
    }
    return {};
  }
  result<void> begin_anew(partition_index, next_offset at) override {
    records_.clear();
    bounds_ = {at, at};
    return {};
  }
  result<void> truncate(partition_index, next_offset before) override {
    bounds_.begin = std::max(bounds_.begin, std::min(before, bounds_.end));
    records_.erase(records_.begin(),
                   records_.lower_bound(bounds_.begin.value()));
    return {};
  }
  result<std::shared_ptr<ports::record_batch>>
  read(const ports::fetch_request& what) override {
    auto made = std::make_shared<kept_batch>();
    made->source = what.source;
    made->next = bounds_.end;
    for (auto it = records_.lower_bound(what.from.value());
         it != records_.end(); ++it)
      made->records.push_back({record_offset{it->first}, timestamp{1}, "k",
                               it->second, header_list{}});
    return std::shared_ptr<ports::record_batch>{std::move(made)};
  }
  result<void> look_up(ports::lookup& what) override {
    for (const record_offset each : what.offsets)
      if (const auto known = records_.find(each.value());
          known != records_.end())
        what.found({each, timestamp{1}, "k", known->second, header_list{}});
    return {};
  }

  bool fails = false;

private:
  partition_bounds bounds_;
  std::map<std::int64_t, std::string> records_;
};

class found_values final : public ports::lookup {
public:
  explicit found_values(std::initializer_list<std::int64_t> wanted) {
    source = {changelog, shard};
    for (const std::int64_t each : wanted)
      offsets.emplace_back(each);
  }
  void found(const record& what) override { values.emplace_back(what.value); }
  std::vector<std::string> values;
};

struct owning_part final : ports::unit_part {
  std::deque<std::string> texts;
};

/// Calls that wait for their answers.
class keeping {
public:
  keeping() : keeper_(take(), changelog) {}

  std::optional<copy_keeper::last_record> open(std::int64_t begin,
                                               std::int64_t end) {
    return await<std::optional<copy_keeper::last_record>>([&](auto told) {
      keeper_.open(shard, next_offset{begin}, next_offset{end}, told);
    });
  }
  void commit(const std::vector<std::int64_t>& places,
              const std::string& value) {
    auto part = std::make_shared<owning_part>();
    part->shard = shard;
    for (std::size_t i = 0; i < places.size(); ++i) {
      ports::append made;
      made.target = {changelog, shard};
      made.value = part->texts.emplace_back(value);
      part->appends.push_back(made);
    }
    await<bool>([&](auto told) {
      keeper_.append({part}, {places}, [told] { told(true); });
    });
  }
  void read_from_log(std::int64_t from, const std::vector<std::int64_t>& found,
                     std::int64_t next, const std::string& value) {
    auto batch = std::make_shared<kept_batch>();
    batch->source = {changelog, shard};
    for (const std::int64_t each : found)
      batch->records.push_back({record_offset{each}, timestamp{1}, "k",
                                batch->texts.emplace_back(value),
                                header_list{}});
    batch->next = next_offset{next};
    await<bool>([&](auto told) {
      keeper_.append(next_offset{from}, batch, [told] { told(true); });
    });
  }
  /// Nothing where it is not in the copy.
  std::optional<std::vector<std::string>>
  look_up(std::initializer_list<std::int64_t> wanted) {
    auto asked = std::make_shared<found_values>(wanted);
    const bool told = await<bool>([&](auto answer) {
      keeper_.look_up(asked, [answer](auto, bool was) { answer(was); });
    });
    return told ? std::optional{asked->values} : std::nullopt;
  }
  bool has(std::int64_t from) {
    return await<bool>([&](auto told) {
      ports::fetch_request what;
      what.source = {changelog, shard};
      what.from = next_offset{from};
      keeper_.read(what, [told](auto batch) { told(batch != nullptr); });
    });
  }
  void expect(std::int64_t end) { keeper_.expect(shard, next_offset{end}); }
  void truncate(std::int64_t before) {
    keeper_.truncate(shard, next_offset{before});
  }
  memory_copy& disk() { return *copy_; }

private:
  std::unique_ptr<ports::changelog_copy> take() {
    auto made = std::make_unique<memory_copy>();
    copy_ = made.get();
    return made;
  }
  template <class Answer, class Ask>
  Answer await(Ask ask) {
    const auto told = std::make_shared<std::promise<Answer>>();
    ask([told](Answer answer) { told->set_value(std::move(answer)); });
    return told->get_future().get();
  }

  memory_copy* copy_ = nullptr;
  copy_keeper keeper_;
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a copy takes what was read and what units have committed behind it",
          "[bridges][kafka][copy]") {
  keeping kept;
  CHECK_FALSE(kept.open(10, 15));
  kept.read_from_log(10, {11, 12}, 15, "read");
  kept.commit({15, 16}, "committed");
  CHECK(kept.look_up({11, 16}) == texts{"read", "committed"});
  CHECK(kept.look_up({11, 17}) == std::nullopt);
  CHECK(kept.has(10));
  CHECK_FALSE(kept.has(17));
  CHECK_FALSE(kept.has(9));
  kept.truncate(12);
  CHECK(kept.look_up({11}) == std::nullopt);
  CHECK(kept.look_up({12}) == texts{"read"});
}

TEST_CASE("a copy has no hole: a unit goes into it only behind all before it",
          "[bridges][kafka][copy]") {
  keeping kept;
  kept.open(0, 20);
  kept.commit({20}, "behind a hole");
  CHECK_FALSE(kept.has(0));
  kept.read_from_log(5, {6}, 20, "not where it ends");
  CHECK_FALSE(kept.has(5));
  kept.read_from_log(0, {6}, 20, "whole");
  kept.commit({22}, "behind it");
  CHECK(kept.look_up({6, 22}) == texts{"whole", "behind it"});
  // A unit of unknown outcome may lie there, which is read first.
  kept.expect(30);
  kept.commit({31}, "too early");
  CHECK_FALSE(kept.has(23));
  kept.read_from_log(23, {25}, 30, "found out");
  kept.commit({31}, "in order");
  CHECK(kept.look_up({25, 31}) == texts{"found out", "in order"});
}

TEST_CASE("a copy takes once what was read before its unit was known to have "
          "succeeded",
          "[bridges][kafka][copy]") {
  keeping kept;
  kept.open(0, 5);
  kept.read_from_log(0, {2}, 5, "read");
  kept.read_from_log(5, {5, 6}, 7, "read");
  kept.commit({5, 6}, "committed");
  CHECK(kept.look_up({5, 6}) == texts{"read", "read"});
  kept.commit({6, 8}, "committed");
  CHECK(kept.look_up({6, 8}) == texts{"read", "committed"});
  CHECK_FALSE(kept.has(9));
}

TEST_CASE("a copy that does not go with the log is thrown away",
          "[bridges][kafka][copy]") {
  keeping kept;
  kept.open(0, 5);
  kept.read_from_log(0, {2, 3}, 5, "old");
  SECTION("it ends where the log still goes on: what is needed is there") {
    const auto last = kept.open(1, 9);
    REQUIRE(last);
    CHECK(last->offset == record_offset{3});
    CHECK(last->value == "old");
    CHECK(kept.look_up({2}) == texts{"old"});
  }
  SECTION("it ends before the log begins") {
    CHECK_FALSE(kept.open(6, 9));
    CHECK_FALSE(kept.has(3));
    kept.read_from_log(6, {7}, 9, "new");
    CHECK(kept.look_up({7}) == texts{"new"});
  }
  SECTION("it ends behind the log") {
    CHECK_FALSE(kept.open(0, 4));
    CHECK_FALSE(kept.has(0));
  }
}

TEST_CASE("a disk that fails costs the copy and nothing else",
          "[bridges][kafka][copy]") {
  keeping kept;
  kept.open(0, 0);
  kept.commit({0}, "kept");
  kept.disk().fails = true;
  kept.commit({2}, "not kept");
  CHECK_FALSE(kept.has(0));
  CHECK(kept.look_up({0}) == std::nullopt);
  kept.disk().fails = false;
  kept.commit({4}, "not in order any more");
  CHECK(kept.look_up({4}) == std::nullopt);
  // Taken again, it goes on where it ended.
  REQUIRE(kept.open(0, 5));
  kept.read_from_log(1, {2, 4}, 5, "read again");
  CHECK(kept.look_up({0, 4}) == texts{"kept", "read again"});
}
