// Times as others write them. What can be read and what cannot is tested where
// the market uses it (tests/unit/actors); here is what only the engine needs.
#include "runtime/base/rfc3339.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>

using namespace freehold;

TEST_CASE("a time is written as RFC 3339 and read back",
          "[runtime][base][rfc3339]") {
  const timestamp when =
      GENERATE(timestamp{0}, timestamp{-1}, timestamp{1'399'038'307'089},
               timestamp{-62'167'219'200'000}, timestamp{253'402'300'799'999});
  CHECK(has_rfc3339_year(when));
  CHECK(parse_rfc3339(to_rfc3339(when)).value() == when);
}

TEST_CASE("a time that RFC 3339 cannot express is said to be none and has a "
          "text of the same form",
          "[runtime][base][rfc3339]") {
  const timestamp when =
      GENERATE(timestamp{-62'167'219'200'001}, timestamp{253'402'300'800'000});
  CHECK_FALSE(has_rfc3339_year(when));
  CHECK(parse_rfc3339(to_rfc3339(when)));
}
