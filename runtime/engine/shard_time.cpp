// Event time in a shard: what its sources have come to, what all shards say of
// theirs, and the timers that go by it.

#include "runtime/engine/shard.hpp"

#include <string>
#include <utility>

namespace freehold::engine {

namespace {

/// A source that was read to its end so long ago need not follow the others.
constexpr std::chrono::milliseconds rest_after{100};

} // namespace

event_clock shard::new_clock() const {
  if (!plan_->event_time)
    return {};
  return {plan_->sources.size(), plan_->options.shard_count,
          plan_->event_time->step};
}

void shard::note_event_time(taken_message& message) {
  if (!plan_->event_time)
    return;
  incoming& in = message.message;
  in.watermark = clock_.watermark();
  if (message.source == nullptr || !message.fault.empty())
    return;
  const auto which =
      static_cast<std::size_t>(message.source - plan_->sources.data());
  // Whose clock is far ahead says nothing about what is still to come.
  if (in.time.value()
      <= slice_time_.value() + plan_->event_time->ahead_max.count())
    clock_.read(which, in.time);
  in.source_watermark = clock_.of_source(which);
}

bool shard::is_ahead(const input& from) const noexcept {
  if (!plan_->event_time || from.description == nullptr)
    return false;
  const timestamp all = clock_.slowest();
  const auto which =
      static_cast<std::size_t>(from.description - plan_->sources.data());
  // As long as nothing is known of some shard, nobody is ahead of it.
  return all != before_all_time && all != after_all_time
         && clock_.of_source(which).value()
                > all.value() + plan_->event_time->drift_max.count();
}

void shard::let_others_follow() {
  if (close_asked_ || (filling_->is_blank() && !positions_moved()))
    return;
  for (const input& each : inputs_)
    if (each.current != nullptr && is_ahead(each)) {
      close_asked_ = true;
      host_.close_wanted();
      return;
    }
}

void shard::take_marker(const marker& told) {
  // Markers of a time when the application measured event time mean nothing.
  if (plan_->event_time && clock_.has(told.shard.value()))
    clock_.take(told.shard.value(), told.mark);
}

void shard::announce_event_time() {
  if (!plan_->event_time || state_ != state::serving || stopped_taking_)
    return;
  const std::int64_t now = host_.now().value();
  for (std::size_t i = 0; i < plan_->sources.size(); ++i) {
    const input& from = inputs_[i];
    const bool is_read =
        from.at_end && from.current == nullptr && from.ahead == nullptr;
    const std::int64_t since = now - from.at_end_since.value();
    clock_.set_rest(i, is_read && since >= rest_after.count(),
                    is_read && since >= plan_->event_time->idle_after.count());
  }
  const auto news = clock_.news(waiting_.held_time());
  if (!news)
    return;
  // Behind everything that this unit tells: who reads the marker has read
  // that.
  shard_unit& unit = *filling_;
  std::string value;
  encode(marker{index_, *news}, value);
  const std::string_view kept = unit.bytes.copy(value);
  for (std::uint32_t i = 0; i < plan_->options.shard_count; ++i) {
    ports::append& made = unit.appends.emplace_back();
    made.target = {plan_->inbox, partition_index{i}};
    made.time = host_.now();
    made.value = kept;
  }
  clock_.announced(*news);
}

void shard::pack_event_time() {
  if (!plan_->event_time)
    return;
  changelog::event_time_entry entry;
  entry.watermark = clock_.watermark();
  entry.announced = clock_.last_announced();
  for (std::size_t i = 0; i < plan_->sources.size(); ++i)
    entry.sources.emplace_back(plan_->topic_name(plan_->sources[i].topic),
                               clock_.of_source(i));
  entry.marks = clock_.marks();
  filling_->packs.put(entry);
  packed_clock_ = clock_;
}

bool shard::restore_event_time(std::string_view payload) {
  const auto entry = changelog::pack_reader::event_time(payload);
  if (!entry) {
    fail(entry.error());
    return false;
  }
  if (!plan_->event_time)
    return true;
  committed_clock_ = new_clock();
  for (const auto& [topic, time] : entry->sources)
    for (std::size_t i = 0; i < plan_->sources.size(); ++i)
      if (topic == plan_->topic_name(plan_->sources[i].topic))
        committed_clock_.restore_source(i, time);
  committed_clock_.announced(entry->announced);
  for (std::uint32_t i = 0; i < entry->marks.size(); ++i)
    if (committed_clock_.has(i))
      committed_clock_.take(i, entry->marks[i]);
  committed_clock_.restore_watermark(entry->watermark);
  return true;
}

timer* shard::next_timer() {
  timestamp first;
  if (timers_.first_due(first) && first <= host_.now())
    return timers_.next_due(timer_clock::processing_time, first);
  if (!plan_->event_time)
    return nullptr;
  if (timer* const due =
          timers_.next_due(timer_clock::event_time, clock_.watermark()))
    return due;
  timer* const open =
      closing_below_ == 0
          ? nullptr
          : timers_.first_below(timer_clock::event_time, closing_below_);
  if (open == nullptr)
    closing_below_ = 0;
  return open;
}

void shard::prefetch_due(std::size_t count) {
  if (!plan_->event_time)
    return;
  const timestamp now = clock_.watermark();
  timers_.visit_due(timer_clock::event_time, now, count,
                    [this](const timer& each) {
                      tables_[each.type]->prefetch_slot(each.key_hash);
                      return true;
                    });
  timers_.visit_due(timer_clock::event_time, now, count,
                    [this](const timer& each) {
                      tables_[each.type]->prefetch_cell(each.key_hash);
                      return true;
                    });
}

bool shard::has_timer_by_event_time() {
  return plan_->event_time
         && (timers_.next_due(timer_clock::event_time, clock_.watermark())
                 != nullptr
             || (closing_below_ != 0
                 && timers_.first_below(timer_clock::event_time, closing_below_)
                        != nullptr));
}

void shard::close_windows() {
  closing_below_ = next_number_;
  host_.continue_later();
}

} // namespace freehold::engine
