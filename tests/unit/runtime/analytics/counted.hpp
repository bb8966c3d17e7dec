#pragma once

#include <boost/describe/class.hpp>

#include <algorithm>
#include <cstdint>

/// A sum for the tests of windows.
namespace freehold::analytics {

struct counted {
  std::int64_t count = 0;
  std::int64_t total = 0;

  void merge(const counted& more) noexcept {
    count += more.count;
    total += more.total;
  }
  void subtract(const counted& less) noexcept {
    count -= less.count;
    total -= less.total;
  }
  friend bool operator==(const counted&, const counted&) = default;
};
BOOST_DESCRIBE_STRUCT(counted, (), (count, total))

} // namespace freehold::analytics
