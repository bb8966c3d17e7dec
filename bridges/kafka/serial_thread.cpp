#include "bridges/kafka/serial_thread.hpp"

namespace freehold::bridges::kafka {

void serial_thread::post(task what) {
  const std::lock_guard lock{mutex_};
  if (stopping_)
    return;
  tasks_.push_back(std::move(what));
  wake_.notify_one();
}

void serial_thread::post_after(std::chrono::milliseconds delay, task what) {
  const std::lock_guard lock{mutex_};
  if (stopping_)
    return;
  later_.emplace(std::pair{clock::now() + delay, ++order_}, std::move(what));
  wake_.notify_one();
}

void serial_thread::loop() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto now = clock::now();
    while (!later_.empty() && later_.begin()->first.first <= now)
      tasks_.push_back(std::move(later_.extract(later_.begin()).mapped()));
    if (!tasks_.empty()) {
      {
        const task next = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        next();
      } // it ends, and what it holds, without the lock
      lock.lock();
    } else if (later_.empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_until(lock, later_.begin()->first.first);
    }
  }
}

void serial_thread::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable())
    thread_.join();
  // Nobody posts any more.
  tasks_.clear();
  later_.clear();
}

} // namespace freehold::bridges::kafka
