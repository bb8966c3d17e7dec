// How a shard takes records, finds their entities and runs the handlers; what
// becomes of a message that fails. Units are in shard_commit.cpp, restoring is
// in shard_restore.cpp.

#include "runtime/engine/shard.hpp"
#include "runtime/engine/shard_effects.hpp"

#include <algorithm>
#include <utility>

namespace freehold::engine {

namespace {

/// The topic that timers and what they cause name as their origin.
constexpr std::string_view timer_topic = "timer";
constexpr topic_index timer_topic_index{0xFFFFFFFFU};

/// Records of all inputs in one turn of a shard.
constexpr std::size_t slice_records_max = 256;
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
         && waiting_.bytes() <= options.held_bytes_max
         && timers_.bytes() <= options.timer_bytes_max
         && unit_bytes() < options.unit_bytes_max;
}

std::uint64_t shard::unit_bytes() const noexcept {
  // Counted as if every touched state were as large as a small record: exact
  // sizes are known only when they are packed.
  const auto here = filling_->bytes.here();
  return here.chunk * (std::uint64_t{64} << 10U) + here.used
         + filling_->touched.size() * 256 + filling_->answered.size() * 64
         + fresh_.size() * fresh_cell_bytes;
}

void shard::request_input(input& from) {
  if (from.fetching || from.ahead != nullptr || stopped_taking_
      || state_ != state::serving)
    return;
  from.fetching = true;
  host_.fetch({.source = from.source,
               .from = from.current ? from.current->next : from.position,
               .bytes_max = plan_->options.fetch_bytes,
               .wait = from.probing ? ports::fetch_wait::no
                                    : ports::fetch_wait::for_records});
}

void shard::fetched(next_offset asked, const ports::record_batch_ptr& batch) {
  if (batch->source.topic == plan_->changelog) {
    if (state_ == state::restoring || state_ == state::undoing) {
      if (!reading_.fetching || asked != reading_.from)
        return;
      reading_.fetching = false;
      restore_from(*batch);
    } else if (front_fetching_) {
      front_fetching_ = false;
      front_batch_ = batch;
      front_cursor_ = 0;
      host_.continue_later();
    }
    return;
  }
  for (input& each : inputs_) {
    if (each.source != batch->source)
      continue;
    const next_offset expected =
        each.current ? each.current->next : each.position;
    if (state_ != state::serving || !each.fetching || asked != expected)
      return; // an answer to a question of before an undo
    each.fetching = false;
    each.at_end = batch->next >= batch->end;
    const bool was_probe = std::exchange(each.probing, false);
    if (batch->records.empty()) {
      if (each.current == nullptr)
        each.position = std::max(each.position, batch->next);
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

void shard::fetch_failed(topic_partition source, const error& why) {
  bool awaited = source.topic == plan_->changelog
                 && (reading_.fetching || front_fetching_);
  for (const input& each : inputs_)
    awaited = awaited || (each.source == source && each.fetching);
  if (!awaited || state_ == state::failed)
    return; // of a fetch that was withdrawn
  if (source.topic == plan_->changelog && why.code == errc::not_found
      && reading_.fetching && reading_.all
      && ++restore_begins_ < restore_begins_max) {
    // A truncation was still on its way when the log named the beginning:
    // let it be named again.
    reading_.fetching = false;
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
    if (each.fetching)
      host_.cancel_fetch(each.source);
    each.fetching = false;
    each.probing = false;
    each.current = nullptr;
    each.ahead = nullptr;
  }
}

void shard::work() {
  if (state_ != state::serving)
    return;
  if (underway_ != 0)
    return; // the cells come first; the last arrival continues
  std::size_t due = 0;
  while (due < slice_due_max && state_ == state::serving && !close_pending_
         && !stopped_taking_ && unit_bytes() < plan_->options.unit_bytes_max
         && (retry_one() || fire_one()))
    ++due;
  bool more = due == slice_due_max;
  std::size_t left = slice_records_max;
  for (std::size_t i = 0; i < inputs_.size() && left > 0; ++i) {
    input& from = inputs_[next_input_];
    next_input_ = (next_input_ + 1) % inputs_.size();
    while (left > 0 && from.current != nullptr && may_take()) {
      const std::size_t taken = take_from(from, left);
      left -= taken;
    }
    more = more || from.current != nullptr;
  }
  if (state_ != state::serving)
    return;
  compact();
  if (unit_bytes() >= plan_->options.unit_bytes_max && !close_asked_) {
    close_asked_ = true;
    host_.close_wanted();
  }
  const bool paused = waiting_.bytes() > plan_->options.held_bytes_max
                      || timers_.bytes() > plan_->options.timer_bytes_max;
  gauges_.paused_inputs = paused ? inputs_.size() : 0;
  schedule_wake();
  if (more && may_take() && underway_ == 0)
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
  count = std::min({count, prepared_.size(), records.size() - from.cursor});
  for (std::size_t i = 0; i < count; ++i) {
    prepare(from, records[from.cursor + i], prepared_[i]);
    if (prepared_[i].table != nullptr)
      prepared_[i].table->prefetch_slot(prepared_[i].hash);
  }
  for (std::size_t i = 0; i < count; ++i)
    if (prepared_[i].table != nullptr)
      prepared_[i].table->prefetch_cell(prepared_[i].hash);
  if (!plan_->options.direct_delivery)
    underway_batches_.push_back(from.current);
  // A bound that one record reaches stops the next one.
  std::size_t taken = 0;
  do {
    deliver(prepared_[taken]);
  } while (++taken < count && may_take());
  count = taken;
  filling_->done.taken += count;
  from.cursor += count;
  if (from.cursor < records.size()) {
    from.position = after(records[from.cursor - 1].offset);
  } else {
    from.position = from.current->next;
    from.current = std::move(from.ahead);
    from.ahead = nullptr;
    from.cursor = 0;
    request_input(from);
  }
  return count;
}

// -- what a record says ------------------------------------------------------

void shard::prepare(input& from, const record& what, taken_message& into) {
  into.from = taken_message::source::input;
  into.topic = from.source.topic;
  into.raw = what;
  into.message.attempt = 1;
  into.message.origin = {plan_->topic_name(from.source.topic), index_,
                         what.offset.value()};
  if (from.description == nullptr) {
    prepare_envelope(what.value, into);
    return;
  }
  into.table = tables_[from.description->type].get();
  into.deduplicate = from.description->deduplicate;
  prepare_record(what, into);
}

void shard::prepare_record(const record& what, taken_message& into) {
  into.fault.clear();
  const std::string* default_message = nullptr;
  for (const auto& source : plan_->sources)
    if (source.topic == into.topic)
      default_message = &source.default_message;
  into.message.key = what.key;
  into.message.body = what.value;
  into.message.time = what.time;
  into.message.version = 1;
  if (what.key.data() == nullptr) {
    into.table = nullptr;
    into.fault = "the record has no key, so it belongs to no entity";
    return;
  }
  into.hash = key_hash(what.key);
  if (what.value.data() == nullptr) {
    into.fault = "the record has no value, so it holds no message";
    return;
  }
  auto said = read_foreign(what,
                           default_message != nullptr
                               ? std::string_view{*default_message}
                               : std::string_view{},
                           into.deduplicate, into.scratch);
  if (!said) {
    into.fault = said.error().context;
    return;
  }
  into.message.type = said->type;
  into.message.event_id = said->event_id;
  into.message.format = said->format;
}

void shard::prepare_envelope(std::string_view value, taken_message& into) {
  into.fault.clear();
  into.deduplicate = false;
  into.table = nullptr;
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
}

// -- delivering --------------------------------------------------------------

void shard::deliver(taken_message& message) {
  if (message.table == nullptr) {
    dead_letter(message, message.fault, "undecodable", 1);
    return;
  }
  entity_cell* cell = message.table->find(message.message.key, message.hash);
  if (cell == nullptr) {
    cell = &message.table->insert(message.message.key, message.hash);
    note_fresh(*cell);
  }
  if (plan_->options.direct_delivery)
    handle_at(*cell, message);
  else
    send_to_cell(*cell, std::move(message));
}

void shard::send_to_cell(entity_cell& cell, taken_message&& message) {
  // Views into `scratch` would not survive the move of a short string.
  auto kept = std::make_shared<taken_message>(std::move(message));
  if (kept->from == taken_message::source::input && kept->table != nullptr
      && kept->topic != plan_->inbox)
    prepare_record(kept->raw, *kept);
  kept->round = round_;
  ++underway_;
  cell.enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                         delivery{std::move(kept)}),
               &home());
}

void shard::arrived(entity_cell& cell, taken_message& message) {
  if (message.round != round_)
    return; // of before an undo; its batch may be gone
  if (state_ == state::serving || state_ == state::draining)
    handle_at(cell, message);
  if (++arrived_ < underway_)
    return;
  forget_underway();
  if (close_pending_)
    finish_close(*std::exchange(close_pending_, std::nullopt));
  host_.continue_later();
}

void shard::forget_underway() {
  arrived_ = 0;
  underway_ = 0;
  ++round_;
  underway_batches_.clear();
}

void shard::handle_at(entity_cell& cell, taken_message& message) {
  if (!message.fault.empty()) {
    dead_letter(message, message.fault, "undecodable", 1);
    return;
  }
  if (cell.waiting != 0) {
    hold_behind(cell, message);
    return;
  }
  std::string why;
  if (run(cell, message, why))
    return;
  if (plan_->options.retry_attempts_max <= 1) {
    dead_letter(message, why, "retries exhausted", 1);
    settle(cell, message, answer_status::dead_lettered, why);
    return;
  }
  hold(cell, message, 1, retry_due(1, message), why);
}

const ports::crash_ledger::suspect*
shard::suspicion(const taken_message& message) const {
  for (const auto& suspect : suspects_)
    if (suspect.offset == message.message.origin.offset
        && suspect.partition == index_
        && suspect.topic == message.message.origin.topic)
      return &suspect;
  return nullptr;
}

bool shard::run(entity_cell& cell, taken_message& message, std::string& why) {
  const incoming& in = message.message;
  if (message.deduplicate && !in.event_id.empty()) {
    const auto id = fingerprint_of(message.table->type().traits().type, in.key,
                                   in.event_id);
    if (const auto* known = answers_.find(id, host_.now())) {
      ++filling_->done.duplicates;
      if (host_.wants_answers())
        filling_->notices.push_back(
            {std::string{message.table->type().traits().type},
             std::string{in.key}, std::string{in.event_id}, known->status,
             known->body});
      return true;
    }
  }
  if (!suspects_.empty()) {
    const auto* const suspect = suspicion(message);
    if (suspect != nullptr
        && suspect->deaths >= plan_->options.crash_attempts_max) {
      const std::string reason = "the process died "
                                 + std::to_string(suspect->deaths)
                                 + " times while handling this record";
      dead_letter(message, reason, "kills the process", suspect->deaths);
      settle(cell, message, answer_status::dead_lettered, reason);
      return true;
    }
  }

  sink_->begin(message, cell);
  crash_slot_.enter({message.topic, index_}, in.origin.offset);
  const handling done =
      careful_ ? run_carefully(cell, message) : run_handler(cell, message);
  crash_slot_.leave();
  // What the state was before is known by its place in the changelog, not by
  // a copy: noting it after the change is early enough.
  if (done.changed)
    touch(cell);
  switch (done.outcome) {
  case handled::applied:
    ++filling_->done.applied;
    if (done.changed)
      cell.sequence += std::max(done.events, 1U);
    apply_timers();
    settle(cell, message, answer_status::applied, reply_);
    return true;
  case handled::rejected:
    sink_->take_back();
    ++filling_->done.rejected;
    settle(cell, message, answer_status::rejected, done.why);
    return true;
  case handled::failed_transient:
    sink_->take_back();
    why = done.why;
    return false;
  case handled::failed_permanent:
  case handled::undecodable:
    sink_->take_back();
    dead_letter(message, done.why,
                done.outcome == handled::undecodable ? "undecodable"
                                                     : "permanent failure",
                message.message.attempt);
    settle(cell, message, answer_status::dead_lettered, done.why);
    return true;
  }
  return true;
}

handling shard::run_handler(entity_cell& cell, const taken_message& message) {
  const entity_table& table = *message.table;
  return table.type().handle(table.state_of(cell), cell.sequence,
                             message.message, *sink_);
}

handling shard::run_carefully(entity_cell& cell, const taken_message& message) {
  const entity_table& table = *message.table;
  std::string before;
  table.type().encode(table.state_of(cell), before);
  handling done = run_handler(cell, message);
  if (!done.changed)
    return done;
  std::string now;
  table.type().encode(table.state_of(cell), now);
  const std::size_t limit = plan_->options.record_bytes_max;
  const std::size_t size =
      now.size() + cell.key().size() + state_overhead_bytes;
  if (size <= limit)
    return done;
  const auto decoder =
      table.type().decoder(plan_->type_schemas[table.type_index()]);
  table.reset_state(cell);
  FREEHOLD_ASSERT(decoder && (*decoder)->read(before, table.state_of(cell)),
                  "a state reads what it wrote");
  return {.outcome = handled::failed_permanent,
          .why = "the entity's state would grow to " + std::to_string(size)
                 + " bytes, above the log's limit of " + std::to_string(limit)
                 + " bytes per record"};
}

void shard::touch(entity_cell& cell) {
  if (cell.touched_in == touch_number_)
    return;
  cell.touched_in = touch_number_;
  filling_->touched.push_back(
      {&cell, cell.pack, cell.sequence, cell.packed_bytes});
}

void shard::settle(entity_cell& cell, const taken_message& message,
                   answer_status status, std::string_view body) {
  const incoming& in = message.message;
  if (!suspects_.empty())
    if (const auto* const suspect = suspicion(message))
      filling_->after_commit.push_back(
          [this, whom = *suspect] { host_.acquit(whom); });
  if (message.deduplicate && !in.event_id.empty()) {
    const auto id = fingerprint_of(message.table->type().traits().type, in.key,
                                   in.event_id);
    changelog_.live_shrank(
        answers_.insert(id, {host_.now(), status, std::string{body}, 0, 0}));
    filling_->answered.push_back(id);
  }
  if (!in.event_id.empty() && host_.wants_answers())
    filling_->notices.push_back(
        {std::string{message.table->type().traits().type},
         std::string{cell.key()}, std::string{in.event_id}, status,
         std::string{body}});
}

void shard::apply_timers() {
  for (timer_change& change : timer_changes_) {
    filling_->needs_restore_to_undo = true;
    const timer_table::identity identity{change.what.type, change.what.key,
                                         change.what.name};
    if (auto old = timers_.take(identity))
      changelog_.live_shrank(old->packed_bytes);
    if (change.set) {
      change.what.number = next_number_++;
      timers_.set(std::move(change.what));
    }
    filling_->timers_changed.push_back(
        {std::get<0>(identity),
         {std::get<1>(identity), std::get<2>(identity)}});
  }
  timer_changes_.clear();
}

// -- messages that wait ------------------------------------------------------

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
  held_message held;
  held.number = next_number_++;
  held.attempts = attempts;
  held.due = due;
  held.last_error = why.substr(0, held_message::last_error_bytes_max);
  held.topic = message.topic;
  held.offset = record_offset{message.message.origin.offset};
  held.time = message.raw.time;
  held.has_key = message.raw.key.data() != nullptr;
  held.key = message.raw.key;
  held.has_value = message.raw.value.data() != nullptr;
  held.value = message.raw.value;
  held.headers = message.raw.headers.packed();
  filling_->needs_restore_to_undo = true;
  filling_->held_changed.push_back(held.number);
  ++filling_->done.held;
  waiting_.push(cell, std::move(held));
}

void shard::hold_behind(entity_cell& cell, const taken_message& message) {
  hold(cell, message, 0, host_.now(), "waits behind an earlier message");
}

bool shard::retry_one() {
  entity_cell* const cell = waiting_.next_due(host_.now());
  if (cell == nullptr)
    return false;
  held_message& head = waiting_.front(*cell);
  taken_message message;
  message.from = taken_message::source::held;
  message.table = &cell->table();
  message.hash = key_hash(cell->key());
  message.topic = head.topic;
  message.raw.offset = head.offset;
  message.raw.time = head.time;
  message.raw.key =
      head.has_key ? std::string_view{head.key} : std::string_view{};
  message.raw.value =
      head.has_value ? std::string_view{head.value} : std::string_view{};
  message.raw.headers = header_list{head.headers};
  const bool is_timer = head.topic == timer_topic_index;
  message.message.origin = {
      is_timer ? timer_topic : std::string_view{plan_->topic_name(head.topic)},
      index_, head.offset.value()};
  if (is_timer || head.topic == plan_->inbox) {
    prepare_envelope(message.raw.value, message);
  } else {
    for (const auto& source : plan_->sources)
      if (source.topic == head.topic)
        message.deduplicate = source.deduplicate;
    prepare_record(message.raw, message);
  }
  message.message.attempt = head.attempts + 1;
  std::string why;
  bool finished = true;
  if (!message.fault.empty())
    dead_letter(message, message.fault, "undecodable", head.attempts + 1);
  else
    finished = run(*cell, message, why);
  const std::uint32_t attempts = head.attempts + 1;
  if (attempts > 1)
    ++filling_->done.retried;
  if (!finished && attempts >= plan_->options.retry_attempts_max) {
    dead_letter(message, why, "retries exhausted", attempts);
    settle(*cell, message, answer_status::dead_lettered, why);
    finished = true;
  }
  filling_->needs_restore_to_undo = true;
  if (finished) {
    const held_message done = waiting_.pop(*cell);
    changelog_.live_shrank(done.packed_bytes);
    if (done.pack != 0)
      filling_->held_gone.push_back(done.number);
    if (cell->waiting == 0 && cell->pack == entity_cell::no_pack)
      note_fresh(*cell);
    return true;
  }
  head.attempts = attempts;
  head.last_error = why.substr(0, held_message::last_error_bytes_max);
  waiting_.set_due(*cell, retry_due(attempts, message));
  filling_->held_changed.push_back(head.number);
  return true;
}

bool shard::fire_one() {
  const timer* const next = timers_.next_due(host_.now());
  if (next == nullptr)
    return false;
  const auto due = timers_.take({next->type, next->key, next->name});
  changelog_.live_shrank(due->packed_bytes);
  filling_->needs_restore_to_undo = true;
  filling_->timers_changed.push_back({due->type, {due->key, due->name}});
  ++filling_->done.timers_fired;

  const entity_type& type = *plan_->types[due->type];
  std::string value;
  encode(envelope{type.traits().type,
                  due->message,
                  due->version,
                  due->due,
                  {},
                  due->body},
         value);
  taken_message message;
  message.from = taken_message::source::timer;
  message.topic = timer_topic_index;
  message.raw.offset = record_offset{static_cast<std::int64_t>(due->number)};
  message.raw.time = due->due;
  message.raw.key = due->key;
  message.raw.value = value;
  message.message.origin = {timer_topic, index_, message.raw.offset.value()};
  prepare_envelope(value, message);
  entity_cell* cell = message.table->find(due->key, message.hash);
  if (cell == nullptr) {
    cell = &message.table->insert(due->key, message.hash);
    note_fresh(*cell);
  }
  handle_at(*cell, message);
  return true;
}

// -- messages that end here --------------------------------------------------

void shard::dead_letter(const taken_message& message, std::string_view why,
                        std::string_view reason, std::uint32_t attempts) {
  shard_unit& unit = *filling_;
  std::string headers{message.raw.headers.packed()};
  const std::string_view entity = message.table != nullptr
                                      ? message.table->type().traits().type
                                      : std::string_view{};
  append_header(headers, "dlq_entity", entity);
  append_header(headers, "dlq_key", message.raw.key);
  append_header(headers, "dlq_topic", message.message.origin.topic);
  append_header(headers, "dlq_partition", std::to_string(index_.value()));
  append_header(headers, "dlq_offset",
                std::to_string(message.message.origin.offset));
  append_header(headers, "dlq_reason", reason);
  append_header(headers, "dlq_error",
                why.substr(0, held_message::last_error_bytes_max));
  append_header(headers, "dlq_attempts", std::to_string(attempts));
  ports::append& made = unit.appends.emplace_back();
  made.target = {plan_->dead_letters, index_};
  made.time = host_.now();
  if (message.raw.key.data() != nullptr)
    made.key = unit.bytes.copy(message.raw.key);
  if (message.raw.value.data() != nullptr)
    made.value = unit.bytes.copy(message.raw.value);
  made.headers = header_list{unit.bytes.copy(headers)};
  ++unit.done.dead_lettered;
}

void shard::note_fresh(entity_cell& cell) {
  if (cell.fresh != 0)
    return;
  cell.fresh = 1;
  fresh_.push_back(&cell);
}

void shard::drop_fresh() {
  for (entity_cell* cell : fresh_) {
    cell->fresh = 0;
    if (cell->pack == entity_cell::no_pack && cell->touched_in != touch_number_
        && cell->waiting == 0)
      cell->table().erase(*cell);
  }
  fresh_.clear();
}

// -- asked and ended from outside --------------------------------------------

void shard::asked(entity_cell& cell, const caf::strong_actor_ptr& asker,
                  caf::message_id id) {
  if (asker == nullptr || !id.is_request())
    return;
  state_request request{cell.handle_of(), asker, id, {}};
  if (state_ != state::serving && state_ != state::draining) {
    postponed_.push_back(std::move(request)); // it shows what is being undone
    return;
  }
  const entity_table& table = cell.table();
  request.text = table.type().to_json(table.state_of(cell));
  // The state may show effects of the filling unit or of the one in flight.
  if (!filling_->is_blank())
    filling_->asked.push_back(std::move(request));
  else if (in_flight_ != nullptr)
    in_flight_->asked.push_back(std::move(request));
  else
    answer(request);
}

void shard::answer(const state_request& whom) {
  whom.asker->enqueue(caf::make_mailbox_element(
                          caf::actor_cast<caf::strong_actor_ptr>(whom.entity),
                          whom.id.response_id(), {}, whom.text),
                      &home());
}

void shard::ask_again(std::vector<state_request>& requests) {
  // An entity that has ended meanwhile refuses; the asker finds its successor.
  for (const state_request& each : std::exchange(requests, {}))
    caf::actor_cast<caf::strong_actor_ptr>(each.entity)
        ->enqueue(
            caf::make_mailbox_element(each.asker, each.id, {}, read_state{}),
            &home());
}

void shard::ended(entity_cell&) {
  // The actor is gone, its state may hold uncommitted changes: back to what
  // was committed, with a new actor in its place.
  if (state_ == state::unowned || state_ == state::failed)
    return;
  filling_->needs_restore_to_undo = true;
  host_.undo_wanted();
}

caf::actor shard::find_entity(std::string_view type, std::string_view key) {
  const auto which = plan_->type(type);
  if (!which || (state_ != state::serving && state_ != state::draining))
    return {};
  entity_cell* cell = tables_[*which]->find(key, key_hash(key));
  if (cell == nullptr)
    return {};
  return cell->handle_of();
}

} // namespace freehold::engine
