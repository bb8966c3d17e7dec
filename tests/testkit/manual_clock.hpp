#pragma once

#include "runtime/base/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace freehold::testkit {

/// A clock that moves when the test says so. Any thread.
class manual_clock final : public clock {
public:
  explicit manual_clock(timestamp start = timestamp{1'700'000'000'000})
      : now_(start.value()) {}

  [[nodiscard]] timestamp now() const override {
    return timestamp{now_.load(std::memory_order_relaxed)};
  }
  void advance(std::chrono::milliseconds by) noexcept {
    now_.fetch_add(by.count(), std::memory_order_relaxed);
  }

private:
  std::atomic<std::int64_t> now_;
};

} // namespace freehold::testkit
