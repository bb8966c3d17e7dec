// How a shard comes to its state: from the whole changelog when it is granted,
// from the packs that a failed unit's entities had before and from the tail
// after an undo.

#include "runtime/engine/planted_bugs.hpp"
#include "runtime/engine/shard.hpp"
#include "runtime/engine/shard_effects.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace freehold::engine {

// -- reading the changelog ---------------------------------------------------

void shard::start_restore(next_offset begin, next_offset end) {
  forget_everything();
  ++total_.restores;
  reading_ = {};
  reading_.from = begin;
  reading_.end = end;
  std::fill(committed_positions_.begin(), committed_positions_.end(),
            next_offset{0});
  committed_clock_ = new_clock();
  read_on();
}

void shard::read_on() {
  if (reading_.from >= reading_.end) {
    if (!bring_held())
      serve();
    return;
  }
  // What is committed may be seen a moment later: it is waited for.
  reading_.asked.ask(reading_.from);
  host_.fetch({.source = {plan_->changelog, index_},
               .from = reading_.from,
               .bytes_max = plan_->options.fetch_bytes,
               .wait = ports::fetch_wait::for_records});
}

void shard::restore_from(const ports::record_batch& batch) {
  const std::vector<std::size_t> before = entity_counts();
  for (const record& each : batch.records) {
    if (next_offset{each.offset.value()} >= reading_.end)
      break;
    const std::uint64_t number = changelog_.next_number();
    changelog_.append(
        {each.offset, static_cast<std::uint32_t>(each.value.size())});
    if (!restore_pack(each.value, number))
      return;
    changelog_end_ = after(each.offset);
  }
  if (batch.next <= reading_.from) {
    fail({errc::corrupt,
          "the changelog ends at offset " + std::to_string(batch.end.value())
              + ", before the end " + std::to_string(reading_.end.value())
              + " that the log named"});
    return;
  }
  expect_entities(before, batch.next.value() - reading_.from.value(),
                  reading_.end.value() - batch.next.value());
  reading_.from = batch.next;
  read_on();
}

std::vector<std::size_t> shard::entity_counts() const {
  std::vector<std::size_t> all;
  for (const auto& table : tables_)
    all.push_back(table->size());
  return all;
}

/// In what is left as many new ones in as many records as in those just read:
/// hardly too few, for the more are there the fewer are new.
void shard::expect_entities(const std::vector<std::size_t>& before,
                            std::int64_t read, std::int64_t left) {
  const auto records = static_cast<std::uint64_t>(read);
  const auto to_come =
      static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const std::size_t size = tables_[i]->size();
    tables_[i]->expect(size + (size - before[i]) * to_come / records);
  }
}

std::optional<restore_position> shard::restoring() const {
  const bool reads = state_ == state::restoring || state_ == state::undoing;
  if (!reads || reading_.from >= reading_.end)
    return std::nullopt;
  return restore_position{index_, reading_.from, reading_.end};
}

bool shard::restore_pack(std::string_view pack, std::uint64_t number) {
  auto reader = changelog::pack_reader::open(pack);
  if (!reader) {
    fail_pack(number, reader.error());
    return false;
  }
  unit_number_ = std::max(unit_number_, reader->unit());
  changelog::pack_reader::entry next;
  while (reader->next(next)) {
    const bool done =
        changelog::is_state(next.kind)
            ? note_state(next.kind, next.payload, {number, next.at, next.bytes})
            : restore_noted() && restore_entry(next, number);
    if (!done)
      return false;
  }
  if (const auto whole = reader->end(); !whole) {
    fail_pack(number, whole.error());
    return false;
  }
  return restore_noted();
}

// NOLINTNEXTLINE(readability-function-size): one case per kind
bool shard::restore_entry(const changelog::pack_reader::entry& what,
                          std::uint64_t number) {
  using changelog::entry_kind;
  using changelog::pack_reader;
  const auto& [kind, payload, bytes, at] = what;
  FREEHOLD_ASSERT(!changelog::is_state(kind),
                  "states are noted, to be restored together");
  const auto broken = [this, number](const error& why) {
    fail_pack(number, why);
    return false;
  };
  switch (kind) {
  case entry_kind::header: {
    const auto header = pack_reader::header(payload);
    if (!header)
      return broken(header.error());
    last_header_pack_ = number;
    next_number_ = std::max(next_number_, header->next_number);
    restore_positions(*header);
    return true;
  }
  case entry_kind::schema: {
    const auto entry = pack_reader::schema(payload);
    if (!entry)
      return broken(entry.error());
    const auto type = plan_->type(entry->entity);
    if (!type)
      return broken({errc::mismatch,
                     "the changelog has states of the entity type \""
                         + std::string{entry->entity}
                         + "\", which this application does not have; add it, "
                           "or use another data directory"});
    known_schema& schema = schemas_[entry->id];
    schema.type = *type;
    schema.bytes = entry->schema;
    schema.pack = number + 1;
    schemas_copied_in_ = number;
    auto decoder = plan_->types[*type]->decoder(entry->schema);
    if (decoder)
      schema.decoder = std::move(*decoder);
    else
      schema.fault = to_string(decoder.error());
    if (schema.bytes == plan_->type_schemas[*type])
      schema_of_type_[*type] = entry->id;
    return restore_early(entry->id);
  }
  case entry_kind::state:
  case entry_kind::state_of_shared_hash:
    break;
  case entry_kind::held: {
    const auto entry = pack_reader::held(payload);
    if (!entry)
      return broken(entry.error());
    const auto type = plan_->type(entry->entity);
    const auto topic = plan_->topic(entry->topic);
    if (!type || (!topic && entry->topic != application_plan::timer_topic))
      return broken({errc::mismatch,
                     "a held message is for \"" + std::string{entry->entity}
                         + "\" from \"" + std::string{entry->topic}
                         + "\", which this application does not have"});
    held_message held;
    held.number = entry->number;
    held.attempts = entry->attempts;
    held.due = entry->due;
    held.last_error = entry->last_error;
    held.topic = topic.value_or(application_plan::timer_topic_index);
    held.offset = entry->offset;
    held.time = entry->time;
    held.value = entry->value;
    held.headers = entry->headers;
    held.source_watermark = entry->source_watermark;
    held.watermark = entry->watermark;
    held.holds_time =
        plan_->event_time && plan_->source_of(held.topic) != nullptr;
    held.pack = number + 1;
    held.packed_bytes = bytes;
    // In order of numbers, whatever order compaction left them in.
    auto& kept = restored_held_[entry->number];
    changelog_.live_shrank(kept.message.packed_bytes);
    changelog_.live_grew(bytes);
    kept = {*type, std::string{entry->key}, std::move(held)};
    return true;
  }
  case entry_kind::held_gone: {
    const auto gone = pack_reader::held_gone(payload);
    if (!gone)
      return broken(gone.error());
    if (const auto found = restored_held_.find(*gone);
        found != restored_held_.end()) {
      changelog_.live_shrank(found->second.message.packed_bytes);
      restored_held_.erase(found);
    }
    return true;
  }
  case entry_kind::timer: {
    const auto entry = pack_reader::timer(payload);
    if (!entry)
      return broken(entry.error());
    const auto type = plan_->type(entry->entity);
    if (!type)
      return broken({errc::mismatch, "a timer is for the entity type \""
                                         + std::string{entry->entity}
                                         + "\", which this application does "
                                           "not have"});
    const timer_identity which{*type, key_hash(entry->key), entry->key,
                               entry->name};
    if (const auto old = timers_.take(which))
      changelog_.live_shrank(old->packed_bytes);
    if (is_planted(planted_bug::due_timers_lost) && entry->due < host_.now())
      return true;
    changelog_.live_grew(bytes);
    auto made = timer::make(which, {entry->due, entry->clock, entry->message,
                                    entry->version, entry->body});
    made->number = entry->number;
    made->pack = number + 1;
    made->packed_bytes = bytes;
    timers_.set(std::move(made));
    return true;
  }
  case entry_kind::timer_gone: {
    const auto entry = pack_reader::timer_gone(payload);
    if (!entry)
      return broken(entry.error());
    if (const auto type = plan_->type(entry->entity))
      if (const auto old = timers_.take(
              {*type, key_hash(entry->key), entry->key, entry->name}))
        changelog_.live_shrank(old->packed_bytes);
    return true;
  }
  case entry_kind::answer: {
    const auto entry = pack_reader::answer(payload);
    if (!entry)
      return broken(entry.error());
    if (is_planted(planted_bug::ids_forgotten_at_restart))
      return true;
    changelog_.live_grew(bytes);
    changelog_.live_shrank(answers_.insert(
        entry->id, {entry->time, static_cast<answer_status>(entry->status),
                    std::string{entry->body}, number + 1, bytes}));
    return true;
  }
  case entry_kind::event_time:
    return restore_event_time(payload);
  }
  return broken({errc::corrupt, "a changelog entry of unknown kind "
                                    + std::to_string(static_cast<int>(kind))
                                    + "; a newer build wrote it"});
}

void shard::restore_positions(const changelog::unit_header& header) {
  for (const auto& [topic, next] : header.positions) {
    bool is_input = false;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (topic == plan_->topic_name(inputs_[i].source.topic)) {
        committed_positions_[i] = next;
        is_input = true;
      }
    if (!is_input)
      other_positions_[topic] = next;
  }
}

bool shard::restore_early(std::uint32_t schema) {
  if (early_.empty())
    return true;
  const auto known = std::stable_partition(
      early_.begin(), early_.end(),
      [schema](const early_state& each) { return each.schema != schema; });
  const std::vector<early_state> ready{std::make_move_iterator(known),
                                       std::make_move_iterator(early_.end())};
  early_.erase(known, early_.end());
  for (const early_state& each : ready)
    if (!note_state(each.kind, each.payload, each.place) || !restore_noted())
      return false;
  return true;
}

bool shard::note_state(changelog::entry_kind kind, std::string_view payload,
                       stored_place here) {
  const auto entry = changelog::pack_reader::state(payload);
  if (!entry) {
    fail_pack(here.pack(), entry.error());
    return false;
  }
  const auto schema = schemas_.find(entry->schema);
  if (schema == schemas_.end()) {
    early_.push_back({kind, entry->schema, here, std::string{payload}});
    return true;
  }
  entity_table& table = *tables_[schema->second.type];
  if (schema->second.decoder == nullptr) {
    fail_unreadable(table, entry->key,
                    {errc::missing_upcaster, schema->second.fault});
    return false;
  }
  const std::uint64_t hash = key_hash(entry->key);
  table.prefetch_slot(hash);
  noted_.push_back(
      {*entry, &table, hash, here, kind == changelog::entry_kind::state});
  return true;
}

bool shard::restore_noted() {
  for (const auto& [entry, table, hash, here, by_hash] : noted_) {
    entity_cell* cell =
        table->cell_count() > 0 ? table->find(entry.key, hash) : nullptr;
    const bool is_passive = cell == nullptr && by_hash;
    stored_place before;
    if (is_passive)
      before = table->put_passive(hash, here);
    else if (cell != nullptr)
      before = cell->place;
    if (before && before.pack() > here.pack())
      continue; // a newer one did not have to wait for its schema
    changelog_.live_shrank(before.live_bytes());
    changelog_.live_grew(here.live_bytes());
    if (is_passive)
      continue;
    if (cell == nullptr) {
      cell = &table->insert(entry.key, hash);
      cell->shares_hash = 1; // also where the other one has not come yet
    } else {
      table->reset_state(*cell);
    }
    cell->place = here;
    cell->stale = 0;
    if (!read_state_into(*cell, entry))
      return false;
  }
  noted_.clear();
  return true;
}

/// A unit's positions are in its header and in the log itself, or in neither.
bool shard::positions_are_whole() {
  for (const auto& [source, taken] : taken_by_log_)
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (inputs_[i].source == source && committed_positions_[i] < taken) {
        fail({errc::corrupt,
              "records of " + plan_->topic_name(plan_->changelog)
                  + " are lost: they say that "
                  + plan_->topic_name(source.topic) + ", partition "
                  + std::to_string(source.partition.value())
                  + ", was taken up to offset "
                  + std::to_string(committed_positions_[i].value())
                  + ", and the log's own positions are at "
                  + std::to_string(taken.value())
                  + ". Restore that topic, or begin anew under another "
                    "application name"});
        return false;
      }
  return true;
}

void shard::serve() {
  if (!early_.empty()) {
    fail({errc::corrupt, "a state names schema "
                             + std::to_string(early_.front().schema)
                             + ", which the changelog does not have"});
    return;
  }
  if (!positions_are_whole())
    return;
  for (auto& [number, held] : restored_held_) {
    entity_table& table = *tables_[held.type];
    const std::uint64_t hash = key_hash(held.key);
    entity_cell* cell = table.find(held.key, hash);
    if (cell == nullptr)
      cell = &table.insert(held.key, hash);
    note_fresh(*cell);
    waiting_.push(*cell, std::move(held.message));
  }
  restored_held_.clear();
  drop_fresh(); // of held messages that left nothing behind
  answers_.sort_by_time();
  for (entity_cell* cell : stale_)
    FREEHOLD_ASSERT(cell->stale == 0, "every undone state was read again");
  stale_.clear();
  if (changelog_.next_number() == changelog_.first_number())
    changelog_end_ = std::max(changelog_end_, reading_.end);
  front_ = changelog_.first_number();
  // What units before have left to do, for instance where nobody knew that
  // they were committed; one round of it.
  compaction_budget_ = std::min(compaction_budget(0), changelog_.total_bytes());
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    inputs_[i].begin_at(committed_positions_[i]);
  prepared_of_ = nullptr;
  clock_ = committed_clock_;
  for (const auto& table : tables_)
    table->expect(0);
  state_ = state::serving;
  restore_begins_ = 0;
  acquit_the_committed();
  if (revoked_) {
    host_.released();
    return;
  }
  ask_again(postponed_);
  if (!stopped_taking_)
    for (input& each : inputs_)
      request_input(each);
  host_.continue_later();
}

void shard::acquit_the_committed() {
  for (const auto& whom : std::vector{suspects_}) {
    const auto topic = plan_->topic(whom.topic);
    const record_offset at{whom.offset};
    bool is_pending =
        waiting_.holds(topic.value_or(application_plan::timer_topic_index), at);
    if (whom.topic == application_plan::timer_topic)
      is_pending =
          is_pending || timers_.has(static_cast<std::uint64_t>(whom.offset));
    else
      for (std::size_t i = 0; i < inputs_.size(); ++i)
        is_pending = is_pending
                     || (inputs_[i].source.topic == topic
                         && committed_positions_[i] < after(at));
    if (!is_pending)
      acquit(whom);
  }
}

void shard::fail(const error& why) {
  if (state_ == state::failed)
    return;
  state_ = state::failed;
  host_.failed({why.code, "shard " + std::to_string(index_.value()) + ": "
                              + why.context});
}

void shard::fail_pack(std::uint64_t number, const error& why) {
  fail({why.code, plan_->topic_name(plan_->changelog) + ", offset "
                      + std::to_string(changelog_.at(number).offset.value())
                      + ": " + why.context});
}

void shard::fail_unreadable(const entity_table& table, std::string_view key,
                            const error& why) {
  fail({why.code, "the state of " + std::string{table.type().traits().type}
                      + "/" + std::string{key}
                      + " cannot be read: " + why.context});
}

// -- is anything left? -------------------------------------------------------

void shard::give_up_probe() {
  if (std::exchange(probes_left_, 0) > 0)
    host_.probed(false);
}

void shard::probe() {
  bool idle = state_ == state::serving && underway_ == 0
              && in_flight_ == nullptr && waiting_.size() == 0
              && bringing_ == nullptr && sought_.empty() && filling_->is_blank()
              && !positions_moved() && !has_timer_by_event_time();
  for (const input& each : inputs_)
    idle = idle && each.current == nullptr && each.ahead == nullptr;
  if (!idle || stopped_taking_) {
    host_.probed(idle);
    return;
  }
  // A waiting fetch says nothing about what came since: ask again, at once.
  probe_idle_ = true;
  probes_left_ = inputs_.size();
  for (input& each : inputs_) {
    withdraw(each);
    each.probing = true;
    request_input(each);
  }
}

} // namespace freehold::engine
