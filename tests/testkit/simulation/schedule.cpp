#include "tests/testkit/simulation/schedule.hpp"

#include <algorithm>

namespace freehold::simulation {

namespace {

/// What a step costs in virtual time: so loops meet their timeouts.
constexpr std::uint64_t step_cost_us_max = 50;
/// Steps between two changes of priorities, of the lane that is starved, and
/// of the lane that is in a burst; each about half of it on average.
constexpr std::uint64_t priorities_change = 2000;
constexpr std::uint64_t starving_change = 1000;
constexpr std::uint64_t burst_max = 60;
/// A starved lane moves once in so many of its chances.
constexpr std::uint64_t starved_moves_one_in = 64;

} // namespace

std::string_view name_of(strategy how) noexcept {
  switch (how) {
  case strategy::random:
    return "random";
  case strategy::priorities:
    return "priorities";
  case strategy::in_turn:
    return "in turn";
  case strategy::starve_one:
    return "starve one";
  case strategy::bursts:
    return "bursts";
  }
  return "?";
}

schedule::schedule(std::uint64_t seed, strategy how)
    : how_(how), order_(seed, purpose::order) {}

// -- lanes and tasks ---------------------------------------------------------

schedule::lane schedule::add(lane_entry made) {
  made.priority = order_.below(1U << 20U);
  lanes_.push_back(std::move(made));
  return static_cast<lane>(lanes_.size() - 1);
}

schedule::lane schedule::open(std::string name) {
  lane_entry made;
  made.name = std::move(name);
  return add(std::move(made));
}

schedule::lane schedule::open(std::string name, elsewhere tasks) {
  lane_entry made;
  made.name = std::move(name);
  made.other = std::move(tasks);
  return add(std::move(made));
}

void schedule::close(lane which) {
  auto& ending = at(which);
  ending.open = false;
  // What is dropped may call back.
  const auto dropped = std::exchange(ending.tasks, {});
}

void schedule::block(lane which, moment until) {
  at(which).blocked_until = std::max(at(which).blocked_until, until);
}

void schedule::post(lane which, task what) {
  if (at(which).open)
    at(which).tasks.push_back(std::move(what));
}

void schedule::post_after(moment delay, lane which, task what) {
  waiting_.emplace(std::pair{now_ + delay, ++last_waiting_},
                   waiting_task{which, std::move(what)});
}

// -- steps -------------------------------------------------------------------

bool schedule::can_move(const lane_entry& one) const noexcept {
  if (!one.open || one.blocked_until > now_)
    return false;
  return !one.tasks.empty() || (one.other && one.other->ready());
}

void schedule::bring_due() {
  while (!waiting_.empty() && waiting_.begin()->first.first <= now_) {
    auto due = waiting_.extract(waiting_.begin());
    post(due.mapped().where, std::move(due.mapped().what));
  }
}

void schedule::collect_movable() {
  movable_.clear();
  for (std::uint32_t i = 0; i < lanes_.size(); ++i)
    if (can_move(lanes_[i]))
      movable_.push_back(i);
}

std::uint32_t schedule::choose() {
  const auto any = [this] { return movable_[order_.below(movable_.size())]; };
  const auto is_movable = [this](std::uint32_t index) {
    return std::binary_search(movable_.begin(), movable_.end(), index);
  };
  switch (how_) {
  case strategy::random:
    return any();
  case strategy::priorities: {
    if (until_change_ == 0) {
      // The one that was ahead of all is behind all from now on.
      if (!lanes_.empty())
        lanes_[favourite_ % lanes_.size()].priority = order_.below(1U << 10U);
      until_change_ = 1 + order_.below(priorities_change);
    }
    --until_change_;
    favourite_ = *std::max_element(
        movable_.begin(), movable_.end(), [this](auto a, auto b) {
          return lanes_[a].priority < lanes_[b].priority;
        });
    // Without this a lane that never runs dry would hold back all others for
    // ever, which no scheduler of an operating system does.
    return order_.one_in(starved_moves_one_in) ? any() : favourite_;
  }
  case strategy::in_turn: {
    const auto next =
        std::upper_bound(movable_.begin(), movable_.end(), favourite_);
    favourite_ = next != movable_.end() ? *next : movable_.front();
    return favourite_;
  }
  case strategy::starve_one: {
    if (until_change_ == 0) {
      favourite_ = static_cast<std::uint32_t>(order_.below(lanes_.size()));
      until_change_ = 1 + order_.below(starving_change);
    }
    --until_change_;
    const std::uint32_t chosen = any();
    if (chosen != favourite_ || order_.one_in(starved_moves_one_in))
      return chosen;
    return any();
  }
  case strategy::bursts:
    if (until_change_ == 0 || !is_movable(favourite_)) {
      favourite_ = any();
      until_change_ = 1 + order_.below(burst_max);
    }
    --until_change_;
    return favourite_;
  }
  return any();
}

void schedule::run(std::uint32_t index) {
  note(index + 1);
  ++steps_;
  now_ += moment{1 + order_.below(step_cost_us_max)};
  auto& chosen = lanes_[index];
  if (chosen.tasks.empty()) {
    chosen.other->step();
    return;
  }
  const task next = std::move(chosen.tasks.front());
  chosen.tasks.pop_front();
  next();
}

bool schedule::jump(moment until) {
  moment next = moment::max();
  if (!waiting_.empty())
    next = waiting_.begin()->first.first;
  for (const auto& each : lanes_) {
    if (!each.open)
      continue;
    const bool has_tasks =
        !each.tasks.empty() || (each.other && each.other->ready());
    if (has_tasks) {
      next = std::min(next, each.blocked_until);
    } else if (each.other && each.other->next_due) {
      if (const auto due = each.other->next_due())
        next = std::min(next, std::max(*due, each.blocked_until));
    }
  }
  if (next > until) {
    now_ = std::max(now_, until);
    return false;
  }
  now_ = std::max(now_, next);
  return true;
}

bool schedule::step(moment until) {
  if (now_ >= until)
    return false;
  bring_due();
  collect_movable();
  if (movable_.empty())
    return jump(until);
  run(choose());
  return true;
}

void schedule::run_until(moment until) {
  while (step(until)) {
  }
}

} // namespace freehold::simulation
