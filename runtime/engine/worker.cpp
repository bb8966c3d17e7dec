#include "runtime/engine/worker.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/engine/light_actor.hpp"

#include <algorithm>
#include <chrono>

namespace freehold::engine {

namespace {

thread_local const worker* current_worker = nullptr;

/// A sleeping worker looks at the clock that often at the least, so that a
/// wall clock that was set, either way, delays no alarm by more than this.
constexpr std::chrono::milliseconds sleep_max{1000};

} // namespace

worker::worker(caf::actor_system& system, worker_index index,
               const freehold::clock& clock)
    : caf::execution_unit(&system), index_(index), clock_(clock) {}

worker::~worker() {
  stop();
  drain();
}

bool worker::is_current() const noexcept { return current_worker == this; }

void worker::exec_later(caf::resumable* job) {
  if (is_current()) {
    jobs_.push_back(job);
    return;
  }
  const std::lock_guard lock{mutex_};
  handed_jobs_.push_back(job);
  wake();
}

void worker::post(std::function<void()> task) {
  if (is_current()) {
    tasks_.push_back(std::move(task));
    return;
  }
  const std::lock_guard lock{mutex_};
  handed_tasks_.push_back(std::move(task));
  wake();
}

void worker::post(caf::strong_actor_ptr receiver,
                  caf::mailbox_element_ptr what) {
  const std::lock_guard lock{mutex_};
  handed_mail_.push_back({std::move(receiver), std::move(what)});
  wake();
}

void worker::wake() {
  if (!handed_over_.exchange(true, std::memory_order_release))
    wake_.notify_one();
}

void worker::at(timestamp due, std::function<void()> task) {
  look_at_clock();
  alarms_.push_back({due, alarm_order_++, std::move(task)});
  std::push_heap(alarms_.begin(), alarms_.end(), std::greater<>{});
}

timestamp worker::look_at_clock() {
  const timestamp now = clock_.now();
  if (now < seen_)
    for (alarm& each : alarms_) // their order stays
      each.due = timestamp{each.due.value() - (seen_.value() - now.value())};
  seen_ = now;
  return now;
}

bool worker::next_alarm(timestamp& due) {
  look_at_clock();
  if (alarms_.empty())
    return false;
  due = alarms_.front().due;
  return true;
}

bool worker::is_ready() {
  return handed_over_.load(std::memory_order_acquire) || !tasks_.empty()
         || !jobs_.empty()
         || (!alarms_.empty() && alarms_.front().due <= look_at_clock());
}

bool worker::take_handed_over() {
  if (!handed_over_.load(std::memory_order_acquire))
    return false;
  std::vector<caf::resumable*> jobs;
  std::vector<std::function<void()>> tasks;
  std::vector<mail> letters;
  {
    const std::lock_guard lock{mutex_};
    // A stop stays to be seen: there may be no end of work to wait for.
    handed_over_.store(stopping_, std::memory_order_relaxed);
    jobs.swap(handed_jobs_);
    tasks.swap(handed_tasks_);
    letters.swap(handed_mail_);
  }
  jobs_.insert(jobs_.end(), jobs.begin(), jobs.end());
  for (auto& task : tasks)
    tasks_.push_back(std::move(task));
  for (auto& letter : letters)
    static_cast<light_actor*>(letter.receiver->get())
        ->deliver_handed_over(std::move(letter.what));
  return true;
}

bool worker::run_due_alarm() {
  if (alarms_.empty() || alarms_.front().due > look_at_clock())
    return false;
  std::pop_heap(alarms_.begin(), alarms_.end(), std::greater<>{});
  const auto task = std::move(alarms_.back().task);
  alarms_.pop_back();
  task();
  return true;
}

bool worker::run_one() {
  const worker* const before = std::exchange(current_worker, this);
  const auto leave = [&](bool ran) {
    current_worker = before;
    return ran;
  };
  take_handed_over();
  if (++jobs_since_alarm_check_ >= alarm_check_interval) {
    jobs_since_alarm_check_ = 0;
    if (run_due_alarm())
      return leave(true);
  }
  if (!tasks_.empty()) {
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return leave(true);
  }
  if (jobs_.empty()) {
    jobs_since_alarm_check_ = 0;
    return leave(run_due_alarm());
  }
  caf::resumable* job = jobs_.front();
  jobs_.pop_front();
  switch (job->resume(this, throughput_max)) {
  case caf::resumable::resume_later:
    jobs_.push_back(job);
    break;
  default:
    caf::intrusive_ptr_release(job);
  }
  return leave(true);
}

void worker::start() {
  FREEHOLD_ASSERT(!thread_.joinable(), "a worker starts once");
  thread_ = std::thread{[this] { loop(); }};
}

void worker::loop() {
  for (;;) {
    while (run_one()) {
      // Looked at without the lock: only a hint that a stop may be waiting.
      if (handed_over_.load(std::memory_order_relaxed)) {
        const std::lock_guard lock{mutex_};
        if (stopping_)
          return;
      }
    }
    std::unique_lock lock{mutex_};
    if (stopping_)
      return;
    if (handed_over_.load(std::memory_order_relaxed))
      continue;
    auto pause = sleep_max;
    if (!alarms_.empty()) {
      const std::int64_t now = look_at_clock().value();
      const std::chrono::milliseconds left{alarms_.front().due.value() - now};
      pause = std::clamp(left, std::chrono::milliseconds{0}, sleep_max);
    }
    wake_.wait_for(lock, pause, [this] {
      return stopping_ || handed_over_.load(std::memory_order_relaxed);
    });
    if (stopping_)
      return;
  }
}

void worker::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake();
    wake_.notify_one();
  }
  if (thread_.joinable())
    thread_.join();
}

void worker::drain() {
  // Releasing a job or a function may destroy an actor, which may queue others.
  const worker* const before = std::exchange(current_worker, this);
  for (;;) {
    take_handed_over();
    std::exchange(tasks_, {});
    std::exchange(alarms_, {});
    if (jobs_.empty()) {
      if (tasks_.empty() && alarms_.empty())
        break;
      continue;
    }
    caf::resumable* job = jobs_.front();
    jobs_.pop_front();
    caf::intrusive_ptr_release(job);
  }
  current_worker = before;
}

} // namespace freehold::engine
