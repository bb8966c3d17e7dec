// Event time of one shard: what it tells the others, and what it makes of what
// they tell.
#include "runtime/engine/event_clock.hpp"

#include <catch2/catch.hpp>

using namespace freehold;
using namespace std::chrono_literals;
using engine::event_clock;
using engine::time_mark;

namespace {

constexpr timestamp at(std::int64_t ms) { return timestamp{ms}; }

} // namespace

TEST_CASE("a source's time is the latest that was read from it",
          "[runtime][event_clock]") {
  event_clock clock{2, 1, 1ms};
  CHECK(clock.of_source(0) == before_all_time);
  clock.read(0, at(-50));
  clock.read(0, at(-70));
  CHECK(clock.of_source(0) == at(-50));
  CHECK(clock.of_source(1) == before_all_time);
}

TEST_CASE("a shard tells the least time of its sources, once per step",
          "[runtime][event_clock]") {
  event_clock clock{2, 1, 10ms};
  CHECK_FALSE(clock.news(after_all_time));
  clock.read(0, at(25));
  CHECK_FALSE(clock.news(after_all_time)); // nobody knows of the other
  clock.read(1, at(17));
  REQUIRE(clock.news(after_all_time) == time_mark{at(17), false});
  clock.announced({at(17), false});
  clock.read(1, at(19));
  CHECK_FALSE(clock.news(after_all_time));
  clock.read(1, at(20));
  CHECK(clock.news(after_all_time) == time_mark{at(20), false});
}

TEST_CASE("steps are alike on both sides of 1970", "[runtime][event_clock]") {
  event_clock clock{1, 1, 10ms};
  clock.read(0, at(-11));
  clock.announced(*clock.news(after_all_time));
  clock.read(0, at(-10));
  REQUIRE(clock.news(after_all_time));
  clock.announced(*clock.news(after_all_time));
  clock.read(0, at(-1));
  CHECK_FALSE(clock.news(after_all_time));
  clock.read(0, at(0));
  CHECK(clock.news(after_all_time) == time_mark{at(0), false});
}

TEST_CASE("a message that waits holds a shard's time back",
          "[runtime][event_clock]") {
  event_clock clock{1, 1, 1ms};
  clock.read(0, at(100));
  CHECK(clock.news(at(40)) == time_mark{at(40), false});
  clock.set_rest(0, true, true);
  CHECK(clock.news(at(40)) == time_mark{at(40), false});
  CHECK(clock.news(after_all_time) == time_mark{at(100), true, true});
}

TEST_CASE("an idle source does not hold the others back, and all idle ones "
          "are as far as the latest",
          "[runtime][event_clock]") {
  event_clock clock{2, 1, 1ms};
  clock.read(0, at(100));
  clock.read(1, at(50));
  clock.set_rest(1, true, true);
  CHECK(clock.news(after_all_time) == time_mark{at(100), false});
  clock.set_rest(0, true, true);
  CHECK(clock.news(after_all_time) == time_mark{at(100), true, true});
  clock.announced({at(100), true, true});
  clock.set_rest(1, false, false);
  // It woke up, which is news whatever its time.
  CHECK(clock.news(after_all_time) == time_mark{at(50), false});
}

TEST_CASE("the watermark waits for every shard that is not idle, and never "
          "goes back",
          "[runtime][event_clock]") {
  event_clock clock{0, 3, 1ms};
  CHECK(clock.has(2));
  CHECK_FALSE(clock.has(3));
  clock.take(0, {at(100), false});
  clock.take(1, {at(200), false});
  CHECK(clock.watermark() == before_all_time); // nothing is known of shard 2
  clock.take(2, {before_all_time, true});
  CHECK(clock.watermark() == at(100));
  clock.take(2, {at(30), false});
  CHECK(clock.watermark() == at(100));
  clock.take(0, {at(150), true});
  clock.take(1, {at(250), true});
  CHECK(clock.watermark() == at(100));
  clock.take(2, {at(40), true});
  CHECK(clock.watermark() == at(250));
}

TEST_CASE("a shard that rests is not waited for, though results still are",
          "[runtime][event_clock]") {
  event_clock clock{1, 2, 1ms};
  CHECK(clock.slowest() == before_all_time);
  clock.take(0, {at(100), false, false});
  CHECK(clock.slowest() == before_all_time); // nothing is known of the other
  clock.take(1, {at(30), false, true});
  CHECK(clock.slowest() == at(100));
  CHECK(clock.watermark() == at(30));
  clock.take(0, {at(100), false, true});
  CHECK(clock.slowest() == after_all_time);
  clock.take(1, {at(40), false, false});
  CHECK(clock.slowest() == at(40));
  // Coming to rest and waking up are news.
  clock.read(0, at(50));
  clock.announced(*clock.news(after_all_time));
  CHECK_FALSE(clock.news(after_all_time));
  clock.set_rest(0, true, false);
  CHECK(clock.news(after_all_time) == time_mark{at(50), false, true});
  CHECK_FALSE(clock.news(at(50)));
}
