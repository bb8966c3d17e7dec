// How a shard's part of a commit unit begins, closes, lasts or is undone.

#include "runtime/engine/planted_bugs.hpp"
#include "runtime/engine/shard.hpp"
#include "runtime/engine/shard_effects.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

namespace freehold::engine {

namespace {

/// How far ahead of the packing states are fetched into the cache.
constexpr std::size_t prefetch_distance = 16;

template <class T>
void make_unique_values(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

} // namespace

// -- a unit's life -----------------------------------------------------------

void shard::begin_unit() {
  if (spare_ != nullptr && spare_.use_count() == 1)
    filling_ = std::move(spare_);
  else
    filling_ = std::make_shared<shard_unit>();
  // The log has let go of it on a thread of its own; that thread's last reads
  // come before our first write.
  std::atomic_thread_fence(std::memory_order_acquire);
  spare_ = nullptr;
  filling_->clear();
  filling_->shard = index_;
  ++touch_number_;
  if (touch_number_ == 0)
    touch_number_ = 1; // 0 marks a cell that no unit ever touched
  close_asked_ = false;
}

bool shard::positions_moved() const {
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (inputs_[i].position != committed_positions_[i])
      return true;
  return false;
}

std::optional<std::shared_ptr<shard_unit>> shard::close(unit_id unit) {
  if (state_ != state::serving && state_ != state::draining)
    return std::shared_ptr<shard_unit>{};
  if (underway_ != 0) {
    close_pending_ = unit;
    return std::nullopt;
  }
  FREEHOLD_ASSERT(in_flight_ == nullptr, "one unit in flight at a time");
  drop_fresh();
  expire_answers();
  announce_event_time();
  if (filling_->is_blank() && !positions_moved()) {
    for (const auto& task : std::exchange(filling_->after_commit, {}))
      task();
    if (!filling_->notices.empty())
      host_.answered(std::exchange(filling_->notices, {}));
    if (front_ > changelog_.first_number()) {
      changelog_.cut(front_);
      host_.truncate({plan_->changelog, index_},
                     next_offset{changelog_.at(front_).offset.value()});
    }
    total_ += std::exchange(filling_->done, {});
    passivate_idle(); // others may need the room
    if (state_ == state::draining)
      host_.released();
    else if (std::exchange(close_asked_, false))
      host_.continue_later(); // there is room again
    return std::shared_ptr<shard_unit>{};
  }
  const counters& done = filling_->done;
  const bool only_compacts = !positions_moved()
                             && done.applied + done.rejected
                                        + done.dead_lettered + done.retried
                                        + done.timers_fired
                                    == 0;
  if (!pack_unit())
    return std::shared_ptr<shard_unit>{};
  in_flight_ = filling_;
  touched_in_flight_ = touch_number_;
  begin_unit();
  const std::uint64_t written = in_flight_->packs.bytes();
  // Compaction rides on what messages write: a unit of nothing else uses up
  // the rest of the budget and gives no new one, or it would go round and
  // round where headers alone are above the bound.
  if (!only_compacts)
    compaction_budget_ = compaction_budget(written);
  host_.continue_later();
  return in_flight_;
}

void shard::finish_close(unit_id unit) {
  auto part = close(unit);
  FREEHOLD_ASSERT(part.has_value(), "nothing is underway any more");
  host_.part_ready(unit, std::move(*part));
}

std::uint32_t shard::ensure_schema(std::uint32_t type) {
  if (schema_of_type_[type] != 0)
    return schema_of_type_[type];
  const std::uint32_t id = schemas_.empty() ? 1 : schemas_.rbegin()->first + 1;
  known_schema& made = schemas_[id];
  made.type = type;
  made.bytes = plan_->type_schemas[type];
  auto decoder = plan_->types[type]->decoder(made.bytes);
  FREEHOLD_ASSERT(decoder.has_value(), "a type reads its own schema");
  made.decoder = std::move(*decoder);
  schema_of_type_[type] = id;
  filling_->schemas_changed.push_back(id);
  return id;
}

// NOLINTNEXTLINE(readability-function-size): one step per kind of entry
bool shard::pack_unit() {
  shard_unit& unit = *filling_;
  unit.epoch = epoch_;
  for (const touched_cell& each : unit.touched)
    ensure_schema(each.cell->table().type_index());

  changelog::pack_writer& packs = unit.packs;
  packs.begin(++unit_number_, plan_->options.record_bytes_max);
  changelog::unit_header header;
  header.epoch = epoch_;
  header.next_number = next_number_;
  for (const input& each : inputs_) {
    const next_offset taken = is_planted(planted_bug::positions_ahead)
                                  ? std::max(each.position, each.read_to)
                                  : each.position;
    unit.positions.emplace_back(each.source, taken);
    header.positions.emplace_back(plan_->topic_name(each.source.topic), taken);
  }
  header.positions.insert(header.positions.end(), other_positions_.begin(),
                          other_positions_.end());
  packs.put(header);
  pack_event_time();
  const std::uint64_t first = changelog_.next_number();
  const auto pack_now = [&] { return first + packs.last_pack() + 1; };

  make_unique_values(unit.schemas_changed);
  for (const std::uint32_t id : unit.schemas_changed) {
    known_schema& schema = schemas_[id];
    packs.put(changelog::schema_entry{
        id, plan_->types[schema.type]->traits().type, schema.bytes});
    schema.pack = pack_now();
  }
  if (schema_copies_are_due()) {
    schemas_copied_in_ = first;
    for (const auto& [id, schema] : schemas_)
      packs.put(changelog::schema_entry{
          id, plan_->types[schema.type]->traits().type, schema.bytes});
  }
  make_unique_values(unit.held_changed);
  for (const std::uint64_t number : unit.held_changed) {
    held_message* const held = waiting_.find(number);
    if (held == nullptr)
      continue; // finished within the unit
    const entity_cell& cell = *waiting_.cell_of(number);
    const std::uint32_t size = packs.put(changelog::held_entry{
        held->number, cell.table().type().traits().type, cell.key(),
        held->attempts, held->due, held->last_error,
        plan_->origin_name(held->topic), held->offset, held->time, held->value,
        held->headers, held->source_watermark, held->watermark});
    changelog_.live_shrank(held->packed_bytes);
    changelog_.live_grew(size);
    held->packed_bytes = size;
    held->pack = pack_now();
  }
  make_unique_values(unit.held_gone);
  for (const std::uint64_t number : unit.held_gone)
    packs.put_held_gone(number);
  // Those that are gone first: one of the same identity may have come since.
  for (std::size_t i = 0; i < unit.timers_gone.size(); ++i) {
    if (i + prefetch_distance < unit.timers_gone.size())
      unit.timers_gone[i + prefetch_distance]->prefetch();
    const timer& gone = *unit.timers_gone[i];
    if (is_planted(planted_bug::tombstone_dropped))
      continue;
    packs.put_timer_gone(plan_->types[gone.type]->traits().type, gone.key(),
                         gone.name());
  }
  unit.timers_gone.clear();
  timers_.take_changed([&](timer& set) {
    const std::uint32_t size = packs.put(
        changelog::timer_entry{plan_->types[set.type]->traits().type, set.key(),
                               set.name(), set.number, set.due, set.message(),
                               set.version, set.body(), set.clock});
    changelog_.live_shrank(set.packed_bytes);
    changelog_.live_grew(size);
    set.packed_bytes = size;
    set.pack = pack_now();
  });
  const auto put_answer = [&](const changelog::message_fingerprint& id) {
    auto* const kept = answers_.find(id, timestamp{0});
    if (kept == nullptr)
      return;
    const std::uint32_t size = packs.put(changelog::answer_entry{
        id, kept->time, static_cast<std::uint8_t>(kept->status), kept->body});
    changelog_.live_shrank(kept->packed_bytes);
    changelog_.live_grew(size);
    kept->packed_bytes = size;
    kept->pack = pack_now();
  };
  for (const auto& id : unit.answered)
    put_answer(id);
  for (const auto& [id, before] : unit.answers_moved)
    put_answer(id);

  // Before the states there may be what compaction has to read.
  const bool only_states = unit.held_changed.empty() && !unit.has_changed_timers
                           && unit.answered.empty()
                           && unit.answers_moved.empty();
  const std::size_t noted_from = only_states ? 0 : packs.last_pack() + 1;
  std::size_t largest = 0;
  std::uint64_t packed = 0;
  std::int64_t live = 0;
  for (std::size_t i = 0; i < unit.touched.size(); ++i) {
    if (i + 2 * prefetch_distance < unit.touched.size())
      unit.touched[i + 2 * prefetch_distance].cell->prefetch();
    if (i + prefetch_distance < unit.touched.size()) {
      entity_cell& ahead = *unit.touched[i + prefetch_distance].cell;
      ahead.table().prefetch_content(ahead);
    }
    entity_cell& cell = *unit.touched[i].cell;
    entity_table& table = cell.table();
    const std::uint32_t size = packs.put_state(
        cell.shares_hash != 0 ? changelog::entry_kind::state_of_shared_hash
                              : changelog::entry_kind::state,
        schema_of_type_[table.type_index()], cell.key(), cell.sequence,
        [&](std::string& out) {
          table.type().encode(table.state_of(cell), out);
        });
    largest = std::max<std::size_t>(largest, size);
    packed += size;
    const stored_place now{first + packs.last_pack(), packs.last_at(), size};
    live += std::int64_t{now.live_bytes()} - cell.place.live_bytes();
    cell.place = now;
    table.measure(cell);
    note_packed(cell, packs.last_pack(), noted_from);
  }
  if (!unit.touched.empty())
    state_bytes_expected_ =
        std::max(state_bytes_min, packed / unit.touched.size());
  if (live >= 0)
    changelog_.live_grew(static_cast<std::uint64_t>(live));
  else
    changelog_.live_shrank(static_cast<std::uint64_t>(-live));

  if (largest + state_overhead_bytes - changelog::state_entry_overhead_bytes
          > plan_->options.record_bytes_max
      && !careful_) {
    // Some message made a state too large. Take the unit back and handle its
    // messages again, this time measuring every state at once.
    careful_ = true;
    ports::shard_grant same{index_, epoch_, changelog_end_, changelog_end_};
    if (changelog_.next_number() > changelog_.first_number())
      same.changelog_begin =
          next_offset{changelog_.at(changelog_.first_number()).offset.value()};
    undo(); // forgets where the changelog begins
    resume(same);
    return false;
  }

  for (std::size_t i = 0; i < packs.pack_count(); ++i) {
    ports::append& made = unit.appends.emplace_back();
    made.target = {plan_->changelog, index_};
    made.time = host_.now();
    made.value = packs.pack(i);
  }
  unit.done.changelog_bytes_written = packs.bytes();
  ++unit.done.units;
  unit.cut_below = front_;
  unit.careful = careful_;
  if (is_planted(planted_bug::front_deleted_early)
      && unit.cut_below > changelog_.first_number())
    host_.truncate({plan_->changelog, index_},
                   next_offset{changelog_.at(unit.cut_below).offset.value()});
  if (is_planted(planted_bug::answered_early) && !unit.notices.empty())
    host_.answered(unit.notices);
  return true;
}

void shard::committed(const std::vector<record_offset>& offsets) {
  if (in_flight_ == nullptr)
    return; // lost in between
  shard_unit& unit = *in_flight_;
  FREEHOLD_ASSERT(offsets.size() == unit.packs.pack_count(),
                  "the log tells the offset of every changelog record");
  last_header_pack_ = changelog_.next_number();
  if (unit.states_of_pack.size() < offsets.size())
    unit.states_of_pack.resize(offsets.size());
  for (std::size_t i = 0; i < offsets.size(); ++i)
    changelog_.append({offsets[i],
                       static_cast<std::uint32_t>(unit.packs.pack(i).size()),
                       unit.states_of_pack[i]}); // a copy has no room to spare
  changelog_end_ = after(offsets.back());
  committed_clock_ = packed_clock_;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    // Nobody else reads the inbox: what was taken is of no more use there.
    const next_offset position = unit.positions[i].second;
    if (inputs_[i].description == nullptr && position > committed_positions_[i])
      host_.truncate(inputs_[i].source, position);
    committed_positions_[i] = position;
  }
  if (unit.cut_below > changelog_.first_number()) {
    changelog_.cut(unit.cut_below);
    host_.truncate(
        {plan_->changelog, index_},
        next_offset{changelog_.at(changelog_.first_number()).offset.value()});
  }
  total_ += unit.done;
  if (!unit.notices.empty())
    host_.answered(unit.notices);
  for (const auto& task : unit.after_commit)
    task();
  for (const state_request& each : unit.asked)
    answer(each);
  if (unit.careful)
    careful_ = false; // one more of these costs one more undo
  spare_ = std::move(in_flight_);
  in_flight_ = nullptr;
  passivate_idle();
  if (state_ == state::draining && filling_->is_blank() && !positions_moved()) {
    host_.released();
    return;
  }
  host_.continue_later();
}

// -- undoing -----------------------------------------------------------------

void shard::undo() {
  if (state_ == state::unowned || state_ == state::failed)
    return;
  if (state_ == state::restoring)
    return; // nothing of it is in any unit: it goes on reading
  if (state_ == state::undoing) {
    reading_.all = true; // what was read so far may be of no use: from anew
    bringing_ = nullptr;
    if (reading_.asked.withdraw())
      host_.cancel_fetch({plan_->changelog, index_});
    forget_everything();
    state_ = state::undoing;
    return;
  }
  revoked_ = revoked_ || state_ == state::draining;
  state_ = state::undoing;
  ++total_.units_undone;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    withdraw(inputs_[i]);
    inputs_[i].begin_at(committed_positions_[i]);
  }
  if (front_asked_.withdraw())
    host_.cancel_fetch({plan_->changelog, index_});
  front_batch_ = nullptr;
  front_ = changelog_.first_number();
  bringing_ = nullptr;
  just_brought_ = false;
  prepared_of_ = nullptr;
  forget_underway();
  close_pending_.reset();
  give_up_probe();
  for (shard_unit* unit : {in_flight_.get(), filling_.get()})
    if (unit != nullptr)
      std::move(unit->asked.begin(), unit->asked.end(),
                std::back_inserter(postponed_));
  const bool all =
      filling_->needs_restore_to_undo()
      || (in_flight_ != nullptr && in_flight_->needs_restore_to_undo());
  if (all)
    forget_everything();
  else
    undo_quickly();
  total_.quick_undos += all ? 0 : 1;
  reading_.all = all;
  in_flight_ = nullptr;
  filling_ = nullptr;
  begin_unit();
}

void shard::undo_cells(shard_unit& unit) {
  for (auto it = unit.touched.rbegin(); it != unit.touched.rend(); ++it) {
    if (is_planted(planted_bug::undo_misses_an_entity)
        && it + 1 == unit.touched.rend())
      break;
    entity_cell& cell = *it->cell;
    changelog_.live_shrank(cell.place.live_bytes());
    changelog_.live_grew(it->place.live_bytes());
    cell.place = it->place;
    cell.sequence = it->sequence;
    if (cell.stale == 0) {
      cell.stale = 1;
      stale_.push_back(&cell);
    }
  }
  for (const auto& id : unit.answered) {
    if (const auto* kept = answers_.find(id, timestamp{0}))
      changelog_.live_shrank(kept->packed_bytes);
    answers_.erase(id);
  }
  for (const auto& [id, before] : unit.answers_moved)
    if (auto* const kept = answers_.find(id, timestamp{0}))
      kept->pack = before;
}

void shard::undo_quickly() {
  stale_.clear();
  // A cell touched by both units gets its state of before the older one.
  drop_fresh();
  undo_cells(*filling_);
  if (in_flight_ != nullptr)
    undo_cells(*in_flight_);
  std::erase_if(stale_, [](entity_cell* cell) {
    if (cell->place)
      return false;
    cell->table().erase(*cell); // it did not exist before
    return true;
  });
}

void shard::forget_everything() {
  for (const auto& table : tables_)
    table->clear();
  waiting_.clear();
  timers_.clear();
  answers_.clear();
  changelog_.clear();
  schemas_.clear();
  schema_of_type_.assign(plan_->types.size(), 0);
  schemas_copied_in_ = 0;
  noted_.clear();
  restored_held_.clear();
  early_.clear();
  stale_.clear();
  fresh_.clear();
  other_positions_.clear();
  front_ = 0;
  last_header_pack_ = 0;
  next_number_ = 1;
}

void shard::expire_answers() {
  changelog_.live_shrank(answers_.expire(host_.now()));
}

void shard::tell_positions(std::vector<input_position>& into) const {
  into.clear();
  if (state_ != state::serving && state_ != state::draining)
    return;
  for (const input& each : inputs_) {
    const bool is_between = each.current == nullptr && each.ahead == nullptr;
    into.push_back(
        {each.source,
         is_between ? std::max(each.position, each.read_to) : each.position,
         is_full()});
  }
}

counters shard::count() const {
  counters now = total_;
  for (const auto& table : tables_) {
    now.entities += table->size();
    now.entities_in_memory += table->cell_count();
    now.entity_bytes += table->bytes();
  }
  now.answers_forgotten += answers_.forgotten();
  now.waiting_messages = waiting_.size();
  now.timers = timers_.size();
  now.changelog_bytes = changelog_.total_bytes();
  now.changelog_live_bytes = changelog_.live_bytes();
  now.paused_inputs = is_full() ? inputs_.size() : 0;
  return now;
}

} // namespace freehold::engine
