#include "tests/testkit/simulation/command_line.hpp"

#include "tests/testkit/simulation/run.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <ctime>

namespace freehold::simulation {

namespace {

struct options {
  std::string campaign;
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1000;
  std::uint64_t minutes = 0;
  std::uint32_t failures_max = 1;
  bool shrinks = true;
  // A replay.
  std::uint64_t seed = 0;
  std::string commands;
  std::string faults;
  std::uint32_t nodes = 0;
};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

/// One line that is written over again, a few times a second at the most.
class progress_line {
public:
  void show(const report& all) {
    const std::clock_t now = std::clock();
    if (now - shown_ < CLOCKS_PER_SEC / 4)
      return;
    shown_ = now;
    const double cpu =
        static_cast<double>(now - begin_) / static_cast<double>(CLOCKS_PER_SEC);
    std::fprintf(
        stderr,
        "\r%llu seeds, %llu steps, %.0f a second, %.0f times real time, %zu "
        "failing ",
        static_cast<unsigned long long>(all.seeds),
        static_cast<unsigned long long>(all.steps),
        static_cast<double>(all.steps) / cpu,
        static_cast<double>(all.simulated.count()) / 1e6 / cpu,
        all.failures.size());
    std::fflush(stderr);
  }
  void end() const {
    if (shown_ != begin_)
      std::fputc('\n', stderr);
  }

private:
  const std::clock_t begin_ = std::clock();
  std::clock_t shown_ = begin_;
};

int replay(const campaign& what, const options& how) {
  plan which = draw_plan(how.seed, what);
  if (!how.commands.empty())
    keep_commands(which, how.commands);
  if (!how.faults.empty())
    keep_faults(which, how.faults);
  if (how.nodes > 0)
    which.node_count = how.nodes;
  story tells{true};
  const outcome came = run(which, what, tells);
  print(to_text(tells.lines()));
  if (!came.failed) {
    print("seed " + std::to_string(how.seed)
          + " holds: " + std::to_string(came.steps) + " steps, hash "
          + std::to_string(came.hash) + "\n");
    return 0;
  }
  print("seed " + std::to_string(how.seed) + " fails: " + came.failed->invariant
        + ": " + came.failed->what + "\n");
  return 1;
}

int run_all(const campaign& what, const options& how) {
  progress_line line;
  run_options run;
  run.first_seed = how.first_seed;
  run.seed_count = how.seeds;
  run.time_limit = std::chrono::minutes{how.minutes};
  run.failures_max = how.failures_max;
  run.shrinks = how.shrinks;
  run.progress = [&line](const report& all) { line.show(all); };
  const report all = run_campaign(what, run);
  line.end();
  print(to_text(all));
  return all.ok() ? 0 : 1;
}

} // namespace

int run_command_line(int argc, char** argv, const named_campaigns& all) {
  options how;
  how.campaign = all.begin()->first;
  std::string names;
  for (const auto& [name, make] : all)
    names += (names.empty() ? "" : ", ") + name;

  CLI::App app{"Runs seeded campaigns of a cluster in simulated time."};
  app.add_option("--campaign", how.campaign, "one of: " + names)
      ->capture_default_str();
  app.add_option("--first", how.first_seed, "the first seed")
      ->capture_default_str();
  app.add_option("--seeds", how.seeds, "how many seeds")->capture_default_str();
  app.add_option("--minutes", how.minutes,
                 "as long as that, instead of a number of seeds");
  app.add_option("--failures", how.failures_max,
                 "stop after so many failing seeds")
      ->capture_default_str();
  app.add_flag("--shrink,!--no-shrink", how.shrinks,
               "make a failing seed as small as it gets")
      ->capture_default_str();
  app.add_option("--seed", how.seed, "replay one seed, and tell its story");
  app.add_option("--commands", how.commands,
                 "of a replay: these commands only, as 0-3,7");
  app.add_option("--faults", how.faults, "of a replay: these faults only");
  app.add_option("--nodes", how.nodes, "of a replay: so many nodes");
  CLI11_PARSE(app, argc, argv);

  const auto chosen = all.find(how.campaign);
  if (chosen == all.end()) {
    std::fprintf(stderr, "there is no campaign \"%s\"; there are: %s\n",
                 how.campaign.c_str(), names.c_str());
    return 2;
  }
  try {
    const campaign what = chosen->second();
    return how.seed != 0 ? replay(what, how) : run_all(what, how);
  } catch (const std::invalid_argument& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 2;
  }
}

} // namespace freehold::simulation
