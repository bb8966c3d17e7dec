// How a shard finds the entity of a message, runs the handler and answers.

#include "runtime/engine/planted_bugs.hpp"
#include "runtime/engine/shard.hpp"
#include "runtime/engine/shard_effects.hpp"

#include <algorithm>
#include <utility>

namespace freehold::engine {

namespace {

/// What an answer counts towards a unit's size besides its text.
constexpr std::uint64_t answered_bytes = 64;

} // namespace

void shard::deliver(taken_message& message) {
  if (message.mark) {
    take_marker(*message.mark);
    return;
  }
  ++filling_->done.taken;
  note_event_time(message);
  if (message.table == nullptr) {
    dead_letter(message, message.fault, "undecodable", 1);
    return;
  }
  entity_cell* cell = message.table->find(message.message.key, message.hash);
  if (cell == nullptr) {
    if (!is_at_home(message))
      return;
    cell = &message.table->insert(message.message.key, message.hash);
    note_fresh(*cell);
  }
  entity_table::use(*cell);
  if (plan_->options.direct_delivery)
    handle_at(*cell, message);
  else
    send_to_cell(*cell, std::move(message));
}

bool shard::is_at_home(const taken_message& message) {
  const auto home =
      partition_of(message.message.key, plan_->options.shard_count);
  if (home == index_)
    return true;
  // Elsewhere the key would be a second entity that nobody else can reach.
  // Asked where an entity would be made: there are no others of that key here.
  dead_letter(message,
              "the key belongs to partition " + std::to_string(home.value())
                  + " (murmur2, as the Java client chooses it); set the "
                    "producer's partitioner so, as in `partitioner=murmur2` "
                    "of librdkafka",
              "in the wrong partition", 1);
  return false;
}

void shard::send_to_cell(entity_cell& cell, taken_message&& message) {
  // Views into `scratch` would not survive the move of a short string.
  auto kept = std::make_shared<taken_message>(std::move(message));
  if (kept->source != nullptr)
    prepare_record(kept->raw, *kept);
  kept->round = round_;
  ++underway_;
  underway_bytes_ +=
      held_message::bytes_of(kept->raw.value, kept->raw.headers.packed());
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
  // The shard's own actor goes on: what fails there is the shard's failure.
  forget_underway();
  host_.continue_later();
}

void shard::forget_underway() {
  arrived_ = 0;
  underway_ = 0;
  underway_bytes_ = 0;
  ++round_;
  underway_batches_.clear();
}

void shard::handle_at(entity_cell& cell, taken_message& message) {
  if (!message.fault.empty())
    return give_up(message, message.fault, "undecodable", 1);
  if (cell.waiting != 0 && !is_planted(planted_bug::held_message_overtaken)) {
    if (can_be_held(message))
      return hold_behind(cell, message);
    return give_up(message, "it stands behind a message that waits",
                   "too large to wait", 1);
  }
  std::string why;
  if (run(cell, message, why))
    return;
  if (plan_->options.retry_attempts_max <= 1)
    return give_up(message, why, "retries exhausted", 1);
  if (!can_be_held(message))
    return give_up(message, why, "too large to wait", 1);
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
      acquit_after_commit(message);
      notify(message, known->status, known->body);
      return true;
    }
  }
  const auto* const suspect = suspicion(message);
  if (suspect != nullptr
      && suspect->deaths >= plan_->options.crash_attempts_max) {
    const std::string reason = "the process died "
                               + std::to_string(suspect->deaths)
                               + " times while handling this record";
    give_up(message, reason, "kills the process", suspect->deaths);
    return true;
  }

  sink_->begin(message, cell);
  std::optional<quarantine::stay> stay{std::in_place, quarantine_,
                                       suspect != nullptr};
  crash_slot_.enter({message.topic, index_}, in.origin.offset);
  const handling done =
      careful_ ? run_carefully(cell, message) : run_handler(cell, message);
  crash_slot_.leave();
  stay.reset();
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
    settle(message, answer_status::applied, reply_);
    return true;
  case handled::rejected:
    sink_->take_back();
    ++filling_->done.rejected;
    settle(message, answer_status::rejected, cut_reason(done.why));
    return true;
  case handled::failed_transient:
    sink_->take_back();
    why = done.why;
    return false;
  case handled::failed_permanent:
  case handled::undecodable:
    sink_->take_back();
    give_up(message, done.why,
            done.outcome == handled::undecodable ? "undecodable"
                                                 : "permanent failure",
            message.message.attempt);
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
  filling_->touched.push_back({&cell, cell.place, cell.sequence});
  filling_->expected_bytes +=
      std::max<std::uint64_t>(state_bytes_expected_, cell.place.live_bytes());
}

void shard::settle(const taken_message& message, answer_status status,
                   std::string_view body) {
  const incoming& in = message.message;
  acquit_after_commit(message);
  // A dead letter is no answer: who sends it again, wants it tried again.
  if (message.deduplicate && !in.event_id.empty()
      && status != answer_status::dead_lettered) {
    const auto id = fingerprint_of(message.table->type().traits().type, in.key,
                                   in.event_id);
    changelog_.live_shrank(
        answers_.insert(id, {host_.now(), status, std::string{body}, 0, 0}));
    filling_->answered.push_back(id);
    filling_->expected_bytes += answered_bytes + body.size();
  }
  notify(message, status, body);
}

void shard::notify(const taken_message& message, answer_status status,
                   std::string_view body) {
  const incoming& in = message.message;
  if (in.event_id.empty() || !host_.wants_answers())
    return;
  filling_->expected_bytes += answered_bytes + body.size();
  filling_->notices.push_back({std::string{message.table->type().traits().type},
                               std::string{in.key}, std::string{in.event_id},
                               status, std::string{body}});
}

void shard::acquit_after_commit(const taken_message& message) {
  if (const auto* const suspect = suspicion(message))
    filling_->after_commit.push_back([this, whom = *suspect] { acquit(whom); });
}

void shard::acquit(const ports::crash_ledger::suspect& whom) {
  const auto same = [&whom](const ports::crash_ledger::suspect& each) {
    return each.offset == whom.offset && each.topic == whom.topic;
  };
  if (std::erase_if(suspects_, same) > 0)
    quarantine_.one_less();
  host_.acquit(whom);
}

void shard::apply_timers() {
  timer* const fired = handling_->fired;
  for (timer_change& change : timer_changes_) {
    timer_ptr old = timers_.take(change.what->identity());
    if (!change.set) {
      if (old != nullptr)
        note_gone(std::move(old));
      continue;
    }
    // Its entry takes the place of the one there is, if there is one.
    timer& made = *change.what;
    made.number = next_number_++;
    if (old != nullptr) {
      changelog_.live_shrank(old->packed_bytes);
      made.pack = old->pack;
    } else if (fired != nullptr && fired->name() == made.name()) {
      made.pack = std::exchange(fired->pack, 0);
    }
    timers_.note_changed(timers_.set(std::move(change.what)));
    filling_->expected_bytes += made.bytes();
    filling_->has_changed_timers = true;
  }
  timer_changes_.clear();
}

void shard::note_gone(timer_ptr gone) {
  changelog_.live_shrank(gone->packed_bytes);
  filling_->has_changed_timers = true;
  if (gone->pack == 0)
    return; // set within the unit: nobody knows of it
  filling_->expected_bytes += gone->bytes();
  filling_->timers_gone.push_back(std::move(gone));
}

// -- cells without content ---------------------------------------------------

void shard::note_fresh(entity_cell& cell) {
  if (cell.fresh != 0)
    return;
  cell.fresh = 1;
  fresh_.push_back(&cell);
}

void shard::drop_fresh() {
  for (entity_cell* cell : fresh_) {
    cell->fresh = 0;
    if (!cell->place && cell->touched_in != touch_number_ && cell->waiting == 0)
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
  if (!std::exchange(filling_->has_lost_a_cell, true))
    host_.undo_wanted();
}

} // namespace freehold::engine
