// What becomes of a message that cannot be finished at once: held and tried
// again, in order for its key, or ended as a dead letter; and of timers.

#include "runtime/engine/planted_bugs.hpp"
#include "runtime/engine/shard.hpp"
#include "runtime/engine/shard_effects.hpp"

#include <algorithm>
#include <utility>

namespace freehold::engine {

namespace {

/// The engine's own words around a record in a held message or a dead letter:
/// names of topic and entity type, numbers, a reason.
constexpr std::size_t around_record_bytes_max =
    reason_bytes_max + 2 * application_plan::name_bytes_max + 256;

} // namespace

// -- messages that wait ------------------------------------------------------

record shard::record_of(const taken_message& message) {
  record raw = message.raw;
  if (message.fired == nullptr)
    return raw;
  // Most are done with at once and need none.
  const incoming& in = message.message;
  fired_scratch_.clear();
  encode(envelope{message.table->type().traits().type, in.type, in.version,
                  in.time, in.event_id, in.body, in.source_watermark},
         fired_scratch_);
  raw.value = fired_scratch_;
  return raw;
}

bool shard::can_be_held(const taken_message& message) {
  const record raw = record_of(message);
  return message.message.key.size() + raw.value.size()
             + raw.headers.packed().size() + around_record_bytes_max
         <= plan_->options.record_bytes_max;
}

timestamp shard::retry_due(std::uint32_t attempts,
                           const taken_message& message) const {
  const engine_options& options = plan_->options;
  double delay = static_cast<double>(options.retry_first_delay.count());
  for (std::uint32_t i = 1; i < attempts; ++i)
    delay *= options.retry_delay_factor;
  // Jitter from the message itself: spread out, yet the same in a replay.
  random_source random{key_hash(message.message.key) + attempts};
  const double share = static_cast<double>(random.below(2001)) / 1000.0 - 1.0;
  delay *= 1.0 + share * options.retry_jitter_percent / 100.0;
  return timestamp{host_.now().value() + static_cast<std::int64_t>(delay)};
}

void shard::hold(entity_cell& cell, const taken_message& message,
                 std::uint32_t attempts, timestamp due, std::string_view why) {
  const record raw = record_of(message);
  held_message held;
  held.number = next_number_++;
  held.attempts = attempts;
  held.due = due;
  held.last_error = cut_reason(why);
  held.topic = message.topic;
  held.offset = record_offset{message.message.origin.offset};
  held.time = raw.time;
  held.value = raw.value;
  held.headers = raw.headers.packed();
  held.source_watermark = message.message.source_watermark;
  held.watermark = message.message.watermark;
  held.holds_time = plan_->event_time && message.source != nullptr;
  filling_->held_changed.push_back(held.number);
  filling_->expected_bytes += held.bytes();
  ++filling_->done.held;
  waiting_.push(cell, std::move(held));
}

void shard::hold_behind(entity_cell& cell, const taken_message& message) {
  hold(cell, message, 0, host_.now(), "waits behind an earlier message");
}

bool shard::retry_one() {
  timestamp due;
  if (!waiting_.first_due(due) || due > host_.now())
    return false;
  entity_cell* const cell = waiting_.next_due(due);
  held_message& head = waiting_.front(*cell);
  taken_message message;
  message.table = &cell->table();
  message.hash = key_hash(cell->key());
  message.topic = head.topic;
  message.raw.offset = head.offset;
  message.raw.time = head.time;
  message.raw.key = cell->key();
  message.raw.value = head.value;
  message.raw.headers = header_list{head.headers};
  message.source = plan_->source_of(head.topic);
  message.message.origin = {plan_->origin_name(head.topic), index_,
                            head.offset.value()};
  if (message.source == nullptr)
    prepare_envelope(message.raw.value, message);
  else
    prepare_record(message.raw, message);
  message.message.attempt = head.attempts + 1;
  message.message.source_watermark = head.source_watermark;
  message.message.watermark = is_planted(planted_bug::watermark_of_the_retry)
                                  ? clock_.watermark()
                                  : head.watermark;
  std::string why;
  bool finished = true;
  if (!message.fault.empty())
    give_up(message, message.fault, "undecodable", head.attempts + 1);
  else
    finished = run(*cell, message, why);
  const std::uint32_t attempts = head.attempts + 1;
  if (attempts > 1)
    ++filling_->done.retried;
  if (!finished && attempts >= plan_->options.retry_attempts_max) {
    give_up(message, why, "retries exhausted", attempts);
    finished = true;
  }
  if (finished) {
    const held_message done = waiting_.pop(*cell);
    changelog_.live_shrank(done.packed_bytes);
    if (done.pack != 0)
      filling_->held_gone.push_back(done.number);
    if (cell->waiting == 0 && !cell->place)
      note_fresh(*cell);
    return true;
  }
  head.attempts = attempts;
  head.last_error = cut_reason(why);
  waiting_.set_due(*cell, retry_due(attempts, message));
  filling_->held_changed.push_back(head.number);
  return true;
}

bool shard::fire_one() {
  const timer* const next = next_timer();
  if (next == nullptr)
    return false;
  if (is_away(*next)) {
    bring_due_timers(*next);
    return false;
  }
  timer_ptr due = timers_.take(next->identity());
  ++filling_->done.timers_fired;

  taken_message message;
  message.table = tables_[due->type].get();
  message.hash = due->key_hash;
  message.fired = due.get();
  message.topic = application_plan::timer_topic_index;
  message.raw.offset = record_offset{static_cast<std::int64_t>(due->number)};
  message.raw.time = due->due;
  message.raw.key = due->key();
  incoming& in = message.message;
  in.key = due->key();
  in.type = due->message();
  in.version = due->version;
  in.format = body_format::msgpack;
  in.body = due->body();
  in.time = due->due;
  in.origin = {application_plan::timer_topic, index_,
               message.raw.offset.value()};
  in.source_watermark = clock_.watermark();
  const bool is_early =
      due->clock == timer_clock::event_time && due->due > clock_.watermark();
  in.watermark = is_early ? after_all_time : clock_.watermark();
  entity_cell* cell = message.table->find(in.key, message.hash);
  if (cell == nullptr) {
    cell = &message.table->insert(in.key, message.hash);
    note_fresh(*cell);
  }
  handle_at(*cell, message);
  note_gone(std::move(due));
  return true;
}

// -- messages that end here --------------------------------------------------

void shard::give_up(const taken_message& message, std::string_view why,
                    std::string_view reason, std::uint32_t attempts) {
  dead_letter(message, why, reason, attempts);
  settle(message, answer_status::dead_lettered, cut_reason(why));
}

void shard::dead_letter(const taken_message& message, std::string_view why,
                        std::string_view reason, std::uint32_t attempts) {
  shard_unit& unit = *filling_;
  const record raw = record_of(message);
  std::string said;
  append_header(said, "dlq_entity",
                message.table != nullptr ? message.table->type().traits().type
                                         : std::string_view{});
  append_header(said, "dlq_topic", message.message.origin.topic);
  append_header(said, "dlq_partition", std::to_string(index_.value()));
  append_header(said, "dlq_offset",
                std::to_string(message.message.origin.offset));
  append_header(said, "dlq_reason", reason);
  append_header(said, "dlq_error", cut_reason(why));
  append_header(said, "dlq_attempts", std::to_string(attempts));
  ports::append made;
  made.target = {plan_->dead_letters, index_};
  made.time = host_.now();
  std::string headers{raw.headers.packed()};
  if (raw.key.size() + raw.value.size() + headers.size()
          + around_record_bytes_max
      <= plan_->options.record_bytes_max) {
    if (raw.value.data() != nullptr)
      made.value = unit.bytes.copy(raw.value);
  } else {
    // As large as a record can be: what we say about it takes the place of its
    // value, which stays where it came from.
    headers.clear();
    append_header(said, "dlq_left_out", std::to_string(raw.value.size()));
  }
  if (raw.key.data() != nullptr
      && raw.key.size() + around_record_bytes_max
             <= plan_->options.record_bytes_max)
    made.key = unit.bytes.copy(raw.key);
  made.headers = header_list{unit.bytes.copy(headers.append(said))};
  unit.appends.push_back(made);
  ++unit.done.dead_lettered;
}

} // namespace freehold::engine
