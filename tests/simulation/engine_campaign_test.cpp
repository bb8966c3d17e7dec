// Seeded random campaigns over the engine: random shapes, commands and faults,
// checked against a reference model that reads nothing but the log. A seed that
// fails is printed in one line; FREEHOLD_CAMPAIGN_SEED=<seed> replays it alone.
#include "tests/simulation/campaign_run.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace freehold::simulation;

constexpr std::uint64_t seeds_default = 500;

volatile std::sig_atomic_t seed_under_way = 0;

/// An assertion ends the process; its seed must not be lost.
void say_seed(int) {
  std::fprintf(stderr,
               "campaign: seed %ld aborts; replay it with "
               "FREEHOLD_CAMPAIGN_SEED=%ld\n",
               static_cast<long>(seed_under_way),
               static_cast<long>(seed_under_way));
  std::signal(SIGABRT, SIG_DFL);
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

} // namespace

TEST_CASE("whatever fails, each input takes effect once and in order",
          "[simulation][engine]") {
  const std::uint64_t only = number_from("FREEHOLD_CAMPAIGN_SEED", 0);
  const std::uint64_t first =
      only != 0 ? only : number_from("FREEHOLD_CAMPAIGN_FIRST", 1);
  const std::uint64_t count =
      only != 0 ? 1 : number_from("FREEHOLD_CAMPAIGN_SEEDS", seeds_default);
  if (only == 0)
    spdlog::set_level(spdlog::level::off); // faults are planned here
  std::signal(SIGABRT, say_seed);
  marks reached = all_marks();
  comparisons counted;
  std::uint64_t failures = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    seed_under_way = static_cast<std::sig_atomic_t>(seed);
    try {
      run_seed(seed, reached, counted);
    } catch (const std::exception& wrong) {
      ++failures;
      std::printf("campaign: seed %llu fails: %s; replay it with "
                  "FREEHOLD_CAMPAIGN_SEED=%llu\n",
                  static_cast<unsigned long long>(seed), wrong.what(),
                  static_cast<unsigned long long>(seed));
      std::fflush(stdout);
    }
  }
  std::signal(SIGABRT, SIG_DFL);
  CHECK(failures == 0);
  std::printf("campaign: %llu seeds; compared %llu inputs, %llu events, %llu "
              "dead letters, %llu timers, %llu notes, %llu publications, %llu "
              "answers, %llu states\n",
              static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(counted.inputs),
              static_cast<unsigned long long>(counted.events),
              static_cast<unsigned long long>(counted.dead_letters),
              static_cast<unsigned long long>(counted.timers),
              static_cast<unsigned long long>(counted.notes),
              static_cast<unsigned long long>(counted.publications),
              static_cast<unsigned long long>(counted.answers),
              static_cast<unsigned long long>(counted.states));
  for (const auto& [mark, times] : reached)
    std::printf("campaign: %8llu times %s\n",
                static_cast<unsigned long long>(times), mark.c_str());
  if (only != 0)
    return;
  for (const std::uint64_t each :
       {counted.inputs, counted.events, counted.dead_letters, counted.timers,
        counted.notes, counted.publications, counted.answers, counted.states})
    CHECK(each > 0);
  for (const auto& [mark, times] : reached) {
    INFO(mark);
    CHECK(times > 0);
  }
}
