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

/// A life of a node whose cluster goes away, and what it asks of it then.
class outage {
public:
  explicit outage(sessions_in_outage which) {
    fixture_->plan_outage(which);
    life_.emplace(fixture_->open());
    life_->append(at(changelog_topic, 0), {"before"});
    wanted_->source = at(changelog_topic, 0);
    wanted_->offsets = {
        record_offset{life_->read_all(at(changelog_topic, 0)).at(0).offset}};
  }

  log_life& life() { return *life_; }

  /// Takes it away and asks for everything that a node asks for.
  void begin() {
    fixture_->take_cluster_away();
    life_->park(at(source_topic, 0), 0);
    auto unit = std::make_shared<ports::commit_unit>();
    unit->id = unit_id{77};
    auto part = life_->part(0);
    part->add(at(changelog_topic, 0), "k", "during");
    unit->parts = {part};
    life_->log->commit(unit);
    life_->log->look_up(wanted_);
    life_->log->produce(from_outside(), [this](ports::produce_result given) {
      life_->heard.note([&] { produced_ = std::move(given); });
    });
  }
  void end() { fixture_->bring_cluster_back(); }

  /// What has become of the unit, and that the next one is written.
  void check_unit() {
    const auto result = life_->outcome();
    INFO(to_string(result.why));
    CHECK(result.id == unit_id{77});
    if (result.outcome != commit_outcome::done)
      life_->recover();
    append_in_the_end("after");
    const texts seen = life_->values_of(at(changelog_topic, 0));
    const texts with{"before", "during", "after"};
    const texts without{"before", "after"};
    if (result.outcome == commit_outcome::done)
      CHECK(seen == with);
    else if (result.outcome == commit_outcome::failed)
      CHECK(seen == without);
    else
      CHECK((seen == with || seen == without));
  }

  void check_lookup() {
    life_->heard.wait([&] { return !life_->heard.lookups.empty(); });
    const bool was_found = life_->heard.look(
        [&] { return life_->heard.lookups.front().second.has_value(); });
    CHECK(wanted_->values == (was_found ? texts{"before"} : texts{}));
  }

  /// Until the cluster has what comes from outside.
  void check_produced() {
    life_->heard.wait([&] { return produced_.has_value(); });
    INFO(to_string(produced_->why));
    if (produced_->outcome != commit_outcome::done)
      CHECK(life_->produce(from_outside()).outcome == commit_outcome::done);
  }

  void check_waiting_fetch() {
    auto batch = life_->await_batch(at(source_topic, 0));
    while (batch->records.empty()) { // past what did not succeed
      life_->park(at(source_topic, 0), batch->next.value());
      batch = life_->await_batch(at(source_topic, 0));
    }
    CHECK(batch->records[0].value == "from outside");
  }

  void check_nothing_broke() {
    CHECK(life_->heard.look([&] { return life_->heard.breaks.empty(); }));
  }

private:
  /// Units may fail while the cluster comes back.
  void append_in_the_end(const std::string& value) {
    constexpr int tries_max = 10;
    for (int i = 0; i < tries_max; ++i) {
      auto part = life_->part(0);
      part->add(at(changelog_topic, 0), "k", value);
      const auto result = life_->commit({part});
      INFO(to_string(result.why));
      if (result.outcome == commit_outcome::done)
        return;
      REQUIRE(result.outcome == commit_outcome::failed);
      life_->recover();
    }
    FAIL("the log does not commit any more");
  }

  static std::shared_ptr<const owning_request> from_outside() {
    auto made = std::make_shared<owning_request>();
    made->add(at(source_topic, 0), "k", "from outside");
    return made;
  }

  const std::unique_ptr<log_fixture> fixture_ = make_log_fixture();
  const std::shared_ptr<texts_found> wanted_ = std::make_shared<texts_found>();
  std::optional<ports::produce_result> produced_;
  std::optional<log_life> life_; // ends first
};

} // namespace

TEST_CASE("what is asked while the cluster is away is answered, and a unit "
          "takes effect once or not at all",
          "[conformance][log][outage]") {
  outage away{sessions_in_outage::last};
  away.begin();
  away.end();

  away.check_unit();
  away.check_lookup();
  away.check_produced();
  away.check_waiting_fetch();
  away.check_nothing_broke();
  CHECK(
      away.life().heard.look([&] { return away.life().heard.losses.empty(); }));
}

TEST_CASE("an outage that outlasts the session costs the shards, which are "
          "granted again with all that was committed",
          "[conformance][log][outage]") {
  outage away{sessions_in_outage::end};
  log_life& life = away.life();
  constexpr partition_index shard{0};
  const shard_epoch before = life.epoch(0);
  away.begin();
  life.heard.wait([&] {
    std::size_t lost = 0;
    for (const auto& each : life.heard.losses)
      lost += each.size();
    return lost == make_layout().shard_count;
  });
  away.end();

  life.heard.wait([&] { return life.heard.grants[shard].epoch > before; });
  away.check_unit();
  away.check_lookup();
  away.check_produced();
  // What waited there went with the shard.
  life.park(at(source_topic, 0), 0);
  away.check_waiting_fetch();
  away.check_nothing_broke();
}
