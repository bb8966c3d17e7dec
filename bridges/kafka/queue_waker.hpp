#pragma once

#include "bridges/kafka/handles.hpp"
#include "bridges/kafka/serial_thread.hpp"

#include <atomic>
#include <functional>
#include <utility>

namespace freehold::bridges::kafka {

/// Lets a thread look into queues of librdkafka as soon as there is something
/// in them. Outlives the queues that it watches, or is told to ignore them.
class queue_waker {
public:
  queue_waker(serial_thread& home, serial_thread::task look)
      : home_(home), look_(std::move(look)) {}
  queue_waker(const queue_waker&) = delete;
  queue_waker& operator=(const queue_waker&) = delete;

  void watch(rd_kafka_queue_t& which) {
    // No call into the library may be made from within.
    rd_kafka_queue_cb_event_enable(&which, wake, this);
  }
  static void ignore(rd_kafka_queue_t& which) {
    rd_kafka_queue_cb_event_enable(&which, nullptr, nullptr);
  }
  /// Before looking. Whether it was this that called.
  bool looks() noexcept { return posted_.exchange(false); }

private:
  static void wake(rd_kafka_t*, void* opaque) {
    auto& self = *static_cast<queue_waker*>(opaque);
    if (!self.posted_.exchange(true))
      self.home_.post(self.look_);
  }

  serial_thread& home_;
  const serial_thread::task look_;
  std::atomic<bool> posted_{false};
};

} // namespace freehold::bridges::kafka
