#pragma once

#include <stdexcept>
#include <string>

namespace freehold::simulation {

/// An invariant that does not hold; the text says how.
class violation : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& what) {
  if (!holds)
    throw violation(what);
}

} // namespace freehold::simulation
