#pragma once

#include "node/application_wiring.hpp"
#include "node/lag_watch.hpp"
#include "runtime/engine/engine.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace freehold::node {

/// Looks at the lag of what an engine serves, from time to time, and logs what
/// there is to say. On a thread of its own, because questions to the log wait.
class lag_monitor {
public:
  /// All of them outlive it.
  lag_monitor(const wiring& on, const engine::engine& engine,
              std::chrono::milliseconds interval, lag_watch::settings how);
  lag_monitor(const lag_monitor&) = delete;
  lag_monitor& operator=(const lag_monitor&) = delete;
  /// Waits for a look that is under way.
  ~lag_monitor();

private:
  void run();
  void look();

  const wiring& on_;
  const engine::engine& engine_;
  const std::chrono::milliseconds interval_;
  lag_watch watch_;
  std::unique_ptr<ports::log_reader> reader_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace freehold::node
