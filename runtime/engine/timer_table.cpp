#include "runtime/engine/timer_table.hpp"

#include <algorithm>

namespace freehold::engine {

timer& timer_table::set(timer what) {
  take({what.type, what.key, what.name});
  auto kept = std::make_unique<timer>(std::move(what));
  timer& here = *kept;
  bytes_ += here.bytes();
  due(here.clock).insert({{here.due, here.number}, &here});
  timers_.emplace(identity{here.type, here.key, here.name}, std::move(kept));
  return here;
}

std::unique_ptr<timer> timer_table::take(const identity& which) {
  const auto found = timers_.find(which);
  if (found == timers_.end())
    return nullptr;
  auto taken = std::move(found->second);
  timers_.erase(found);
  due(taken->clock).erase({{taken->due, taken->number}, taken.get()});
  bytes_ -= taken->bytes();
  return taken;
}

timer* timer_table::find(const identity& which) {
  const auto found = timers_.find(which);
  return found == timers_.end() ? nullptr : found->second.get();
}

timer* timer_table::next_due(timer_clock clock, timestamp now) const {
  const due_list& all = due(clock);
  if (all.empty() || all.begin()->first.first > now)
    return nullptr;
  return all.begin()->second;
}

timer* timer_table::first_below(timer_clock clock, std::uint64_t number) const {
  for (const auto& [when, which] : due(clock))
    if (which->number < number)
      return which;
  return nullptr;
}

bool timer_table::first_due(timestamp& when) const {
  const due_list& all = due(timer_clock::processing_time);
  if (all.empty())
    return false;
  when = all.begin()->first.first;
  return true;
}

bool timer_table::has(std::uint64_t number) const {
  return std::any_of(
      timers_.begin(), timers_.end(),
      [number](const auto& each) { return each.second->number == number; });
}

void timer_table::clear() {
  timers_.clear();
  for (due_list& each : due_)
    each.clear();
  bytes_ = 0;
}

} // namespace freehold::engine
