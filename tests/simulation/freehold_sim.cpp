// freehold-sim: the campaigns of the engine itself. A failing seed prints the
// options that replay it.
#include "tests/simulation/accounts_and_books.hpp"
#include "tests/simulation/readings_by_event_time.hpp"
#include "tests/testkit/simulation/command_line.hpp"

int main(int argc, char** argv) {
  using namespace freehold::simulation;
  return run_command_line(
      argc, argv,
      {{"medium", [] { return accounts_and_books(2000); }},
       {"small",
        [] {
          return accounts_and_books(200).nodes(3, 3).reaches_everything();
        }},
       {"moving", moving_shards},
       {"late-ends", late_ends},
       {"any", [] { return accounts_and_books(200); }},
       {"event-time", [] { return readings_by_event_time(200); }}});
}
