// Small scope, all of it: two nodes, a few commands, and a crash at every named
// point each time it is reached, alone and followed by another one.
#include "tests/simulation/accounts_and_books.hpp"
#include "tests/testkit/simulation/run.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace freehold;
using namespace freehold::simulation;

TEST_CASE("a node may die at every point, twice", "[simulation]") {
  const auto few = accounts_and_books(8).rate(2).tune(
      [](engine::engine_options& options, choices&) {
        options.shard_count = 2;
        options.changelog_slack_bytes = 0; // compaction, too
      });
  const std::vector<fault> besides{
      {.kind = fault_kind::aborted, .at = 400ms, .node = 0},
      {.kind = fault_kind::aborted, .at = 500ms, .node = 1},
      {.kind = fault_kind::expired, .at = 700ms, .node = 0},
      {.kind = fault_kind::expired, .at = 800ms, .node = 1},
      {.kind = fault_kind::leave, .at = 4200ms, .how_long = 100ms, .node = 1},
      {.kind = fault_kind::leave, .at = 4700ms, .how_long = 100ms, .node = 0}};
  for (const std::uint64_t seed : {1, 2, 3}) {
    const report came =
        run_exhaustively(few, {.seed = seed, .faults = besides});
    INFO(to_text(came));
    CHECK(came.ok());
    std::printf("every crash point: %llu runs, %llu crashes\n",
                static_cast<unsigned long long>(came.seeds),
                static_cast<unsigned long long>(
                    came.marks.at("a planned crash came to pass")));
    std::fflush(stdout);
  }
}
