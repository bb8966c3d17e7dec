// What a log promises whose cluster goes away and comes back.
#include "tests/conformance/log_fixture.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

class texts_found final : public ports::lookup {
public:
  void found(const record& what) override { values.emplace_back(what.value); }
  texts values;
};

/// An outage may cost the shards; they are granted again.
void append_in_the_end(log_life& life, const std::string& value) {
  constexpr int tries_max = 10;
  constexpr partition_index shard{0};
  shard_epoch used{0};
  for (int i = 0; i < tries_max; ++i) {
    life.heard.wait([&] {
      return life.heard.grants.contains(shard)
             && life.heard.grants.at(shard).epoch > used;
    });
    auto part = life.part(0);
    used = part->epoch;
    part->add(at(changelog_topic, 0), "k", value);
    const auto result = life.commit({part});
    INFO(to_string(result.why));
    if (result.outcome == commit_outcome::done)
      return;
    REQUIRE(result.outcome == commit_outcome::failed);
    life.recover();
  }
  FAIL("the log does not commit any more");
}

} // namespace

TEST_CASE("what is asked while the cluster is away is answered, and a unit "
          "takes effect once or not at all",
          "[conformance][log][outage]") {
  const auto fixture = make_log_fixture();
  log_life life{fixture->open()};
  life.append(at(changelog_topic, 0), {"before"});
  const auto before = life.read_all(at(changelog_topic, 0));
  REQUIRE(before.size() == 1);

  fixture->take_cluster_away();
  life.park(at(source_topic, 0), 0);
  auto unit = std::make_shared<ports::commit_unit>();
  unit->id = unit_id{77};
  auto part = life.part(0);
  part->add(at(changelog_topic, 0), "k", "during");
  unit->parts = {part};
  life.log->commit(unit);
  auto wanted = std::make_shared<texts_found>();
  wanted->source = at(changelog_topic, 0);
  wanted->offsets = {record_offset{before[0].offset}};
  life.log->look_up(wanted);
  std::optional<ports::produce_result> answer;
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "from outside");
  life.log->produce(request, [&](ports::produce_result given) {
    life.heard.note([&] { answer = std::move(given); });
  });
  fixture->bring_cluster_back();

  const auto result = life.outcome();
  INFO(to_string(result.why));
  CHECK(result.id == unit_id{77});
  if (result.outcome != commit_outcome::done)
    life.recover();
  append_in_the_end(life, "after");
  const texts seen = life.values_of(at(changelog_topic, 0));
  if (result.outcome == commit_outcome::done)
    CHECK(seen == texts{"before", "during", "after"});
  else if (result.outcome == commit_outcome::failed)
    CHECK(seen == texts{"before", "after"});
  else
    CHECK((seen == texts{"before", "during", "after"}
           || seen == texts{"before", "after"}));

  life.heard.wait([&] { return !life.heard.lookups.empty(); });
  const bool was_found = life.heard.look(
      [&] { return life.heard.lookups.front().second.has_value(); });
  CHECK(wanted->values == (was_found ? texts{"before"} : texts{}));

  life.heard.wait([&] { return answer.has_value(); });
  INFO(to_string(answer->why));
  if (answer->outcome != commit_outcome::done) {
    auto again = std::make_shared<owning_request>();
    again->add(at(source_topic, 0), "k", "from outside");
    CHECK(life.produce(again).outcome == commit_outcome::done);
  }
  // It waited all the time, unless its shard was lost.
  if (life.heard.look([&] { return life.heard.losses.empty(); })) {
    const auto batch = life.await_batch(at(source_topic, 0));
    REQUIRE(!batch->records.empty());
    CHECK(batch->records[0].value == "from outside");
  }
  CHECK(life.heard.look([&] { return life.heard.breaks.empty(); }));
}
