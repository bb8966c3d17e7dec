#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace freehold::bridges::kafka {

/// A thread that runs functions one after the other. What was posted and did
/// not run by `stop` never does.
class serial_thread {
public:
  using task = std::function<void()>;

  serial_thread() : thread_([this] { loop(); }) {}
  ~serial_thread() { stop(); }
  serial_thread(const serial_thread&) = delete;
  serial_thread& operator=(const serial_thread&) = delete;

  /// From any thread; dropped after `stop`.
  void post(task what);
  void post_after(std::chrono::milliseconds delay, task what);

  /// Waits for the task under way. Not from within one. Idempotent.
  void stop();

private:
  using clock = std::chrono::steady_clock;
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<task> tasks_;
  /// By when they are due and the order in which they came.
  std::map<std::pair<clock::time_point, std::uint64_t>, task> later_;
  std::uint64_t order_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace freehold::bridges::kafka
