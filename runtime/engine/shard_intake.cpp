// How a shard takes records and finds out what they say. They go on in
// shard_delivery.cpp, and what fails there in shard_waiting.cpp; units are in
// shard_commit.cpp, restoring is in shard_restore.cpp.

#include "runtime/engine/shard.hpp"

#include <algorithm>
#include <utility>

namespace freehold::engine {

namespace {

/// Records of all inputs in one turn of a shard.
constexpr std::size_t slice_records_max = 256;
/// The same without direct delivery: what a bound cannot see before it is
/// handled.
constexpr std::size_t underway_max = 16;
/// Retries and timers in one turn.
constexpr std::size_t slice_due_max = 64;
/// What a cell without content counts towards a unit's size.
constexpr std::size_t fresh_cell_bytes = 320;
/// How often a restore may find the front of its changelog gone.
constexpr std::uint32_t restore_begins_max = 5;

} // namespace

// -- taking ------------------------------------------------------------------

bool shard::may_take() const noexcept {
  const engine_options& options = plan_->options;
  return state_ == state::serving && !stopped_taking_ && !close_pending_
         && bringing_ == nullptr && !is_full()
         && unit_bytes() < options.unit_bytes_max && !compaction_comes_first();
}

bool shard::is_full() const noexcept {
  // Of what is on its way every message may have to wait.
  return waiting_.bytes() + underway_bytes_ > plan_->options.held_bytes_max
         || timers_.bytes() + underway_bytes_ > plan_->options.timer_bytes_max;
}

std::uint64_t shard::unit_bytes() const noexcept {
  return filling_->bytes.size_bytes() + filling_->expected_bytes
         + fresh_.size() * fresh_cell_bytes;
}

void shard::withdraw(input& from) {
  if (from.asked.withdraw())
    host_.cancel_fetch(from.source);
}

void shard::request_input(input& from) {
  if (from.asked || from.ahead != nullptr || stopped_taking_
      || state_ != state::serving)
    return;
  from.asked.ask(from.read_to);
  host_.fetch({.source = from.source,
               .from = from.read_to,
               .bytes_max = plan_->options.fetch_bytes,
               .wait = from.probing || (plan_->event_time && !from.at_end)
                           ? ports::fetch_wait::no
                           : ports::fetch_wait::for_records});
}

void shard::fetched(next_offset asked, const ports::record_batch_ptr& batch) {
  if (batch->source.topic == plan_->changelog) {
    if (reading_.asked.is_answered_by(asked)) {
      restore_from(*batch);
    } else if (front_asked_.is_answered_by(asked)) {
      front_batch_ = batch;
      front_cursor_ = 0;
      host_.continue_later();
    }
    return;
  }
  for (input& each : inputs_) {
    if (each.source != batch->source)
      continue;
    if (!each.asked.is_answered_by(asked))
      return;
    each.read_to = std::max(each.read_to, batch->next);
    if (!each.at_end || !batch->records.empty())
      each.at_end_since = host_.now();
    each.at_end = batch->next >= batch->end;
    const bool was_probe = std::exchange(each.probing, false);
    if (batch->records.empty()) {
      if (each.current == nullptr)
        each.position = each.read_to;
      if (was_probe) {
        if (--probes_left_ == 0)
          host_.probed(probe_idle_);
      }
      request_input(each);
      return;
    }
    if (was_probe) {
      probe_idle_ = false;
      if (--probes_left_ == 0)
        host_.probed(false);
    }
    if (each.current == nullptr) {
      each.current = batch;
      each.cursor = 0;
      request_input(each);
    } else {
      each.ahead = batch;
    }
    host_.continue_later();
    return;
  }
}

void shard::fetch_failed(topic_partition source, next_offset from,
                         const error& why) {
  const bool is_changelog = source.topic == plan_->changelog;
  const bool restoring = is_changelog && reading_.asked.is_answered_by(from);
  bool awaited =
      restoring || (is_changelog && front_asked_.is_answered_by(from));
  for (input& each : inputs_)
    awaited =
        awaited || (each.source == source && each.asked.is_answered_by(from));
  if (!awaited)
    return; // of a read that was withdrawn
  if (restoring && reading_.all && why.code == errc::not_found
      && ++restore_begins_ < restore_begins_max) {
    // A truncation was still on its way when the log named the beginning:
    // let it be named again.
    state_ = state::undoing;
    forget_everything();
    host_.undo_wanted();
    return;
  }
  fail({why.code, "cannot read " + plan_->topic_name(source.topic)
                      + " partition " + std::to_string(source.partition.value())
                      + ": " + why.context});
}

void shard::stop_taking() {
  stopped_taking_ = true;
  give_up_probe();
  for (input& each : inputs_) {
    withdraw(each);
    each.begin_at(each.position);
  }
  prepared_of_ = nullptr;
}

void shard::work() {
  if (state_ != state::serving && state_ != state::draining)
    return;
  if (underway_ != 0)
    return; // the cells come first; the last arrival continues
  if (bringing_ != nullptr)
    return; // the log's answer continues
  if (close_pending_)
    finish_close(*std::exchange(close_pending_, std::nullopt));
  if (state_ != state::serving)
    return; // it was undone: a state is too large
  if (!sought_.empty() && bring_sought())
    return;
  prefetch_due(slice_due_max);
  std::size_t due = 0;
  while (due < slice_due_max && state_ == state::serving && !close_pending_
         && bringing_ == nullptr && !stopped_taking_
         && unit_bytes() < plan_->options.unit_bytes_max
         && (retry_one() || fire_one()))
    ++due;
  bool more = due == slice_due_max;
  std::size_t left =
      plan_->options.direct_delivery ? slice_records_max : underway_max;
  // An input that found no room has its turn first the next time.
  for (std::size_t i = 0; i < inputs_.size() && left > 0 && may_take(); ++i) {
    input& from = inputs_[next_input_];
    while (left > 0 && from.current != nullptr && may_take() && !is_ahead(from))
      left -= take_from(from, left);
    if (bringing_ == nullptr) // it goes on where it waits
      next_input_ = (next_input_ + 1) % inputs_.size();
  }
  if (state_ != state::serving)
    return;
  just_brought_ = false;
  passivate_idle();
  compact();
  if (unit_bytes() >= plan_->options.unit_bytes_max && !close_asked_) {
    close_asked_ = true;
    host_.close_wanted();
  }
  let_others_follow();
  if (bringing_ != nullptr)
    return;
  schedule_wake();
  for (const input& each : inputs_)
    more = more || (each.current != nullptr && !is_ahead(each));
  if (underway_ != 0)
    return;
  const bool may_fire = !stopped_taking_ && !close_pending_
                        && unit_bytes() < plan_->options.unit_bytes_max;
  if ((more && may_take()) || (may_fire && has_timer_by_event_time()))
    host_.continue_later();
}

void shard::schedule_wake() {
  // What is due and cannot be taken up now would wake us again and again; the
  // close that makes room goes on by itself.
  if (stopped_taking_ || close_pending_
      || unit_bytes() >= plan_->options.unit_bytes_max)
    return;
  timestamp due;
  timestamp first;
  bool any = false;
  if (waiting_.first_due(due)) {
    first = due;
    any = true;
  }
  if (timers_.first_due(due) && (!any || due < first)) {
    first = due;
    any = true;
  }
  if (any)
    host_.wake_at(first);
}

std::size_t shard::take_from(input& from, std::size_t count) {
  const auto& records = from.current->records;
  if (prepared_of_ != &from || prepared_at_ == prepared_end_)
    prepare_from(from);
  count = std::min(count, prepared_end_ - prepared_at_);
  count = in_memory_of(prepared_at_, prepared_at_ + count);
  if (count == 0)
    return 0;
  if (!plan_->options.direct_delivery)
    underway_batches_.push_back(from.current);
  if (plan_->event_time)
    slice_time_ = host_.now();
  // A bound that one record reaches stops the next one.
  std::size_t taken = 0;
  do {
    deliver(prepared_[prepared_at_++]);
  } while (++taken < count && may_take() && !is_ahead(from));
  count = taken;
  from.cursor += count;
  if (from.cursor < records.size()) {
    from.position = after(records[from.cursor - 1].offset);
  } else {
    from.position = from.ahead ? from.current->next : from.read_to;
    from.current = std::exchange(from.ahead, nullptr);
    from.cursor = 0;
    request_input(from);
  }
  return count;
}

void shard::prepare_from(input& from) {
  const auto& records = from.current->records;
  prepared_of_ = &from;
  prepared_at_ = 0;
  prepared_end_ = std::min(prepared_.size(), records.size() - from.cursor);
  for (std::size_t i = 0; i < prepared_end_; ++i) {
    prepare(from, records[from.cursor + i], prepared_[i]);
    if (prepared_[i].table != nullptr)
      prepared_[i].table->prefetch_slot(prepared_[i].hash);
  }
  for (std::size_t i = 0; i < prepared_end_; ++i)
    if (prepared_[i].table != nullptr)
      prepared_[i].table->prefetch_cell(prepared_[i].hash);
}

// -- what a record says ------------------------------------------------------

void shard::prepare(input& from, const record& what, taken_message& into) {
  into.topic = from.source.topic;
  into.raw = what;
  into.source = from.description;
  if (into.source != nullptr && !into.source->read_headers)
    into.raw.headers = {};
  into.mark.reset();
  into.message.attempt = 1;
  into.message.origin = {plan_->topic_name(from.source.topic), index_,
                         what.offset.value()};
  if (from.description == nullptr) {
    prepare_envelope(what.value, into);
    return;
  }
  into.table = tables_[from.description->type].get();
  prepare_record(into.raw, into);
}

void shard::prepare_record(const record& what, taken_message& into) {
  into.fault.clear();
  into.deduplicate = into.source->deduplicate;
  into.message.key = what.key;
  into.message.body = what.value;
  into.message.time = what.time;
  if (what.key.data() == nullptr) {
    into.table = nullptr;
    into.fault = "the record has no key, so it belongs to no entity";
    return;
  }
  if (!codec::is_utf8(what.key)) {
    into.table = nullptr;
    into.fault = "the record's key is not UTF-8";
    return;
  }
  into.hash = key_hash(what.key);
  foreign_message said = read_foreign(what, *into.source, into.scratch);
  if (said.time)
    into.message.time = *said.time;
  into.message.type = said.type;
  into.message.event_id = said.event_id;
  into.message.version = said.version;
  into.message.format = said.format;
  into.message.content_type = said.content_type;
  if (what.value.data() == nullptr)
    into.fault = "the record has no value, so it holds no message";
  else
    into.fault = std::move(said.fault);
}

void shard::prepare_envelope(std::string_view value, taken_message& into) {
  into.fault.clear();
  into.deduplicate = false;
  into.table = nullptr;
  auto told = decode_marker(value);
  if (!told) {
    into.fault = told.error().context;
    return;
  }
  into.mark = *told;
  if (into.mark)
    return;
  const auto found = decode_envelope(value);
  if (!found) {
    into.fault = found.error().context;
    return;
  }
  const auto type = plan_->type(found->entity);
  if (!type) {
    into.fault = "a message to an entity of type \""
                 + std::string{found->entity}
                 + "\", which the application does not have";
    return;
  }
  into.table = tables_[*type].get();
  into.hash = key_hash(into.raw.key);
  into.message.key = into.raw.key;
  into.message.type = found->message;
  into.message.version = found->version;
  into.message.format = body_format::msgpack;
  into.message.body = found->body;
  into.message.event_id = found->event_id;
  into.message.time = found->time;
  into.message.source_watermark = found->source_watermark;
}

} // namespace freehold::engine
