#include "runtime/engine/entity_table.hpp"

#include "runtime/base/assert.hpp"

#include <caf/actor_control_block.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace freehold::engine {

namespace {

/// The largest state that is kept right behind its cell.
constexpr std::size_t inline_state_bytes_max = 512;
constexpr std::size_t inline_state_alignment_max = 8;
static_assert(sizeof(entity_cell) % inline_state_alignment_max == 0);

bool fits_inline(const entity_type& type) {
  return type.state_size() <= inline_state_bytes_max
         && type.state_alignment() <= inline_state_alignment_max;
}

std::size_t behind_the_cell(const entity_type& type) {
  return fits_inline(type) ? type.state_size() : sizeof(void*);
}

// A block is an actor as CAF wants it (`caf::actor_storage`): the control
// block, what the slabs keep, and one cache line behind its beginning the
// actor; then the state.
static_assert(sizeof(caf::actor_control_block)
              == cell_slabs::head::front_bytes);
static_assert(sizeof(cell_slabs::head) == CAF_CACHE_LINE_SIZE);
static_assert(alignof(entity_cell) <= cell_slabs::block_alignment);

void destroy_cell(caf::abstract_actor* actor) {
  actor->on_destroy();
  std::destroy_at(static_cast<entity_cell*>(actor));
}

void destroy_block(caf::actor_control_block* control) {
  std::destroy_at(control);
  cell_slabs::give_back(reinterpret_cast<cell_slabs::head*>(control));
}

constexpr std::size_t slots_min = 64;
/// At most so much of the index is in use ...
constexpr std::size_t full_numerator = 2;
constexpr std::size_t full_denominator = 3;
/// ... and then it grows by a quarter, unless it is known how many are to come:
/// 24 to 30 bytes per entity.

/// More lines of one entity are left to the hardware's own prefetching.
constexpr std::size_t prefetch_lines_max = 6;
/// How far ahead of the hand cells are fetched into the cache.
constexpr std::size_t hand_prefetch_distance = 16;

/// Coming back costs about the same for all but the largest: the more an
/// entity takes, the more is gained for that price. One above this size uses up
/// its credit twice as fast.
constexpr std::size_t large_entity_bytes = 4096;

/// What an allocation costs besides its bytes, about.
constexpr std::size_t allocation_bytes = 16;

std::size_t heap_bytes_of_key(std::string_view key) {
  return key.size() > std::string{}.capacity() ? key.size() + allocation_bytes
                                               : 0;
}

} // namespace

// -- entity_cell -------------------------------------------------------------

bool entity_cell::is_observed() const {
  if (caf::actor_control_block::from(this)->strong_refs.load() > 1)
    return true;
  const std::lock_guard lock{mtx_};
  return attachables_head_ != nullptr;
}

void entity_cell::retire() { quit(caf::exit_reason::unreachable); }

caf::actor entity_cell::handle_of() {
  return caf::actor_cast<caf::actor>(ctrl());
}

worker& entity_cell::home() noexcept { return table_.owner_.home(); }

bool entity_cell::handle(caf::mailbox_element& what) {
  auto& content = what.content();
  if (content.match_elements<delivery>()) {
    table_.owner_.arrived(*this, *content.get_as<delivery>(0).message);
    return true;
  }
  if (content.match_elements<read_state>()) {
    table_.owner_.asked(*this, what.sender, what.mid);
    return true;
  }
  return false;
}

void entity_cell::terminated(const caf::error&) { table_.owner_.ended(*this); }

// -- the index ---------------------------------------------------------------

entity_table::entity_table(const entity_type& type, std::uint32_t type_index,
                           cell_owner& owner, caf::actor_system& system,
                           memory_budget& budget)
    : type_(type),
      type_index_(type_index),
      owner_(owner),
      system_(system),
      budget_(budget),
      slots_(slots_min),
      inline_state_(fits_inline(type)),
      owns_memory_(type.owns_memory()),
      hot_bytes_(std::min(sizeof(entity_cell) - sizeof(light_actor)
                              + behind_the_cell(type) + cache_line_bytes - 1,
                          prefetch_lines_max * cache_line_bytes)),
      block_bytes_(sizeof(cell_slabs::head) + sizeof(entity_cell)
                   + behind_the_cell(type)),
      cells_(block_bytes_) {}

entity_table::~entity_table() { clear(); }

entity_table::finding entity_table::look(std::string_view key,
                                         std::uint64_t hash) const noexcept {
  finding found;
  for (std::size_t at = home_of(hash);; at = next(at)) {
    const slot& here = slots_[at];
    if (here.is_free())
      return found;
    if (here.hash != hash)
      continue;
    if (here.is_passive()) {
      found.passive = here.place();
    } else if (here.cell()->key() == key) {
      found.cell = here.cell();
      return found;
    }
  }
}

bool entity_table::is_full() const noexcept {
  return (size_ + 1) * full_denominator > slots_.size() * full_numerator;
}

std::size_t entity_table::take_slot(std::uint64_t hash, bool& shares) {
  if (is_full())
    grow();
  std::size_t at = home_of(hash);
  for (; !slots_[at].is_free(); at = next(at))
    shares = shares || slots_[at].hash == hash;
  slots_[at].hash = hash;
  ++size_;
  return at;
}

std::size_t entity_table::passive_slot(std::uint64_t hash) const {
  std::size_t at = home_of(hash);
  while (slots_[at].hash != hash || !slots_[at].is_passive()) {
    FREEHOLD_ASSERT(!slots_[at].is_free(), "no passive entity has that hash");
    at = next(at);
  }
  return at;
}

std::size_t entity_table::slot_of(const entity_cell& cell) const {
  std::size_t at = home_of(key_hash(cell.key()));
  while (!slots_[at].is_cell() || slots_[at].cell() != &cell) {
    FREEHOLD_ASSERT(!slots_[at].is_free(), "a cell that is not of this table");
    at = next(at);
  }
  return at;
}

entity_cell& entity_table::insert(std::string_view key, std::uint64_t hash) {
  bool shares = false;
  slot& here = slots_[take_slot(hash, shares)];
  entity_cell* const cell = make_cell(key);
  cell->shares_hash = shares ? 1 : 0;
  here.set(cell);
  return *cell;
}

void entity_table::grow() {
  const std::size_t now = slots_.size();
  const std::size_t wanted =
      expected_ * full_denominator / full_numerator + full_denominator;
  // Early on more are expected than come, for up to about as many states are
  // old as are not: half of what is wanted is hardly too much.
  decltype(slots_) old(std::max({now + now / 4, std::min(wanted, 2 * now),
                                 std::min(wanted / 2, 8 * now)}));
  old.swap(slots_);
  for (const slot& each : old) {
    if (each.is_free())
      continue;
    std::size_t at = home_of(each.hash);
    while (!slots_[at].is_free())
      at = next(at);
    slots_[at] = each;
  }
  hand_ = 0;
}

void entity_table::erase(entity_cell& cell) {
  std::size_t at = slot_of(cell);
  // Close the gap, so that no probe ends early (Knuth, vol. 3, 6.4 R).
  const auto distance = [this](std::size_t from, std::size_t to) {
    return to >= from ? to - from : to + slots_.size() - from;
  };
  for (std::size_t behind = next(at); !slots_[behind].is_free();
       behind = next(behind)) {
    const std::size_t ideal = home_of(slots_[behind].hash);
    if (distance(ideal, behind) >= distance(at, behind)) {
      slots_[at] = slots_[behind];
      at = behind;
    }
  }
  slots_[at] = {};
  --size_;
  release(cell);
}

void entity_table::clear() {
  for (slot& each : slots_)
    if (each.is_cell())
      release(*each.cell());
  cells_.let_go();
  decltype(slots_)(slots_min).swap(slots_);
  size_ = 0;
  hand_ = 0;
}

// -- cells -------------------------------------------------------------------

entity_cell* entity_table::make_cell(std::string_view key) {
  cell_slabs::head* const block = cells_.take();
  caf::node_id node = system_.node();
  std::construct_at(reinterpret_cast<caf::actor_control_block*>(block->front),
                    system_.next_actor_id(), node, &system_, destroy_cell,
                    destroy_block);
  entity_cell* const cell = std::construct_at(
      reinterpret_cast<entity_cell*>(block + 1), config_, *this, key);
  char* at = reinterpret_cast<char*>(cell + 1);
  if (inline_state_) {
    type_.construct(at);
  } else {
    void* apart = ::operator new (type_.state_size(),
                                  std::align_val_t{type_.state_alignment()});
    type_.construct(apart);
    *reinterpret_cast<void**>(at) = apart;
  }
  ++cells_used_;
  counted(0, block_bytes_);
  measure_anew(*cell);
  return cell;
}

void entity_table::release(entity_cell& cell) {
  void* state = state_of(cell);
  type_.destroy(state);
  if (!inline_state_)
    ::operator delete (state, std::align_val_t{type_.state_alignment()});
  --cells_used_;
  counted(block_bytes_ + cell.heap_bytes(), 0);
  cell.retire();
  caf::intrusive_ptr_release(caf::actor_control_block::from(&cell));
}

void entity_table::reset_state(entity_cell& cell) const {
  void* state = state_of(cell);
  type_.destroy(state);
  type_.construct(state);
}

// -- memory ------------------------------------------------------------------

void entity_table::counted(std::uint64_t before, std::uint64_t now) noexcept {
  if (now > before)
    budget_.grew(now - before);
  else if (before > now)
    budget_.shrank(before - now);
  bytes_ += now - before;
}

void entity_table::measure_anew(entity_cell& cell) {
  std::size_t now =
      heap_bytes_of_key(cell.key()) + type_.heap_bytes(state_of(cell));
  if (!inline_state_)
    now += type_.state_size() + allocation_bytes;
  const std::size_t units =
      (now + entity_cell::heap_unit_bytes - 1) / entity_cell::heap_unit_bytes;
  const std::uint64_t before = cell.heap_bytes();
  cell.heap_units = static_cast<std::uint32_t>(std::min<std::size_t>(
                        units, entity_cell::heap_units_max))
                    & entity_cell::heap_units_max;
  counted(before, cell.heap_bytes());
}

bool entity_table::is_spared(entity_cell& cell) const noexcept {
  const bool is_large = block_bytes_ + cell.heap_bytes() > large_entity_bytes;
  const std::uint32_t price = is_large ? 2 : 1;
  if (cell.credit < price)
    return false;
  cell.credit = (cell.credit - price) & credit_max;
  return true;
}

stored_place entity_table::put_passive(std::uint64_t hash, stored_place at) {
  std::size_t i = home_of(hash);
  for (; !slots_[i].is_free(); i = next(i))
    if (slots_[i].hash == hash && slots_[i].is_passive()) {
      const stored_place before = slots_[i].place();
      if (before.pack() <= at.pack())
        slots_[i].set(at);
      return before;
    }
  if (is_full()) {
    bool shares = false;
    i = take_slot(hash, shares);
  } else {
    slots_[i].hash = hash;
    ++size_;
  }
  slots_[i].set(at);
  return {};
}

entity_cell& entity_table::revive(std::string_view key, std::uint64_t hash) {
  slot& here = slots_[passive_slot(hash)];
  const stored_place place = here.place();
  entity_cell* const cell = make_cell(key);
  cell->place = place;
  here.set(cell);
  return *cell;
}

void entity_table::passivate(entity_cell& cell) {
  FREEHOLD_ASSERT(cell.place && cell.shares_hash == 0,
                  "only what can be found again leaves memory");
  slots_[slot_of(cell)].set(cell.place);
  release(cell);
}

entity_cell* entity_table::under_the_hand() noexcept {
  if (hand_ >= slots_.size())
    hand_ = 0;
  if (hand_ + hand_prefetch_distance < slots_.size()) {
    const slot& ahead = slots_[hand_ + hand_prefetch_distance];
    if (ahead.is_cell())
      prefetch_ahead(ahead.cell(), sizeof(light_actor), cache_line_bytes);
  }
  const slot& here = slots_[hand_++];
  return here.is_cell() ? here.cell() : nullptr;
}

void entity_table::prefetch_cell(std::uint64_t hash) const noexcept {
  for (std::size_t at = home_of(hash);; at = next(at)) {
    const slot& here = slots_[at];
    if (here.is_free())
      return;
    if (here.hash == hash) {
      if (here.is_cell())
        prefetch_content(*here.cell());
      return;
    }
  }
}

void entity_table::prefetch_content(const entity_cell& cell) const noexcept {
  // From the flags and the place in the changelog over the key to the state:
  // what handling and packing touch. The actor's own part before it stays
  // where it is.
  prefetch_ahead(&cell, sizeof(light_actor), hot_bytes_);
}

std::size_t entity_table::overhead_bytes() const noexcept {
  if (size_ == 0)
    return 0;
  return (cells_.bytes() + index_bytes()) / size_
         - (inline_state_ ? type_.state_size() : 0);
}

} // namespace freehold::engine
