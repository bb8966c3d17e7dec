#include "tests/testkit/simulation/plan.hpp"

#include <catch2/catch.hpp>

#include <numeric>

using namespace freehold;
using namespace freehold::simulation;

namespace {

campaign some_campaign() {
  return campaign{application{"plans"}}
      .commands(40,
                [](choices& chance) {
                  return command{"t", std::to_string(chance.below(1000)), "v"};
                })
      .faults(10);
}

std::vector<std::string> keys(const plan& of) {
  std::vector<std::string> all;
  for (const auto& each : of.commands)
    all.push_back(each.what.key);
  return all;
}

plan seed_with_faults(const campaign& what) {
  for (std::uint64_t seed = 1;; ++seed)
    if (plan drawn = draw_plan(seed, what); drawn.faults.size() > 5)
      return drawn;
}

} // namespace

TEST_CASE("a seed draws the same plan each time, another seed another",
          "[simulation]") {
  const auto what = some_campaign();
  CHECK(keys(draw_plan(7, what)) == keys(draw_plan(7, what)));
  CHECK(keys(draw_plan(7, what)) != keys(draw_plan(8, what)));
}

TEST_CASE("leaving a kind of fault out changes no command", "[simulation]") {
  const auto what = some_campaign();
  auto without = some_campaign();
  without.without(fault_kind::crash).without(fault_kind::pause);
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    CHECK(keys(draw_plan(seed, what)) == keys(draw_plan(seed, without)));
    for (const auto& each : draw_plan(seed, without).faults)
      CHECK((each.what.kind != fault_kind::crash
             && each.what.kind != fault_kind::pause));
  }
}

TEST_CASE("what is left of a plan is said in ranges, and made again by them",
          "[simulation]") {
  const auto what = some_campaign();
  plan part = seed_with_faults(what);
  const std::string seed = "--seed " + std::to_string(part.seed);
  CHECK(replay_options(part, what) == seed);
  keep_commands(part, "0-3,7,9-10");
  keep_faults(part, "none");
  CHECK(replay_options(part, what)
        == seed + " --commands 0-3,7,9-10 --faults none");
  CHECK(part.commands.size() == 7);
  CHECK(part.faults.empty());
}

TEST_CASE("a list of numbers that cannot be read is refused", "[simulation]") {
  plan part = draw_plan(1, some_campaign());
  for (const char* const wrong : {"", "a", "1-", "1,,2", "-3"})
    CHECK_THROWS_AS(keep_commands(part, wrong), std::invalid_argument);
}
