#pragma once

#include "runtime/base/result.hpp"

#include <chrono>
#include <memory>

namespace freehold::node {

/// Wakes the main thread up. Any thread may ring; rings add up to one.
class doorbell {
public:
  doorbell();
  doorbell(const doorbell&) = delete;
  doorbell& operator=(const doorbell&) = delete;
  ~doorbell();

  void ring() const noexcept;

private:
  friend class stop_signals;
  int fd_;
};

/// SIGINT, SIGTERM and SIGUSR1 as something to wait for in place of handlers,
/// in which next to nothing is allowed. SIGUSR1 is a stop for good: the node
/// leaves its cluster. While it lives they are blocked in the thread that made
/// it and in all threads that are started after: make it first.
///
/// A signal that comes while the process stops is left alone: stopping takes
/// a bounded time anyway.
class stop_signals {
public:
  stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals();

  /// Waits for a signal, the bell or the end of the time. Whether a signal
  /// has come, now or before.
  bool wait(const doorbell& bell, std::chrono::milliseconds at_most);

  [[nodiscard]] bool have_come() const noexcept { return have_come_; }
  /// Whether the one that came says that the node is not to come back.
  [[nodiscard]] bool for_good() const noexcept { return for_good_; }

private:
  int fd_;
  bool have_come_ = false;
  bool for_good_ = false;
};

} // namespace freehold::node
