#include "runtime/engine/entity_table.hpp"

#include "runtime/base/assert.hpp"

#include <caf/actor_control_block.hpp>

#include <algorithm>
#include <memory>
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

constexpr std::size_t cache_line_bytes = 64;
/// More lines of one entity are left to the hardware's own prefetching.
constexpr std::size_t prefetch_lines_max = 6;

} // namespace

// -- entity_cell -------------------------------------------------------------

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

// -- entity_table ------------------------------------------------------------

entity_table::entity_table(const entity_type& type, std::uint32_t type_index,
                           cell_owner& owner, caf::actor_system& system)
    : type_(type),
      type_index_(type_index),
      owner_(owner),
      system_(system),
      slots_(slots_min),
      mask_(slots_min - 1),
      inline_state_(fits_inline(type)),
      hot_bytes_(std::min(sizeof(entity_cell) - sizeof(light_actor)
                              + behind_the_cell(type) + cache_line_bytes - 1,
                          prefetch_lines_max * cache_line_bytes)),
      cells_(sizeof(cell_slabs::head) + sizeof(entity_cell)
             + behind_the_cell(type)) {}

entity_table::~entity_table() { clear(); }

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
  return cell;
}

void entity_table::reset_state(entity_cell& cell) const {
  void* state = state_of(cell);
  type_.destroy(state);
  type_.construct(state);
}

entity_cell* entity_table::find(std::string_view key,
                                std::uint64_t hash) const noexcept {
  for (std::uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
    const slot& here = slots_[at];
    if (here.cell == nullptr)
      return nullptr;
    if (here.hash == hash && here.cell->key() == key)
      return here.cell;
  }
}

entity_cell& entity_table::insert(std::string_view key, std::uint64_t hash) {
  if ((size_ + 1) * 5 > slots_.size() * 4)
    grow();
  std::uint64_t at = hash & mask_;
  while (slots_[at].cell != nullptr)
    at = (at + 1) & mask_;
  entity_cell* cell = make_cell(key);
  slots_[at] = {hash, cell};
  ++size_;
  return *cell;
}

void entity_table::grow() {
  decltype(slots_) old(slots_.size() * 2);
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const slot& each : old) {
    if (each.cell == nullptr)
      continue;
    std::uint64_t at = each.hash & mask_;
    while (slots_[at].cell != nullptr)
      at = (at + 1) & mask_;
    slots_[at] = each;
  }
}

void entity_table::erase(entity_cell& cell) {
  const std::uint64_t hash = key_hash(cell.key());
  std::uint64_t at = hash & mask_;
  while (slots_[at].cell != &cell) {
    FREEHOLD_ASSERT(slots_[at].cell != nullptr, "erases a cell it never had");
    at = (at + 1) & mask_;
  }
  // Close the gap, so that no probe ends early (Knuth, vol. 3, 6.4 R).
  for (std::uint64_t next = (at + 1) & mask_; slots_[next].cell != nullptr;
       next = (next + 1) & mask_) {
    const std::uint64_t ideal = slots_[next].hash & mask_;
    if (((next - ideal) & mask_) >= ((next - at) & mask_)) {
      slots_[at] = slots_[next];
      at = next;
    }
  }
  slots_[at] = {};
  --size_;
  release(cell);
}

void entity_table::release(entity_cell& cell) {
  void* state = state_of(cell);
  type_.destroy(state);
  if (!inline_state_)
    ::operator delete (state, std::align_val_t{type_.state_alignment()});
  cell.retire();
  caf::intrusive_ptr_release(caf::actor_control_block::from(&cell));
}

void entity_table::clear() {
  for (slot& each : slots_)
    if (each.cell != nullptr)
      release(*std::exchange(each.cell, nullptr));
  cells_.let_go();
  decltype(slots_)(slots_min).swap(slots_);
  mask_ = slots_min - 1;
  size_ = 0;
}

void entity_table::prefetch_cell(std::uint64_t hash) const noexcept {
  for (std::uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
    const slot& here = slots_[at];
    if (here.cell == nullptr)
      return;
    if (here.hash == hash) {
      prefetch_content(*here.cell);
      return;
    }
  }
}

void entity_table::prefetch_content(const entity_cell& cell) const noexcept {
  // From the flags and the place in the changelog over the key to the state:
  // what handling and packing touch. The actor's own part before it stays
  // where it is.
  const char* at = reinterpret_cast<const char*>(&cell) + sizeof(light_actor);
  for (std::size_t line = 0; line < hot_bytes_; line += cache_line_bytes)
    __builtin_prefetch(at + line);
}

std::size_t entity_table::overhead_bytes() const noexcept {
  if (size_ == 0)
    return 0;
  return (cells_.bytes() + slots_.size() * sizeof(slot)) / size_
         - (inline_state_ ? type_.state_size() : 0);
}

} // namespace freehold::engine
