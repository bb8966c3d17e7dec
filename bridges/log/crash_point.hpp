#pragma once

#include <cstdint>
#include <string_view>

namespace freehold::bridges::log {

/// Where a test may ask the process to die.
enum class crash_place : std::uint8_t {
  before_store_write,
  before_store_commit,
  after_store_commit,
};

/// Kills the process at a named place, as `FREEHOLD_TEST_CRASH_AT=place[:N]` of
/// the environment asks: at the N-th pass, else at the first. Read once.
class crash_point {
public:
  crash_point();

  void pass(crash_place place) {
    if (left_ != 0 && place == place_ && --left_ == 0)
      die();
  }

private:
  [[noreturn]] static void die();

  crash_place place_ = crash_place::before_store_write;
  std::uint64_t left_ = 0;
};

} // namespace freehold::bridges::log
