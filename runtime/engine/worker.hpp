#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/ids.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace freehold::engine {

/// A run queue with a thread of its own, or without one when a test steps it.
/// Everything pinned to a worker (shards, their entities, supervisors) runs
/// here and only here, so nothing in it needs a lock.
///
/// The stock scheduler of CAF 0.17 lets an idle actor run wherever its sender
/// runs, and its work stealing is quadratic in the queue length; this one
/// never moves an actor (see docs/adr/0003-workers.md).
///
/// Life: made, then either `start` (threaded) or `run_one` (stepped), then
/// `stop` once. `drain` releases what is left in the queue without running it.
class worker final : public caf::execution_unit {
public:
  worker(caf::actor_system& system, worker_index index, const clock& clock);
  ~worker() override;
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  // -- from any thread -------------------------------------------------------

  /// Queues a job, taking over one reference. On the worker's own thread it
  /// is a plain push; from elsewhere it is handed over under a lock.
  void exec_later(caf::resumable* job) override;

  /// Runs a function on the worker as soon as possible.
  void post(std::function<void()> task);

  /// Hands a message to one of this worker's actors.
  /// @pre `receiver` is a `light_actor` whose home is this worker
  void post(caf::strong_actor_ptr receiver, caf::mailbox_element_ptr what);

  /// Whether the calling thread is running this worker.
  [[nodiscard]] bool is_current() const noexcept;

  [[nodiscard]] worker_index index() const noexcept { return index_; }

  // -- on the worker's own thread --------------------------------------------

  /// Runs `task` when the clock shows `due` or later, or as long from now as
  /// that is where the clock is set back in between: whoever needs the clock
  /// itself looks at it then. Ties run in the order of their registration. At
  /// most a handful of alarms exist per shard: the durable timers of entities
  /// have a table of their own.
  void at(timestamp due, std::function<void()> task);

  /// Runs one job, due alarm or handed-over task. False when there was none.
  bool run_one();

  /// Whether `run_one` would find something, for whoever steps it.
  [[nodiscard]] bool is_ready();

  /// The next alarm, for a test that moves the clock.
  [[nodiscard]] bool next_alarm(timestamp& due);

  // -- life ------------------------------------------------------------------

  void start();
  /// Ends the thread after the job under way. Idempotent.
  void stop();
  /// Drops all that is queued. @pre no thread runs
  void drain();

private:
  struct alarm {
    timestamp due;
    std::uint64_t order;
    std::function<void()> task;
    friend bool operator>(const alarm& a, const alarm& b) {
      return std::pair{a.due, a.order} > std::pair{b.due, b.order};
    }
  };

  struct mail {
    caf::strong_actor_ptr receiver;
    caf::mailbox_element_ptr what;
  };

  void loop();
  bool take_handed_over();
  bool run_due_alarm();
  /// Moves the alarms with a clock that was set back.
  timestamp look_at_clock();
  void wake();

  /// Jobs an actor may handle before others get their turn.
  static constexpr std::size_t throughput_max = 300;
  /// Alarms are looked at every that many jobs while there is work.
  static constexpr std::uint32_t alarm_check_interval = 64;

  const worker_index index_;
  const clock& clock_;

  std::deque<caf::resumable*> jobs_;
  std::deque<std::function<void()>> tasks_;
  std::vector<alarm> alarms_; // a heap, the earliest first
  std::uint64_t alarm_order_ = 0;
  /// What the clock showed when it was looked at last.
  timestamp seen_{0};
  std::uint32_t jobs_since_alarm_check_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<caf::resumable*> handed_jobs_;
  std::vector<std::function<void()>> handed_tasks_;
  std::vector<mail> handed_mail_;
  std::atomic<bool> handed_over_{false};
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace freehold::engine
