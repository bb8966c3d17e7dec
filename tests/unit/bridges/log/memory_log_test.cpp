// What only the memory log has: stepped execution, planned misfortune, lives
// that fence each other, gaps.
#include "bridges/log/memory_log.hpp"
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace freehold::bridges::log;
using namespace freehold::conformance;
using ports::commit_outcome;

namespace {

using texts = std::vector<std::string>;

std::unique_ptr<memory_log>
open_on(const std::shared_ptr<memory_log_storage>& storage,
        memory_log_options options = {}) {
  return std::make_unique<memory_log>(storage, options);
}

} // namespace

TEST_CASE("a stepped log does nothing but within a step", "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  memory_log log{storage, {.mode = memory_log_options::execution::stepped}};
  recording_listener heard;
  REQUIRE(log.start(make_layout(), heard).has_value());
  CHECK(heard.event_count == 0);
  CHECK(log.queued_count() == 1);
  CHECK(log.step());
  CHECK(heard.grants.size() == 2);
  CHECK(!log.step());

  log.fetch({at(source_topic, 0), next_offset{0}, 100,
             ports::fetch_wait::for_records});
  log.run_until_idle();
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "v");
  bool answered = false;
  log.produce(request, [&](ports::produce_result) { answered = true; });
  CHECK(!answered);
  CHECK(log.step());
  CHECK(answered);
  CHECK(heard.batches.empty());
  CHECK(log.step());
  CHECK(heard.batches[at(source_topic, 0)].size() == 1);
}

TEST_CASE("a withdrawn fetch is not executed in a later step",
          "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  memory_log log{storage, {.mode = memory_log_options::execution::stepped}};
  recording_listener heard;
  REQUIRE(log.start(make_layout(), heard).has_value());
  log.fetch({at(source_topic, 0), next_offset{0}, 100, ports::fetch_wait::no});
  log.cancel_fetch(at(source_topic, 0));
  log.run_until_idle();
  CHECK(heard.batches.empty());
}

TEST_CASE("a new life fences the one before", "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  log_life old{open_on(storage)};
  old.append(at(output_topic, 0), {"old"});
  log_life fresh{open_on(storage)};
  auto part = old.part();
  part->add(at(output_topic, 0), "k", "too late");
  const auto result = old.commit({part});
  CHECK(result.outcome == commit_outcome::failed);
  CHECK(result.why.code == errc::fenced);
  old.recover();
  CHECK(old.heard.losses.size() == 1);
  CHECK(old.heard.grants.empty());
  auto request = std::make_shared<owning_request>();
  request->add(at(source_topic, 0), "k", "v");
  CHECK(old.produce(request).why.code == errc::fenced);
  CHECK(fresh.values_of(at(output_topic, 0)) == texts{"old"});
  fresh.append(at(output_topic, 0), {"fresh"});
}

TEST_CASE("a late unit lands before the recovery answers", "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  auto log = open_on(storage);
  memory_log& control = *log;
  log_life life{std::move(log)};
  control.plan_commits(planned_outcome::unknown_late);
  auto part = life.part();
  part->add(at(changelog_topic, 0), "k", "late");
  CHECK(life.commit({std::move(part)}).outcome == commit_outcome::unknown);
  CHECK(life.values_of(at(changelog_topic, 0)).empty());
  life.recover();
  CHECK(life.grant(0).changelog_end == next_offset{1});
  CHECK(life.values_of(at(changelog_topic, 0)) == texts{"late"});
}

TEST_CASE("a late unit lands before the next life is granted its shards",
          "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  {
    auto log = open_on(storage);
    log->plan_commits(planned_outcome::unknown_late);
    log_life life{std::move(log)};
    auto part = life.part();
    part->add(at(changelog_topic, 1), "k", "late");
    CHECK(life.commit({part}).outcome == commit_outcome::unknown);
  }
  log_life life{open_on(storage)};
  CHECK(life.grant(1).changelog_end == next_offset{1});
}

TEST_CASE("fetches and produced records fail as planned", "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  auto log = open_on(storage);
  memory_log& control = *log;
  log_life life{std::move(log)};
  control.refuse_fetches({errc::unavailable, "away"}, 2);
  CHECK(life.fetch_error(at(source_topic, 0), 0)->code == errc::unavailable);
  CHECK(life.fetch_error(at(source_topic, 1), 0)->code == errc::unavailable);
  CHECK(!life.fetch_error(at(source_topic, 0), 0).has_value());
  control.plan_produces(planned_outcome::failed);
  control.plan_produces(planned_outcome::unknown_applied);
  for (const auto expected : {commit_outcome::failed, commit_outcome::unknown,
                              commit_outcome::done}) {
    auto request = std::make_shared<owning_request>();
    request->add(at(source_topic, 0), "k", "v");
    CHECK(life.produce(request).outcome == expected);
  }
  CHECK(life.values_of(at(source_topic, 0)) == texts{"v", "v"});
}

TEST_CASE("failed units use up offsets where gaps are asked for",
          "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>(
      memory_log_storage::settings{.offsets_skipped_per_unit = 1});
  auto log = open_on(storage);
  memory_log& control = *log;
  log_life life{std::move(log)};
  life.append(at(output_topic, 0), {"a", "b"});
  control.plan_commits(planned_outcome::failed);
  auto part = life.part();
  part->add(at(output_topic, 0), "k", "lost");
  CHECK(life.commit({part}).outcome == commit_outcome::failed);
  life.recover();
  life.append(at(output_topic, 0), {"c"});
  const auto all = life.read_all(at(output_topic, 0));
  REQUIRE(all.size() == 3);
  CHECK(all[2].offset == 5); // a 0, b 1, marker 2, lost 3, marker 4
  const auto batch = life.fetch(at(output_topic, 0), 5);
  CHECK(batch->next == next_offset{7});
}

TEST_CASE("a fetch at the end shares the run that was appended",
          "[bridges][log]") {
  const auto storage = std::make_shared<memory_log_storage>();
  log_life life{open_on(storage)};
  life.append(at(output_topic, 0), {"a", "b"});
  CHECK(life.fetch(at(output_topic, 0), 0)
        == life.fetch(at(output_topic, 0), 0));
}
