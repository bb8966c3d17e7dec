// Random scripts of operations, each step compared with what must be there
// then: all logs do the same, step by step.
#include "runtime/base/random.hpp"
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <set>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

constexpr int steps = 40;
constexpr std::uint32_t shards = 2;

/// What must be in a partition, from where it was cut off last.
struct expected_partition {
  std::vector<std::string> values;
  /// Of each value, once it was read.
  std::vector<std::int64_t> offsets;
};

class wanted_records final : public ports::lookup {
public:
  void found(const record& what) override {
    values.emplace_back(what.offset.value(), std::string{what.value});
  }
  std::vector<std::pair<std::int64_t, std::string>> values;
};

/// One script on one log.
class script {
public:
  explicit script(std::uint64_t seed)
      : chance_(seed), fixture_(make_log_fixture()) {
    begin_life();
    for (const topic_index topic : {source_topic, inbox_topic, changelog_topic})
      for (std::uint32_t p = 0; p < shards; ++p)
        all_[at(topic, p)];
    for (std::uint32_t p = 0; p < 3; ++p)
      all_[at(output_topic, p)];
  }

  void run() {
    for (int i = 0; i < steps; ++i) {
      const std::string done = step();
      INFO("step " << i << ": " << done);
      check(any_partition());
    }
    INFO("in the end");
    for (const auto& [where, what] : all_)
      check(where);
    begin_life();
    INFO("in the next life");
    for (const auto& [where, what] : all_)
      check(where);
  }

private:
  using appended = std::vector<std::pair<topic_partition, std::string>>;

  void begin_life() {
    life_.reset();
    life_ = std::make_unique<log_life>(fixture_->open());
  }

  template <class Container>
  const auto& any_of(const Container& from) {
    return *std::next(from.begin(),
                      static_cast<std::ptrdiff_t>(chance_.below(from.size())));
  }
  topic_partition any_partition() { return any_of(all_).first; }
  topic_partition partition_of_topic(topic_index topic) {
    return at(topic, static_cast<std::uint32_t>(
                         chance_.below(topic == output_topic ? 3 : shards)));
  }

  template <class Part>
  void add_some(Part& to, topic_partition target, appended& what) {
    for (auto left = 1 + chance_.below(3); left > 0; --left) {
      std::string value = "v" + std::to_string(++last_value_);
      // Some are large, so that a read does not have room for two.
      value.append(chance_.below(8) == 0 ? 40'000 : chance_.below(50), 'x');
      std::string headers;
      if (chance_.below(3) == 0)
        append_header(headers, "name", value.substr(0, 5));
      const bool has_key = chance_.below(4) != 0;
      to.add(target,
             has_key ? std::optional{"k" + value.substr(0, 3)} : std::nullopt,
             value, 1000, headers);
      what.emplace_back(target, std::move(value));
    }
  }

  void keep(const appended& what) {
    for (const auto& [where, value] : what)
      all_[where].values.push_back(value);
  }

  std::string step() {
    switch (chance_.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return commit(std::nullopt);
    case 5:
      return commit(planned::failed);
    case 6:
      return commit(planned::unknown_applied);
    case 7:
      return commit(planned::unknown_lost);
    case 8:
      return commit_of_before();
    case 9:
      return produce(chance_.below(2) == 0 ? std::nullopt
                                           : std::optional{any_end()});
    case 10:
      return look_up();
    case 11:
      return truncate();
    case 12:
      // Kafka makes sure first that it still is a member.
      return chance_.below(4) == 0 ? fetch_outside() : commit(std::nullopt);
    default:
      begin_life();
      return "a new life";
    }
  }

  planned any_end() {
    constexpr std::array all{planned::failed, planned::unknown_applied,
                             planned::unknown_lost};
    return any_of(all);
  }

  std::string commit(std::optional<planned> end) {
    std::vector<std::shared_ptr<const ports::unit_part>> parts;
    std::vector<topic_partition> changelogs;
    appended what;
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      if (shard > 0 && chance_.below(2) == 0)
        continue;
      auto part = life_->part(shard);
      add_some(*part, at(changelog_topic, shard), what);
      if (chance_.below(2) == 0)
        add_some(*part, partition_of_topic(output_topic), what);
      if (chance_.below(2) == 0)
        add_some(*part, partition_of_topic(inbox_topic), what);
      part->positions.emplace_back(at(source_topic, shard), next_offset{0});
      parts.push_back(std::move(part));
    }
    if (end)
      fixture_->plan_commit(*end);
    const auto result = life_->commit(parts);
    INFO(to_string(result.why));
    if (!end) {
      REQUIRE(result.outcome == commit_outcome::done);
      keep(what);
      for (std::size_t p = 0; p < parts.size(); ++p)
        check_told(parts[p]->shard.value(), result.changelog_offsets[p]);
      return "a unit";
    }
    CHECK(result.outcome
          == (*end == planned::failed ? commit_outcome::failed
                                      : commit_outcome::unknown));
    // Until then nothing is taken.
    CHECK(life_->commit({life_->part(0)}).outcome == commit_outcome::failed);
    life_->recover();
    if (*end == planned::unknown_applied)
      keep(what);
    return "a unit that is planned to end badly";
  }

  /// The offsets that a unit told are those that are read.
  void check_told(std::uint32_t shard, const std::vector<record_offset>& told) {
    const auto read = life_->read_all(at(changelog_topic, shard),
                                      first_of(at(changelog_topic, shard)));
    REQUIRE(read.size() >= told.size());
    for (std::size_t i = 0; i < told.size(); ++i)
      CHECK(read[read.size() - told.size() + i].offset == told[i].value());
  }

  std::string commit_of_before() {
    auto part = life_->part(0);
    part->epoch = shard_epoch{part->epoch.value() - 1};
    part->add(at(output_topic, 0), "k", "never seen");
    const auto result = life_->commit({part});
    CHECK(result.outcome == commit_outcome::failed);
    CHECK(result.why.code == errc::fenced);
    life_->recover();
    return "a unit of an epoch before";
  }

  std::string produce(std::optional<planned> end) {
    auto request = std::make_shared<owning_request>();
    appended what;
    add_some(*request, partition_of_topic(source_topic), what);
    if (chance_.below(2) == 0)
      add_some(*request, partition_of_topic(inbox_topic), what);
    if (end)
      fixture_->plan_produce(*end);
    const auto result = life_->produce(request);
    INFO(to_string(result.why));
    const auto expected = !end                      ? commit_outcome::done
                          : *end == planned::failed ? commit_outcome::failed
                                                    : commit_outcome::unknown;
    CHECK(result.outcome == expected);
    if (!end || *end == planned::unknown_applied)
      keep(what);
    return "records from outside";
  }

  std::string look_up() {
    const topic_partition where = any_partition();
    check(where);
    const expected_partition& expected = all_[where];
    auto wanted = std::make_shared<wanted_records>();
    wanted->source = where;
    std::vector<std::pair<std::int64_t, std::string>> found;
    for (std::size_t i = 0; i < expected.offsets.size(); ++i)
      if (chance_.below(3) == 0) {
        wanted->offsets.emplace_back(expected.offsets[i]);
        found.emplace_back(expected.offsets[i], expected.values[i]);
      }
    life_->log->look_up(wanted);
    life_->heard.wait([&] { return !life_->heard.lookups.empty(); });
    const auto outcome = life_->heard.look([&] {
      auto first = life_->heard.lookups.front().second;
      life_->heard.lookups.pop_front();
      return first;
    });
    INFO((outcome ? "" : to_string(outcome.error())));
    CHECK(outcome);
    CHECK(wanted->values == found);
    return "a lookup";
  }

  std::string truncate() {
    const topic_partition where = partition_of_topic(
        chance_.below(2) == 0 ? changelog_topic : inbox_topic);
    check(where);
    expected_partition& expected = all_[where];
    if (expected.offsets.empty())
      return "nothing to cut off";
    const auto kept =
        static_cast<std::ptrdiff_t>(chance_.below(expected.offsets.size()));
    life_->log->truncate(
        where, next_offset{expected.offsets[static_cast<std::size_t>(kept)]});
    expected.values.erase(expected.values.begin(),
                          expected.values.begin() + kept);
    expected.offsets.erase(expected.offsets.begin(),
                           expected.offsets.begin() + kept);
    return "a cut";
  }

  std::string fetch_outside() {
    const topic_partition where = any_partition();
    const auto all = life_->fetch(where, first_of(where), 1U << 30U);
    const auto beyond = life_->fetch_error(where, all->next.value() + 1'000);
    CHECK((beyond && beyond->code == errc::not_found));
    return "a fetch beyond the end";
  }

  /// From where on everything is there.
  std::int64_t first_of(topic_partition where) {
    const auto& offsets = all_[where].offsets;
    return offsets.empty() ? 0 : offsets.front();
  }

  /// Reads it in parts of any size, through the log and from beside.
  void check(topic_partition where) {
    INFO("topic " << where.topic.value() << ", partition "
                  << where.partition.value());
    expected_partition& expected = all_[where];
    std::vector<std::string> values;
    std::vector<std::int64_t> offsets;
    for (std::int64_t next = first_of(where);;) {
      const auto batch = life_->fetch(
          where, next, static_cast<std::uint32_t>(1 + chance_.below(100'000)));
      for (const record& each : batch->records) {
        values.emplace_back(each.value);
        offsets.push_back(each.offset.value());
      }
      CHECK((batch->records.empty()
             || batch->records.front().offset.value() >= next));
      next = batch->next.value();
      if (batch->next >= batch->end)
        break;
    }
    REQUIRE(values == expected.values);
    CHECK(std::is_sorted(offsets.begin(), offsets.end()));
    CHECK(std::set<std::int64_t>(offsets.begin(), offsets.end()).size()
          == offsets.size());
    // They stay what they were.
    REQUIRE(offsets.size() >= expected.offsets.size());
    CHECK(std::equal(expected.offsets.begin(), expected.offsets.end(),
                     offsets.begin()));
    expected.offsets = std::move(offsets);
  }

  random_source chance_;
  std::unique_ptr<log_fixture> fixture_;
  std::unique_ptr<log_life> life_;
  std::map<topic_partition, expected_partition> all_;
  std::uint64_t last_value_ = 0;
};

} // namespace

TEST_CASE("random scripts find in every log what was committed, and that alone",
          "[conformance][log][script]") {
  const int count = make_log_fixture()->script_count();
  REQUIRE(count > 0);
  for (int seed = 1; seed <= count; ++seed) {
    INFO("seed " << seed);
    script{static_cast<std::uint64_t>(seed)}.run();
  }
}
