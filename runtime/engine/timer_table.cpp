#include "runtime/engine/timer_table.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/base/hash.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace freehold::engine {

namespace {

/// Of a timer besides its block: the allocator's own word and padding, and the
/// table's slot, with as many empty ones as there are when it has just grown.
constexpr std::size_t around_timer_bytes = 16 + 24;

/// A table that has become this empty gives its memory back, but for a few
/// slots: a handful of timers comes and goes all the time.
constexpr std::size_t slots_per_timer_max = 16;
constexpr std::size_t slots_kept_max = 1024;

std::uint32_t size_of(std::string_view text) noexcept {
  return static_cast<std::uint32_t>(text.size());
}

} // namespace

// -- timer -------------------------------------------------------------------

timer::timer(const timer_identity& which, const timer_content& what) noexcept
    : key_hash(which.key_hash),
      due(what.due),
      type(which.type),
      version(what.version),
      clock(what.clock),
      key_size_(size_of(which.key)),
      name_size_(size_of(which.name)),
      message_size_(size_of(what.message)),
      body_size_(size_of(what.body)) {
  char* at = texts();
  for (const std::string_view text :
       {which.key, which.name, what.message, what.body}) {
    std::copy(text.begin(), text.end(), at);
    at += text.size();
  }
}

timer_ptr timer::make(const timer_identity& which, const timer_content& what) {
  void* const block =
      ::operator new(sizeof(timer) + which.key.size() + which.name.size()
                     + what.message.size() + what.body.size());
  return timer_ptr{::new (block) timer{which, what}};
}

std::size_t timer::bytes() const noexcept {
  return sizeof(timer) + key_size_ + name_size_ + message_size_ + body_size_
         + around_timer_bytes;
}

void timer_deleter::operator()(timer* which) const noexcept {
  which->~timer();
  ::operator delete(which);
}

// -- timer_table -------------------------------------------------------------

std::size_t timer_table::identity_hash::operator()(
    const timer_identity& which) const noexcept {
  return which.key_hash + key_hash(which.name) + which.type;
}

timer& timer_table::set(timer_ptr what) {
  const bool is_new = timers_.insert(what.get()).second;
  FREEHOLD_ASSERT(is_new, "a timer takes no other one's place unseen");
  timer& here = *what.release();
  bytes_ += here.bytes();
  due_list& order = due(here.clock);
  timer*& last = last_set_[static_cast<std::size_t>(here.clock)];
  order.insert(last == nullptr ? order.end()
                               : std::next(order.iterator_to(*last)),
               here);
  last = &here;
  return here;
}

timer_ptr timer_table::take(const timer_identity& which) {
  const auto found = timers_.find(which);
  if (found == timers_.end())
    return nullptr;
  timer_ptr taken{*found};
  timers_.erase(found);
  if (timers_.bucket_count()
      > std::max(slots_kept_max, timers_.size() * slots_per_timer_max))
    timers_.rehash(0);
  due_list& order = due(taken->clock);
  order.erase(order.iterator_to(*taken));
  timer*& last = last_set_[static_cast<std::size_t>(taken->clock)];
  if (last == taken.get())
    last = nullptr;
  if (const auto at = std::exchange(taken->changed_at_, 0); at != 0)
    changed_[at - 1] = nullptr;
  bytes_ -= taken->bytes();
  return taken;
}

timer* timer_table::find(const timer_identity& which) const noexcept {
  const auto found = timers_.find(which);
  return found == timers_.end() ? nullptr : *found;
}

timer* timer_table::next_due(timer_clock clock, timestamp now) noexcept {
  due_list& all = due(clock);
  if (all.empty() || all.begin()->due > now)
    return nullptr;
  return &*all.begin();
}

timer* timer_table::first_below(timer_clock clock,
                                std::uint64_t number) noexcept {
  for (timer& each : due(clock))
    if (each.number < number)
      return &each;
  return nullptr;
}

bool timer_table::first_due(timestamp& when) const noexcept {
  const due_list& all = due(timer_clock::processing_time);
  if (all.empty())
    return false;
  when = all.begin()->due;
  return true;
}

bool timer_table::has(std::uint64_t number) const noexcept {
  return std::any_of(
      timers_.begin(), timers_.end(),
      [number](const timer* each) { return each->number == number; });
}

void timer_table::note_changed(timer& which) {
  if (which.changed_at_ != 0)
    return;
  changed_.push_back(&which);
  which.changed_at_ = static_cast<std::uint32_t>(changed_.size());
}

void timer_table::clear() noexcept {
  changed_.clear();
  for (due_list& each : due_)
    each.clear_and_dispose(timer_deleter{});
  last_set_ = {};
  timers_ = {};
  bytes_ = 0;
}

} // namespace freehold::engine
