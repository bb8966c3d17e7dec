#include "runtime/base/hash.hpp"
#include "tests/testkit/simulation/checks.hpp"
#include "tests/testkit/simulation/run.hpp"
#include "tests/testkit/simulation/world.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace freehold;
using namespace freehold::simulation;
using test_entities::counter;

namespace {

command draw_add(choices& chance) {
  return {"adds",
          "k" + std::to_string(chance.below(5)),
          R"({"amount":)" + std::to_string(1 + chance.below(9)) + "}",
          {{"ce_type", "Add"}}};
}

campaign counting() {
  return campaign{test_entities::counting_application()}
      .commands(30, draw_add)
      .nodes(2, 3);
}

run_options few(std::uint64_t seeds) {
  run_options how;
  how.seed_count = seeds;
  return how;
}

} // namespace

TEST_CASE("a campaign in which all holds says how much it compared",
          "[simulation]") {
  auto what = counting();
  what.at_rest("each add counts once",
               [](const cut& all) {
                 std::map<std::string, std::int64_t> adds;
                 for (const auto& each : all.sent())
                   ++adds[each.key];
                 for (const auto& [key, state] : all.states<counter>())
                   require(state.adds == adds[key], key);
                 return adds.size();
               })
      .same_on_one_node();
  const report came = run_campaign(what, few(20));
  INFO(to_text(came));
  CHECK(came.ok());
  CHECK(came.seeds == 20);
  CHECK(came.twice == 20);
  CHECK(came.compared.at("each add counts once") > 20);
  CHECK(came.compared.at("one node without faults comes to the same") > 20);
}

TEST_CASE("a failure is shrunk to the commands and faults that it needs, and "
          "replayed by what the report says",
          "[simulation]") {
  auto what = counting();
  what.at_rest("nobody adds to k3", [](const cut& all) {
    require(!all.state<counter>("k3"), "somebody did");
  });
  const report came = run_campaign(what, few(20));
  REQUIRE(came.failures.size() == 1);
  const auto& failure = came.failures[0];
  CHECK(failure.why.invariant == "nobody adds to k3");
  CHECK(failure.commands == 1);
  CHECK(failure.faults == 0);
  CHECK(!failure.lines.empty());
  CHECK(to_text(came).find(failure.replay) != std::string::npos);

  plan again = draw_plan(failure.seed, what);
  const auto list = failure.replay.substr(failure.replay.find("--commands ")
                                          + std::string{"--commands "}.size());
  keep_commands(again, list.substr(0, list.find(' ')));
  again.faults.clear();
  again.node_count = 1;
  const outcome replayed = run(again, what);
  REQUIRE(replayed.failed);
  CHECK(replayed.failed->invariant == "nobody adds to k3");
}

TEST_CASE("a check that never compared anything fails its campaign",
          "[simulation]") {
  auto what = counting();
  what.at_rest("nothing", [](const cut&) { return std::uint64_t{0}; });
  const report came = run_campaign(what, few(3));
  CHECK(!came.ok());
  CHECK(came.never == std::vector<std::string>{"compared nothing: nothing"});
}

TEST_CASE("a mark that was never reached fails its campaign", "[simulation]") {
  auto what = counting();
  what.at_rest("k0", [](const cut&) {});
  what.sometimes("pigs fly", [](const cut&) { return false; });
  const report came = run_campaign(what, few(3));
  CHECK(!came.ok());
  CHECK(came.never == std::vector<std::string>{"never happened: pigs fly"});
}

TEST_CASE("a campaign that is to reach everything names what it did not reach",
          "[simulation]") {
  auto what = counting().nodes(1, 1).faults(0).reaches_everything();
  what.at_rest("k0", [](const cut&) {});
  const report came = run_campaign(what, few(2));
  CHECK(!came.ok());
  const auto never = [&came](const std::string& mark) {
    return std::count(came.never.begin(), came.never.end(),
                      "never happened: " + mark);
  };
  CHECK(never("fault: crash") == 1);
  CHECK(never("kafka: a shard went to another member") == 1);
  CHECK(never("a node died at: before a commit") == 1);
  CHECK(never("fault: pause") == 1);
  CHECK(run_campaign(what.without(fault_kind::pause), few(2))
            .marks.count("fault: pause")
        == 0);
}

TEST_CASE("an exhaustive run names the points at which nobody died",
          "[simulation]") {
  const auto what = counting().commands(1, draw_add);
  const report came =
      run_exhaustively(what, {.seed = 1, .times_max = 1, .pairs_times_max = 0});
  INFO(to_text(came));
  CHECK(came.failures.empty());
  CHECK(came.marks.at("a node died at: before a commit") > 0);
  CHECK(std::count(came.never.begin(), came.never.end(),
                   "never happened: a node died at: shards lost")
        == 1);
}

TEST_CASE("a journal that does not make its states fails the check of folds",
          "[simulation]") {
  plan calm{.node_count = 1};
  story told;
  world nodes{calm, test_entities::counting_application(), told};
  nodes.rest(60s);
  nodes.send({"adds", "k", R"({"amount":5})", {{"ce_type", "Add"}}});
  nodes.rest(60s);
  CHECK(states_are_folds(nodes.look()) == 2); // an event and a state
  std::string headers;
  append_header(headers, "ce_id", "forged");
  append_header(headers, "ce_type", "Added");
  const std::string next = GENERATE("2", "3");
  append_header(headers, "ce_sequence", next);
  nodes.kafka().append_from_outside(
      "counter-events", partition_of("k", calm.options.shard_count),
      timestamp{0}, "k", R"({"amount":1,"id":"x"})", header_list{headers});
  CHECK_THROWS_WITH(
      states_are_folds(nodes.look()),
      Catch::Contains(next == "2" ? "has seen 1 events" : "where 2 is next"));
}

TEST_CASE("another answer to the same id fails the check of answers",
          "[simulation]") {
  plan calm{.node_count = 1};
  story silent;
  world nodes{calm, test_entities::counting_application(), silent};
  const auto answered = [](const char* id, const char* body,
                           engine::answer_status how) {
    return told_answer{0, moment{0}, {"counter", "k", id, how, body}};
  };
  using enum engine::answer_status;
  const std::vector<command> sent;
  const auto check = [&](const std::vector<told_answer>& told) {
    return answers_agree(
        cut{nodes.kafka().reader(), nodes.look().plan(), sent, told});
  };
  CHECK(check({answered("a", "1", applied), answered("a", "1", applied),
               answered("b", "2", applied)})
        == 3);
  CHECK(check({answered("a", "", dead_lettered), answered("a", "1", applied)})
        == 2);
  CHECK_THROWS(
      check({answered("a", "1", applied), answered("a", "2", applied)}));
  CHECK_THROWS(
      check({answered("a", "1", applied), answered("a", "1", rejected)}));
}

TEST_CASE("what holds at any moment is looked at on the way", "[simulation]") {
  auto what = counting();
  what.always("what is counted was sent", [](const cut& all) {
    std::int64_t adds = 0;
    for (const auto& [key, state] : all.states<counter>())
      adds += state.adds;
    require(adds <= static_cast<std::int64_t>(all.sent().size()), "more");
  });
  const report came = run_campaign(what, few(3));
  INFO(to_text(came));
  CHECK(came.ok());
  CHECK(came.compared.at("what is counted was sent") > 3);
}
