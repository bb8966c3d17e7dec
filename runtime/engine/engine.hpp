#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/engine/counters.hpp"
#include "runtime/engine/dedupe_table.hpp"
#include "runtime/engine/input_position.hpp"
#include "runtime/engine/shard_unit.hpp"
#include "runtime/ports/crash_ledger.hpp"
#include "runtime/ports/event_log.hpp"

#include <caf/actor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace freehold::engine {

class worker;

/// Who wants to hear what becomes of messages. Called on worker threads, for
/// one shard never twice at a time, only after the commit (promise R5).
class answer_listener {
public:
  answer_listener() = default;
  answer_listener(const answer_listener&) = delete;
  answer_listener& operator=(const answer_listener&) = delete;
  virtual ~answer_listener() = default;
  virtual void answered(const std::vector<answer_notice>& notices) = 0;
};

enum class run_mode : std::uint8_t {
  /// One thread per worker.
  threads,
  /// None: whoever made the engine steps it. For tests and simulation.
  stepped,
};

/// Hosts an application's entities on a log.
///
/// Life: `make`, `start`, then `stop` (finish what was taken, commit, end) or
/// just the destructor (end at once: what was not committed never was).
/// The log, the clock, the ledger and the listener outlive the engine. Calls
/// may come from any thread that is no worker, one at a time.
class engine {
public:
  struct parts {
    ports::event_log& log;
    const clock& time;
    /// Where crashes are remembered; without one, only in memory.
    ports::crash_ledger* ledger = nullptr;
    answer_listener* listener = nullptr;
    run_mode mode = run_mode::threads;
  };

  static result<std::unique_ptr<engine>>
  make(std::shared_ptr<const application_plan> plan, const parts& with);

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;
  ~engine();

  /// Starts the workers and the log. Errors: those of `event_log::start`.
  result<void> start();

  /// Waits until every record is handled, every held message finished and
  /// everything committed, or until the engine failed, whose error it gives.
  /// Timers that are not due do not count. Threads only.
  result<void> wait_until_idle();

  /// Closes what is open by event time as if everything had come: every timer
  /// by event time that is set by now fires, with a watermark beyond all time.
  /// The watermark itself stays, so that later input is as late as it was. For
  /// the end of a bounded run, when the engine is idle; wait for that again
  /// afterwards.
  void close_windows();

  /// Waits until the engine fails or `timeout` has passed; nothing in the
  /// second case. Threads only.
  std::optional<error> wait_for_failure(std::chrono::milliseconds timeout);

  /// Takes no further input, finishes and commits what was taken, ends.
  /// Error: `unavailable` when that did not succeed within the time; then
  /// the rest is done again by the next start.
  result<void> stop(std::chrono::milliseconds within);

  /// Why the engine stopped by itself, if it did.
  [[nodiscard]] std::optional<error> failure() const;

  /// The sum over all shards. In stepped mode, or between two commits, as of
  /// the last time each shard worked.
  [[nodiscard]] counters count() const;
  /// Of the shards that are served here, as of the last time each worked. From
  /// any thread, beside any other call.
  [[nodiscard]] std::vector<input_position> positions() const;
  /// Of the shards that are ours but read their changelog still. As above.
  [[nodiscard]] std::vector<restore_position> restoring() const;

  /// Tells the CAF handle of an entity, on its worker, or none where there is
  /// none; one that is not in memory comes back first. The handle can be asked
  /// (`read_state`), monitored and linked, and keeps the entity in memory.
  /// What is not told by the engine's end never is.
  void find_entity(std::string_view type, std::string_view key,
                   std::function<void(caf::actor)> tell);
  /// The same, and waits. Threads only.
  [[nodiscard]] caf::actor find_entity(std::string_view type,
                                       std::string_view key);
  /// The actor system in which the entities live.
  [[nodiscard]] caf::actor_system& system();

  // -- stepped mode ----------------------------------------------------------

  /// Runs one job of one worker. False when no worker has any.
  bool step();
  /// Steps until nothing is ready. Returns how many steps it took.
  std::size_t run_ready();
  /// For whoever chooses the order of the workers' steps.
  [[nodiscard]] std::size_t worker_count() const noexcept;
  [[nodiscard]] worker& worker_at(std::size_t index) noexcept;
  /// Asks to be told, on a worker, when `wait_until_idle` would return.
  void when_idle(std::function<void()> tell);
  void when_finished(std::function<void()> tell);

private:
  class core;
  explicit engine(std::unique_ptr<core> content);
  std::unique_ptr<core> core_;
};

} // namespace freehold::engine
