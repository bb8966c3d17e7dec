// How a shard keeps its changelog within its bound: units write again what is
// live at the front, and the front is cut when they are committed.

#include "runtime/engine/shard.hpp"

#include <algorithm>

namespace freehold::engine {

namespace {

/// What compaction may read per unit besides its share of what is written.
constexpr std::uint64_t compaction_bytes_min = std::uint64_t{256} << 10U;

/// All schemas are written again after as many packs: a share of those that
/// there are, and no fewer than the smallest distance.
constexpr std::uint64_t schema_copy_share = 8;
constexpr std::uint64_t schema_copy_packs_min = 64;

} // namespace

bool shard::compaction_wanted() const noexcept {
  return static_cast<double>(changelog_.total_bytes())
         > static_cast<double>(changelog_.live_bytes())
                   * plan_->options.changelog_live_factor
               + static_cast<double>(plan_->options.changelog_slack_bytes);
}

std::uint64_t shard::compaction_budget(std::uint64_t written) const noexcept {
  if (!compaction_wanted())
    return 0;
  const double factor = plan_->options.changelog_live_factor;
  return compaction_bytes_min
         + static_cast<std::uint64_t>(1.5 * factor / (factor - 1.0)
                                      * static_cast<double>(written));
}

/// Half of a unit's room is left to compaction until it has kept pace: a front
/// that is read from afar would else find every unit full of messages, and the
/// changelog would grow beyond its bound for as long as there is a backlog.
bool shard::compaction_comes_first() const noexcept {
  return compaction_budget_ > 0 && front_ < last_header_pack_
         && unit_bytes() >= plan_->options.unit_bytes_max / 2;
}

/// Wherever the front is cut, whoever restores meets each schema within the
/// first `schema_copy_share` of what is left, and keeps few states that wait
/// for theirs.
bool shard::schema_copies_are_due() const noexcept {
  const std::uint64_t next = changelog_.next_number();
  const std::uint64_t packs = next - changelog_.first_number();
  return next
         >= schemas_copied_in_
                + std::max(schema_copy_packs_min, packs / schema_copy_share);
}

void shard::note_packed(const entity_cell& cell, std::size_t pack,
                        std::size_t noted_from) {
  if (pack < noted_from)
    return;
  auto& all = filling_->states_of_pack;
  if (all.size() <= pack)
    all.resize(pack + 1);
  all[pack].push_back(
      {cell.table().type_index(), entity_table::half_of(key_hash(cell.key()))});
}

void shard::compact() {
  while (compaction_budget_ > 0 && front_ < last_header_pack_
         && unit_bytes() < plan_->options.unit_bytes_max) {
    if (front_asked_ || (!touch_states_of_front() && !compact_front_as_read()))
      return;
    const std::uint64_t bytes = changelog_.at(front_).bytes;
    ++front_;
    filling_->done.compacted_bytes += bytes;
    compaction_budget_ -= std::min(bytes, compaction_budget_);
  }
}

/// False where it has to be read: something else may live in it, or an entity
/// that is not in memory.
bool shard::touch_states_of_front() {
  const auto& states = changelog_.at(front_).states;
  if (states.empty())
    return false;
  for (const auto& [type, half] : states)
    tables_[type]->prefetch_slot_of_half(half);
  bool all_in_memory = true;
  for (const auto& [type, half] : states)
    tables_[type]->for_each_of_half(
        half, [](const entity_cell& cell) { __builtin_prefetch(&cell.place); },
        [&](stored_place passive) {
          all_in_memory = all_in_memory && !passive.is_in(front_);
        });
  if (!all_in_memory)
    return false;
  for (const auto& [type, half] : states)
    tables_[type]->for_each_of_half(
        half,
        [this](entity_cell& cell) {
          if (cell.place.is_in(front_))
            touch(cell);
        },
        [](stored_place) {});
  for (const auto& [id, schema] : schemas_)
    if (schema.pack == front_ + 1)
      filling_->schemas_changed.push_back(id);
  return true;
}

bool shard::compact_front_as_read() {
  const record_offset wanted = changelog_.at(front_).offset;
  while (front_batch_ != nullptr) {
    if (front_cursor_ == front_batch_->records.size()) {
      front_batch_ = nullptr;
      break;
    }
    const record& next = front_batch_->records[front_cursor_++];
    if (next.offset < wanted)
      continue;
    if (next.offset == wanted) {
      compact_pack(next.value, front_);
      return state_ == state::serving;
    }
    fail({errc::corrupt, "the changelog misses the record at offset "
                             + std::to_string(wanted.value())});
    return false;
  }
  if (!front_asked_) {
    const next_offset from{wanted.value()};
    front_asked_.ask(from);
    host_.fetch({.source = {plan_->changelog, index_},
                 .from = from,
                 .bytes_max = plan_->options.fetch_bytes,
                 .wait = ports::fetch_wait::for_records});
  }
  return false;
}

// NOLINTNEXTLINE(readability-function-size): one case per kind
void shard::compact_pack(std::string_view pack, std::uint64_t number) {
  using changelog::entry_kind;
  using changelog::pack_reader;
  // Live is what the index says is live: exactly one pack has the newest
  // entry. Writing it again is touching it.
  const std::uint64_t here = number + 1;
  shard_unit& unit = *filling_;
  struct found {
    changelog::state_entry entry;
    entity_table* table = nullptr;
    std::uint64_t hash = 0;
    bool by_hash = true;
  };
  std::vector<found> states;
  auto reader = pack_reader::open(pack);
  if (!reader) {
    fail_pack(number, reader.error());
    return;
  }
  pack_reader::entry next;
  while (reader->next(next)) {
    const std::string_view payload = next.payload;
    switch (next.kind) {
    case entry_kind::state:
    case entry_kind::state_of_shared_hash:
      if (const auto entry = pack_reader::state(payload)) {
        const auto schema = schemas_.find(entry->schema);
        FREEHOLD_ASSERT(schema != schemas_.end(),
                        "a schema outlives the states that name it");
        found& each = states.emplace_back();
        each.entry = *entry;
        each.table = tables_[schema->second.type].get();
        each.hash = key_hash(entry->key);
        each.by_hash = next.kind == entry_kind::state;
        each.table->prefetch_slot(each.hash);
      }
      break;
    case entry_kind::schema:
      if (const auto entry = pack_reader::schema(payload);
          entry && schemas_.contains(entry->id)
          && schemas_[entry->id].pack == here) {
        unit.schemas_changed.push_back(entry->id);
      }
      break;
    case entry_kind::held:
      if (const auto entry = pack_reader::held(payload))
        if (const held_message* held = waiting_.find(entry->number);
            held != nullptr && held->pack == here) {
          unit.held_changed.push_back(entry->number);
        }
      break;
    case entry_kind::timer:
      if (const auto entry = pack_reader::timer(payload))
        if (const auto type = plan_->type(entry->entity)) {
          timer* const set = timers_.find(
              {*type, key_hash(entry->key), entry->key, entry->name});
          if (set != nullptr && set->pack == here) {
            timers_.note_changed(*set);
            unit.has_changed_timers = true;
          }
        }
      break;
    case entry_kind::answer:
      if (const auto entry = pack_reader::answer(payload))
        if (const auto* kept = answers_.find(entry->id, timestamp{0});
            kept != nullptr && kept->pack == here)
          unit.answers_moved.emplace_back(entry->id, here);
      break;
    case entry_kind::header:
    case entry_kind::held_gone:
    case entry_kind::timer_gone:
    case entry_kind::event_time:
      break; // a later unit says it better, or all before it is gone
    }
  }
  if (const auto whole = reader->end(); !whole) {
    fail_pack(number, whole.error());
    return;
  }
  for (const found& each : states)
    each.table->prefetch_cell(each.hash);
  for (const found& each : states) {
    auto [cell, passive] = each.table->look(each.entry.key, each.hash);
    if (cell == nullptr && each.by_hash && passive.is_in(number)) {
      cell = &each.table->revive(each.entry.key, each.hash);
      if (!read_state_into(*cell, each.entry))
        return;
      cell->credit = 0; // nobody asked for it
    }
    if (cell != nullptr && cell->place.is_in(number))
      touch(*cell);
  }
}

} // namespace freehold::engine
