#include "tests/testkit/simulation/schedule.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace freehold;
using namespace freehold::simulation;

namespace {

std::string course_of(std::uint64_t seed, strategy how) {
  schedule time{seed, how};
  std::string course;
  for (const char name : {'a', 'b', 'c'}) {
    const auto lane = time.open(std::string{name});
    for (int i = 0; i < 20; ++i)
      time.post(lane, [&course, name] { course += name; });
  }
  time.run_for(1s);
  return course;
}

constexpr std::array all_strategies{strategy::random, strategy::priorities,
                                    strategy::in_turn, strategy::starve_one,
                                    strategy::bursts};

} // namespace

TEST_CASE("the same seed takes the same course, another one another",
          "[simulation]") {
  for (const strategy how : all_strategies) {
    INFO(name_of(how));
    CHECK(course_of(1, how) == course_of(1, how));
    CHECK(course_of(1, how).size() == 60);
    if (how != strategy::in_turn && how != strategy::priorities)
      CHECK(course_of(1, how) != course_of(2, how));
  }
}

TEST_CASE("in a lane nothing overtakes", "[simulation]") {
  for (const strategy how : all_strategies) {
    schedule time{3, how};
    const auto lane = time.open("lane");
    const auto other = time.open("other");
    std::vector<int> seen;
    for (int i = 0; i < 30; ++i) {
      time.post(lane, [&seen, i] { seen.push_back(i); });
      time.post(other, [] {});
    }
    time.run_for(1s);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(seen.size() == 30);
  }
}

TEST_CASE("where nothing can move, time jumps to what is due", "[simulation]") {
  schedule time{1, strategy::random};
  const auto lane = time.open("lane");
  moment ran{0};
  time.post_after(1000s, lane, [&] { ran = time.now(); });
  time.run_for(2000s);
  CHECK(ran >= 1000s);
  CHECK(ran < 1001s);
  CHECK(time.now() == 2000s);
  CHECK(time.step_count() == 1);
}

TEST_CASE("a blocked lane stands still, also for what falls due",
          "[simulation]") {
  schedule time{1, strategy::random};
  const auto lane = time.open("lane");
  int ran = 0;
  time.block(lane, 10s);
  time.post(lane, [&] { ++ran; });
  time.post_after(1s, lane, [&] { ++ran; });
  time.run_until(9s);
  CHECK(ran == 0);
  SECTION("until its time") {
    time.run_until(11s);
    CHECK(ran == 2);
  }
  SECTION("until it is let go") {
    time.unblock(lane);
    time.run_until(9500ms);
    CHECK(ran == 2);
  }
}

TEST_CASE("a lane that was closed runs nothing any more", "[simulation]") {
  schedule time{1, strategy::random};
  const auto lane = time.open("lane");
  int ran = 0;
  time.post(lane, [&] {
    ++ran;
    time.close(lane);
  });
  time.post(lane, [&] { ++ran; });
  time.post_after(1s, lane, [&] { ++ran; });
  time.run_for(5s);
  CHECK(ran == 1);
}
