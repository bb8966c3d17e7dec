#include "runtime/engine/timer_table.hpp"

#include <algorithm>

namespace freehold::engine {

timer& timer_table::set(timer what) {
  take({what.type, what.key, what.name});
  auto kept = std::make_unique<timer>(std::move(what));
  timer& here = *kept;
  bytes_ += here.bytes();
  due_.insert({{here.due, here.number}, &here});
  timers_.emplace(identity{here.type, here.key, here.name}, std::move(kept));
  return here;
}

std::unique_ptr<timer> timer_table::take(const identity& which) {
  const auto found = timers_.find(which);
  if (found == timers_.end())
    return nullptr;
  auto taken = std::move(found->second);
  timers_.erase(found);
  due_.erase({{taken->due, taken->number}, taken.get()});
  bytes_ -= taken->bytes();
  return taken;
}

timer* timer_table::find(const identity& which) {
  const auto found = timers_.find(which);
  return found == timers_.end() ? nullptr : found->second.get();
}

timer* timer_table::next_due(timestamp now) const {
  if (due_.empty() || due_.begin()->first.first > now)
    return nullptr;
  return due_.begin()->second;
}

bool timer_table::first_due(timestamp& due) const {
  if (due_.empty())
    return false;
  due = due_.begin()->first.first;
  return true;
}

bool timer_table::has(std::uint64_t number) const {
  return std::any_of(due_.begin(), due_.end(), [number](const auto& each) {
    return each.first.second == number;
  });
}

void timer_table::clear() {
  timers_.clear();
  due_.clear();
  bytes_ = 0;
}

} // namespace freehold::engine
