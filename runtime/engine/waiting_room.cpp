#include "runtime/engine/waiting_room.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/engine/entity_cell.hpp"

#include <algorithm>

namespace freehold::engine {

held_message& waiting_room::push(entity_cell& cell, held_message message) {
  bytes_ += message.bytes();
  by_number_.emplace(message.number, &cell);
  if (message.holds_time)
    times_.insert(message.source_watermark);
  cell.waiting = 1;
  line& at = lines_[&cell];
  at.messages.push_back(std::move(message));
  held_message& pushed = at.messages.back();
  if (at.messages.size() == 1) {
    at.due = pushed.due;
    due_.emplace(at.due, pushed.number);
  }
  return pushed;
}

held_message& waiting_room::front(entity_cell& cell) {
  const auto at = lines_.find(&cell);
  FREEHOLD_ASSERT(at != lines_.end(), "asks a cell that does not wait");
  return at->second.messages.front();
}

held_message waiting_room::pop(entity_cell& cell) {
  const auto at = lines_.find(&cell);
  FREEHOLD_ASSERT(at != lines_.end(), "pops from a cell that does not wait");
  line& here = at->second;
  held_message done = std::move(here.messages.front());
  here.messages.pop_front();
  due_.erase({here.due, done.number});
  by_number_.erase(done.number);
  bytes_ -= done.bytes();
  if (done.holds_time)
    times_.erase(times_.find(done.source_watermark));
  if (here.messages.empty()) {
    cell.waiting = 0;
    lines_.erase(at);
  } else {
    here.due = here.messages.front().due;
    due_.emplace(here.due, here.messages.front().number);
  }
  return done;
}

bool waiting_room::has(const entity_cell& cell) const {
  return lines_.contains(&cell);
}

void waiting_room::set_due(entity_cell& cell, timestamp due) {
  const auto at = lines_.find(&cell);
  FREEHOLD_ASSERT(at != lines_.end(), "a due time for a cell without messages");
  line& here = at->second;
  const std::uint64_t head = here.messages.front().number;
  due_.erase({here.due, head});
  here.due = due;
  here.messages.front().due = due;
  due_.emplace(due, head);
}

entity_cell* waiting_room::next_due(timestamp now) const {
  if (due_.empty() || due_.begin()->first > now)
    return nullptr;
  return by_number_.at(due_.begin()->second);
}

bool waiting_room::first_due(timestamp& due) const {
  if (due_.empty())
    return false;
  due = due_.begin()->first;
  return true;
}

held_message* waiting_room::find(std::uint64_t number) {
  const auto cell = by_number_.find(number);
  if (cell == by_number_.end())
    return nullptr;
  // Numbers grow along a queue.
  queue& messages = lines_.at(cell->second).messages;
  const auto found = std::lower_bound(
      messages.begin(), messages.end(), number,
      [](const held_message& m, std::uint64_t n) { return m.number < n; });
  FREEHOLD_ASSERT(found != messages.end() && found->number == number,
                  "a held message is where its number says");
  return &*found;
}

bool waiting_room::holds(topic_index topic, record_offset at) const {
  for (const auto& [cell, here] : lines_)
    for (const held_message& each : here.messages)
      if (each.topic == topic && each.offset == at)
        return true;
  return false;
}

entity_cell* waiting_room::cell_of(std::uint64_t number) const {
  const auto cell = by_number_.find(number);
  return cell == by_number_.end() ? nullptr : cell->second;
}

void waiting_room::clear() {
  lines_.clear();
  due_.clear();
  by_number_.clear();
  times_.clear();
  bytes_ = 0;
}

} // namespace freehold::engine
