#include "runtime/analytics/event_window.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace freehold;
using namespace freehold::analytics;
using namespace std::chrono_literals;

TEST_CASE("multiples of a step are found on both sides of 1970",
          "[runtime][analytics]") {
  CHECK(floor_to(0, 10ms) == 0);
  CHECK(floor_to(9, 10ms) == 0);
  CHECK(floor_to(10, 10ms) == 10);
  CHECK(floor_to(-1, 10ms) == -10);
  CHECK(floor_to(-10, 10ms) == -10);
  CHECK(floor_to(-11, 10ms) == -20);
}

TEST_CASE("what happened is late once its source is more than the grace ahead",
          "[runtime][analytics]") {
  CHECK_FALSE(is_late(timestamp{100}, before_all_time, 5ms));
  CHECK_FALSE(is_late(timestamp{100}, timestamp{105}, 5ms));
  CHECK(is_late(timestamp{100}, timestamp{106}, 5ms));
  CHECK_FALSE(is_late(after_all_time, after_all_time, 5ms));
  CHECK(is_late(before_all_time, timestamp{0}, 5ms));
}

TEST_CASE("the windows of a pane are those that hold all of it",
          "[runtime][analytics]") {
  for (const auto& shape : {window_shape::tumbling(30ms, 0ms, 0ms),
                            window_shape::hopping(30ms, 10ms, 0ms, 0ms),
                            window_shape::hopping(30ms, 7ms, 0ms, 0ms)}) {
    const std::int64_t pane = shape.pane().count();
    for (std::int64_t start = -200 * pane; start < 200 * pane; start += pane)
      for (const std::int64_t after : {start - 100, start, start + 13}) {
        std::optional<std::int64_t> first;
        std::int64_t last = 0;
        for (std::int64_t begin = floor_to(start - 100, shape.every);
             begin <= start; begin += shape.every.count()) {
          const std::int64_t end = begin + shape.length.count();
          if (end < start + pane)
            continue;
          last = end;
          if (end > after && !first)
            first = end;
        }
        INFO("pane " << start << ", after " << after);
        CHECK(shape.last_end(start) == last);
        if (first)
          CHECK(shape.first_end(start, after) == *first);
        else
          CHECK(shape.first_end(start, after) > last);
      }
  }
}
