#include "bridges/log/crash_point.hpp"

#include <csignal>
#include <cstdlib>
#include <string>

namespace freehold::bridges::log {

crash_point::crash_point() {
  const char* const wish = std::getenv("FREEHOLD_TEST_CRASH_AT");
  if (wish == nullptr)
    return;
  const std::string_view text{wish};
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (name == "before-store-write")
    place_ = crash_place::before_store_write;
  else if (name == "before-store-commit")
    place_ = crash_place::before_store_commit;
  else if (name == "after-store-commit")
    place_ = crash_place::after_store_commit;
  else
    return;
  left_ = 1;
  if (colon != std::string_view::npos)
    left_ = std::strtoull(wish + colon + 1, nullptr, 10);
}

void crash_point::die() {
  std::raise(SIGKILL);
  std::abort(); // not reached
}

} // namespace freehold::bridges::log
