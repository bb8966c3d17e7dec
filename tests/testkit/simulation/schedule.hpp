#pragma once

#include "runtime/base/clock.hpp"
#include "tests/testkit/simulation/choices.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freehold::simulation {

/// Time in the simulation, since its begin.
using moment = std::chrono::microseconds;

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// In which order the lanes move.
enum class strategy : std::uint8_t {
  /// Any lane that can, with equal chance.
  random,
  /// The lane of the highest priority that can; priorities change a few times
  /// (PCT: Burckhardt et al., ASPLOS 2010).
  priorities,
  /// In turn: the most boring order.
  in_turn,
  /// One lane moves only when no other can, another one every so often.
  starve_one,
  /// A lane that moved moves on for a while.
  bursts,
};

[[nodiscard]] std::string_view name_of(strategy how) noexcept;

/// One thread, one virtual time, and everything that may happen next. Things
/// that happen in order stand in one lane (a connection, a worker's queue, the
/// markers of one partition); between lanes there is no order but the one that
/// the seed chooses. Every step costs some virtual time; where nothing can
/// move, time jumps to what is due next.
class schedule {
public:
  using task = std::function<void()>;
  enum class lane : std::uint32_t {};

  schedule(std::uint64_t seed, strategy how);
  schedule(const schedule&) = delete;
  schedule& operator=(const schedule&) = delete;

  // -- lanes -----------------------------------------------------------------

  /// A lane of tasks, first in, first out.
  lane open(std::string name);
  /// A lane whose tasks lie elsewhere, such as a worker's queue.
  struct elsewhere {
    /// Whether `step` has something to do now.
    std::function<bool()> ready;
    std::function<void()> step;
    /// When it will be ready by time alone, if it knows.
    std::function<std::optional<moment>()> next_due;
  };
  lane open(std::string name, elsewhere tasks);
  /// Ends a lane with all that stands in it; also from within a task of it.
  void close(lane which);
  /// Until then nothing in the lane moves: a clogged connection, a paused
  /// process.
  void block(lane which, moment until);
  void unblock(lane which) { at(which).blocked_until = moment{0}; }

  // -- tasks -----------------------------------------------------------------

  /// At the end of the lane; nothing where the lane has ended.
  void post(lane which, task what);
  /// The same once that time has passed, by when others may stand before it.
  void post_after(moment delay, lane which, task what);

  // -- time ------------------------------------------------------------------

  [[nodiscard]] moment now() const noexcept { return now_; }

  /// Runs one task, or lets time jump to the next that is due. False when
  /// there is nothing left that could ever happen, or nothing before `until`:
  /// then that is the time.
  bool step(moment until);
  void run_until(moment until);
  void run_for(moment how_long) { run_until(now_ + how_long); }

  // -- what came to pass -----------------------------------------------------

  [[nodiscard]] std::uint64_t step_count() const noexcept { return steps_; }
  /// Of all choices so far: equal for equal courses.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  /// Adds something of the course to the hash.
  void note(std::uint64_t what) noexcept {
    hash_ = (hash_ ^ what) * 0x100000001B3ULL;
    hash_ ^= hash_ >> 29U;
  }
  [[nodiscard]] const std::string& name_of(lane which) const {
    return lanes_[static_cast<std::size_t>(which)].name;
  }

private:
  struct lane_entry {
    std::string name;
    bool open = true;
    std::deque<task> tasks;
    std::optional<elsewhere> other;
    moment blocked_until{0};
    std::uint64_t priority = 0;
  };
  struct waiting_task {
    lane where;
    task what;
  };

  lane_entry& at(lane which) { return lanes_[static_cast<std::size_t>(which)]; }
  lane add(lane_entry made);
  [[nodiscard]] bool can_move(const lane_entry& one) const noexcept;
  void collect_movable();
  std::uint32_t choose();
  void run(std::uint32_t index);
  /// To the next time at which something becomes possible.
  bool jump(moment until);
  void bring_due();

  const strategy how_;
  choices order_;
  moment now_{0};
  std::uint64_t steps_ = 0;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  /// A lane stays where it is: its task may open others.
  std::deque<lane_entry> lanes_;
  std::map<std::pair<moment, std::uint64_t>, waiting_task> waiting_;
  std::uint64_t last_waiting_ = 0;
  std::vector<std::uint32_t> movable_;

  std::uint32_t favourite_ = 0;
  std::uint64_t until_change_ = 0;
};

/// A node's clock: the simulation's time, with its own error.
class simulated_clock final : public clock {
public:
  /// @param error  is added; a node's clock may be ahead or behind
  explicit simulated_clock(const schedule& whose,
                           std::chrono::milliseconds error = {})
      : whose_(whose), error_(error) {}

  /// When simulated time is zero.
  static constexpr std::int64_t begin_ms = 1'700'000'000'000;

  [[nodiscard]] timestamp now() const override {
    return timestamp{
        begin_ms
        + std::chrono::floor<std::chrono::milliseconds>(whose_.now()).count()
        + error_.count()};
  }
  /// When this clock will show `due`.
  [[nodiscard]] moment when(timestamp due) const noexcept {
    return std::chrono::milliseconds{due.value() - begin_ms} - error_;
  }
  void set_error(std::chrono::milliseconds error) noexcept { error_ = error; }

private:
  const schedule& whose_;
  std::chrono::milliseconds error_;
};

} // namespace freehold::simulation
