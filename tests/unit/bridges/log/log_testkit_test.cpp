// The conformance suite's own tools: a check that cannot fail shows nothing.
#include "tests/conformance/log_testkit.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace freehold;
using namespace freehold::conformance;

TEST_CASE("the suite's listener notices a log that tells two things at once",
          "[bridges][log]") {
  recording_listener heard;
  const auto tell = [&] { heard.broken({errc::unavailable, "told"}); };
  tell();
  tell();
  CHECK(!heard.overlapped());
  std::thread one;
  std::thread other;
  heard.look([&] {
    // Neither gets past the gate before both are inside.
    one = std::thread{tell};
    other = std::thread{tell};
    while (heard.calls_inside() < 2)
      std::this_thread::yield();
  });
  one.join();
  other.join();
  CHECK(heard.overlapped());
}

TEST_CASE("the suite's listener allows notes of a test beside the log's calls",
          "[bridges][log]") {
  recording_listener heard;
  heard.note([&] { CHECK(heard.calls_inside() == 0); });
  CHECK(heard.event_count == 1);
  CHECK(!heard.overlapped());
}
