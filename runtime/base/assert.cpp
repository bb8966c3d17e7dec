#include "runtime/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace freehold::detail {

void assertion_failed(const char* condition, const char* why, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "freehold: bug at %s:%d: %s (%s)\n", file, line, why,
               condition);
  std::abort();
}

} // namespace freehold::detail
