// Applications checked before they run: every fault is in the one error.
#include "runtime/engine/application_plan.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace freehold;
using namespace freehold::test_entities;
using engine::application_plan;
using engine::engine_options;

namespace {

std::string faults_of(const application& app, const engine_options& options) {
  const auto made = application_plan::make(app, options);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::invalid_argument);
  return made.error().context;
}

} // namespace

TEST_CASE("a sound application becomes a plan of indexes",
          "[runtime][application_plan]") {
  const auto made = application_plan::make(counting_application(), {});
  REQUIRE(made);
  const application_plan& plan = **made;
  CHECK(plan.name == "counting");
  CHECK(plan.type("counter") == 0U);
  CHECK(plan.type("ledger") == 1U);
  CHECK_FALSE(plan.type("nobody"));
  REQUIRE(plan.type_schemas.size() == 2);
  REQUIRE(plan.sources.size() == 1);
  CHECK(plan.sources[0].type == 0);
  CHECK(plan.topic_name(plan.sources[0].topic) == "adds");
  CHECK(plan.topic("inbox") == plan.inbox);
  CHECK(plan.topic("changelog") == plan.changelog);
  CHECK(plan.topic("dead-letter-events") == plan.dead_letters);
  CHECK(plan.topic("outputs").has_value());
  CHECK(plan.topic("counter-events").has_value());
  CHECK_FALSE(plan.topic("nothing"));
}

TEST_CASE("a measure of event time that cannot work is refused",
          "[runtime][application_plan]") {
  using namespace std::chrono_literals;
  const auto faults = [](const event_time_description& how) {
    application app = counting_application();
    app.event_time(how);
    return faults_of(app, {});
  };
  CHECK(faults({.step = 0h}).find("a step above zero") != std::string::npos);
  CHECK_FALSE(faults({.ahead_max = -1h}).empty());
  CHECK_FALSE(faults({.idle_after = -1h}).empty());
  CHECK_FALSE(faults({.step = 2h, .drift_max = 3h}).empty());
  CHECK(application_plan::make(
      counting_application().event_time({.step = 2h, .drift_max = 4h}), {}));
}

TEST_CASE("all faults of an application are told together",
          "[runtime][application_plan]") {
  application app{"faulty"};
  app.entity<counter>().entity<counter>();
  app.source({.topic = "adds", .entity = "counter"});
  app.source({.topic = "adds", .entity = "counter"});
  app.source({.topic = "others", .entity = "nobody"});
  app.output({.topic = "inbox"});
  engine_options options;
  options.worker_count = 0;
  options.record_bytes_max = 1023;
  const std::string faults = faults_of(app, options);
  for (const char* part :
       {"application faulty", "at least one shard and one worker",
        "record_bytes_max", "two entity types are called counter",
        "topic adds has two roles", "nobody", "topic inbox has two roles"})
    CHECK_THAT(faults, Catch::Contains(part));
}

namespace {

/// Shares the counter's journal.
struct parasite {
  using state = counter::state;
  static constexpr entity_traits traits{.type = "parasite",
                                        .journal = journal_mode::events,
                                        .journal_topic = "counter-events"};
  using messages = message_list<add>;
  using events = event_list<added>;
  static void handle(const state&, const add&, context<parasite>&) {}
  static void apply(state&, const added&) noexcept {}
};

} // namespace

TEST_CASE("two entity types cannot have one journal",
          "[runtime][application_plan]") {
  application app{"shared"};
  app.entity<counter>().entity<parasite>();
  CHECK_THAT(faults_of(app, {}),
             Catch::Contains("the entity types counter and parasite have one "
                             "journal, counter-events"));
}

TEST_CASE("a journal has no retention, whoever declares it first",
          "[runtime][application_plan]") {
  const output_description forgets{.topic = "counter-events",
                                   .retention = std::chrono::hours{1}};
  application before{"before"};
  before.output(forgets).entity<counter>();
  application after{"after"};
  after.entity<counter>().output(forgets);
  for (const application* each : {&before, &after})
    CHECK_THAT(faults_of(*each, {}),
               Catch::Contains("the journal counter-events is declared with a "
                               "retention"));
}

TEST_CASE("an output that is declared twice is declared alike",
          "[runtime][application_plan]") {
  application app{"twice"};
  app.entity<ledger>()
      .output({.topic = "outputs"})
      .output({.topic = "outputs", .partition_count = 3});
  CHECK_THAT(faults_of(app, {}),
             Catch::Contains("the output outputs is declared twice"));
}

TEST_CASE("an application without entities and an engine without shards are "
          "faults",
          "[runtime][application_plan]") {
  engine_options options;
  options.shard_count = 0;
  const std::string faults = faults_of(application{"empty"}, options);
  CHECK_THAT(faults, Catch::Contains("at least one entity type"));
  CHECK_THAT(faults, Catch::Contains("at least one shard"));
}

TEST_CASE("one topic cannot have two roles of the engine's own",
          "[runtime][application_plan]") {
  engine_options options;
  options.inbox_topic = options.changelog_topic = options.dead_letter_topic =
      "same";
  const std::string faults = faults_of(counting_application(), options);
  CHECK_THAT(faults, Catch::Contains("topic same has two roles; "
                                     "topic same has two roles"));
}
