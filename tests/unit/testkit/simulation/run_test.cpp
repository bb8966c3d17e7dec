#include "tests/testkit/simulation/run.hpp"
#include "tests/unit/runtime/engine/counting_entities.hpp"

#include <catch2/catch.hpp>

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
