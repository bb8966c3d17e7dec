#include "runtime/base/clock.hpp"

#include <chrono>

namespace freehold {

timestamp system_clock::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return timestamp{
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch)
          .count()};
}

} // namespace freehold
