// How entities leave a shard's memory when they are idle, and how they come
// back before anything is done with them. What needs an entity that is not in
// memory asks for it and stays where it is: messages are not taken, timers do
// not fire. So a lookup never stands between a message and its unit.

#include "runtime/engine/bringing.hpp"
#include "runtime/engine/shard.hpp"

#include <utility>

namespace freehold::engine {

namespace {

/// What one lookup asks for, besides a single larger entity: it comes into
/// memory in addition to the budget.
constexpr std::uint64_t brought_bytes_max = std::uint64_t{1} << 20U;
/// Due timers whose entities are asked for together.
constexpr std::size_t brought_timers_max = 128;

} // namespace

// -- asking ------------------------------------------------------------------

std::shared_ptr<bringing> shard::new_bringing() const {
  return std::make_shared<bringing>(topic_partition{plan_->changelog, index_});
}

bool shard::ask_for(std::shared_ptr<bringing> wanted) {
  if (wanted == nullptr || wanted->empty())
    return false;
  wanted->seal(changelog_);
  bringing_ = wanted;
  host_.look_up(std::move(wanted));
  return true;
}

std::size_t shard::in_memory_of(std::size_t begin, std::size_t end) {
  std::size_t at = begin;
  for (; at < end; ++at) {
    const taken_message& message = prepared_[at];
    if (message.table == nullptr || !message.table->has_passive())
      continue;
    const auto found = message.table->look(message.message.key, message.hash);
    if (found.cell == nullptr && found.passive)
      break;
  }
  if (at > begin)
    return at - begin;
  std::shared_ptr<bringing> wanted;
  for (; at < end; ++at) {
    const taken_message& message = prepared_[at];
    if (message.table == nullptr)
      continue;
    const auto found = message.table->look(message.message.key, message.hash);
    if (found.cell != nullptr || !found.passive)
      continue;
    if (wanted == nullptr)
      wanted = new_bringing();
    wanted->want(*message.table, message.message.key, message.hash,
                 found.passive);
    if (wanted->bytes_wanted() >= brought_bytes_max)
      break;
  }
  ask_for(std::move(wanted));
  return 0;
}

bool shard::is_away(const timer& what) const {
  const entity_table& table = *tables_[what.type];
  if (!table.has_passive())
    return false;
  const auto found = table.look(what.key(), what.key_hash);
  return found.cell == nullptr && found.passive;
}

void shard::bring_due_timers(const timer& first) {
  const auto wanted = new_bringing();
  const auto want = [&](const timer& each) {
    entity_table& table = *tables_[each.type];
    const auto found = table.look(each.key(), each.key_hash);
    if (found.cell == nullptr && found.passive)
      wanted->want(table, each.key(), each.key_hash, found.passive);
    return wanted->bytes_wanted() < brought_bytes_max;
  };
  if (want(first))
    timers_.visit_due(first.clock,
                      first.clock == timer_clock::processing_time
                          ? host_.now()
                          : std::max(clock_.watermark(), first.due),
                      brought_timers_max, want);
  ask_for(wanted);
}

bool shard::bring_sought() {
  std::shared_ptr<bringing> wanted;
  for (auto& each : std::exchange(sought_, {})) {
    entity_table& table = *tables_[each.type];
    const std::uint64_t hash = key_hash(each.key);
    const auto found = table.look(each.key, hash);
    if (found.cell != nullptr) {
      each.tell(found.cell->handle_of());
    } else if (!found.passive) {
      each.tell({});
    } else {
      if (wanted == nullptr)
        wanted = new_bringing();
      wanted->want(table, each.key, hash, found.passive);
      sought_.push_back(std::move(each));
    }
  }
  return ask_for(std::move(wanted));
}

bool shard::bring_held() {
  const auto wanted = new_bringing();
  for (const auto& [number, held] : restored_held_) {
    entity_table& table = *tables_[held.type];
    const std::uint64_t hash = key_hash(held.key);
    const auto found = table.look(held.key, hash);
    if (found.cell == nullptr && found.passive)
      wanted->want(table, held.key, hash, found.passive);
  }
  return ask_for(wanted);
}

bool shard::bring_stale() {
  const auto wanted = new_bringing();
  for (const entity_cell* cell : stale_)
    wanted->want(cell->table(), cell->key(), key_hash(cell->key()),
                 cell->place);
  return ask_for(wanted);
}

// -- coming back -------------------------------------------------------------

void shard::looked_up(const std::shared_ptr<ports::lookup>& what,
                      const std::optional<error>& why) {
  if (bringing_ == nullptr || what != bringing_)
    return; // of before an undo
  const auto brought = std::exchange(bringing_, nullptr);
  if (why || brought->fault()) {
    const error& fault = why ? *why : *brought->fault();
    fail({fault.code, "cannot read states back from "
                          + plan_->topic_name(plan_->changelog) + ": "
                          + fault.context});
    return;
  }
  for (const bringing::wanted& each : brought->all())
    if (!come_back(*brought, each))
      return;
  if (!reading_.all) {
    // All stale states are back; what the log knows beyond them follows.
    reading_.all = true;
    reading_.from = changelog_end_;
    read_on();
  } else if (state_ == state::serving || state_ == state::draining) {
    just_brought_ = true;
    host_.continue_later();
  } else {
    serve();
  }
}

bool shard::come_back(const bringing& from, const bringing::wanted& one) {
  entity_table& table = *one.table;
  const auto known = table.look(one.key, one.hash);
  const bool is_stale = known.cell != nullptr && known.cell->stale != 0;
  if (known.cell != nullptr && !is_stale)
    return true; // compaction was faster
  if (!is_stale && known.passive != one.place)
    return true; // and it has left again: whoever wants it asks again
  using outcome = bringing::wanted::outcome;
  if (one.found == outcome::nothing
      || (is_stale && one.found == outcome::other)) {
    fail({errc::corrupt, "the changelog misses the state of "
                             + std::string{table.type().traits().type} + "/"
                             + one.key});
    return false;
  }
  if (one.found == outcome::other) {
    // The passive entity is another one with the same hash; this one is new.
    note_fresh(table.insert(one.key, one.hash));
    return true;
  }
  entity_cell& cell = is_stale ? *known.cell : table.revive(one.key, one.hash);
  if (is_stale)
    table.reset_state(cell);
  else
    ++total_.brought_back;
  cell.stale = 0;
  return read_state_into(
      cell, {one.schema, one.key, one.sequence, from.bytes_of(one)});
}

bool shard::read_state_into(entity_cell& cell,
                            const changelog::state_entry& entry) {
  entity_table& table = cell.table();
  const auto schema = schemas_.find(entry.schema);
  FREEHOLD_ASSERT(schema != schemas_.end() && schema->second.decoder != nullptr,
                  "what was restored can be read");
  const auto read =
      schema->second.decoder->read(entry.bytes, table.state_of(cell));
  if (!read) {
    fail_unreadable(table, entry.key, read.error());
    return false;
  }
  cell.sequence = entry.sequence;
  table.measure(cell);
  return true;
}

// -- leaving -----------------------------------------------------------------

bool shard::may_leave(const entity_cell& cell) const {
  const bool is_in_unit =
      cell.touched_in == touch_number_
      || (in_flight_ != nullptr && cell.touched_in == touched_in_flight_);
  return cell.place && cell.fresh == 0 && cell.waiting == 0 && cell.stale == 0
         && cell.shares_hash == 0 && !is_in_unit && !cell.is_observed();
}

void shard::passivate_idle() {
  if (underway_ != 0 || just_brought_
      || (state_ != state::serving && state_ != state::draining))
    return;
  for (const auto& table : tables_) {
    const std::uint64_t keep = table->budget().share_of(table->bytes());
    if (table->bytes() > keep)
      total_.passivated += table->passivate_down_to(
          keep, [this](const entity_cell& cell) { return may_leave(cell); });
  }
}

// -- looked for from outside -------------------------------------------------

void shard::find_entity(std::string_view type, std::string_view key,
                        std::function<void(caf::actor)> tell) {
  const auto which = plan_->type(type);
  if (!which || (state_ != state::serving && state_ != state::draining))
    return tell({});
  const auto found = tables_[*which]->look(key, key_hash(key));
  if (found.cell != nullptr)
    return tell(found.cell->handle_of());
  if (!found.passive)
    return tell({});
  sought_.push_back({*which, std::string{key}, std::move(tell)});
  host_.continue_later();
}

} // namespace freehold::engine
