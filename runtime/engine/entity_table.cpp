#include "runtime/engine/entity_table.hpp"

#include "runtime/base/assert.hpp"

#include <caf/make_actor.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace freehold::engine {

namespace {

/// A cell with room for a state of up to `Bytes` behind it. The classes step
/// by little, so that a state wastes at most half a cache line.
template <std::size_t Bytes>
class sized_cell final : public entity_cell {
public:
  using entity_cell::entity_cell;
  alignas(8) std::byte state[Bytes];
};

constexpr std::array<std::size_t, 12> state_classes{
    8, 32, 64, 96, 128, 160, 192, 224, 256, 320, 384, 512};

/// The class for states that live in memory of their own: the cell holds a
/// pointer.
constexpr std::size_t separate_state_class = 0;

template <std::size_t Index, class Use>
auto with_class(std::size_t index, Use&& use) {
  if constexpr (Index + 1 == state_classes.size()) {
    return use(std::integral_constant<std::size_t, state_classes[Index]>{});
  } else {
    if (index == Index)
      return use(std::integral_constant<std::size_t, state_classes[Index]>{});
    return with_class<Index + 1>(index, std::forward<Use>(use));
  }
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
      mask_(slots_min - 1) {
  std::size_t needed = type.state_size();
  if (needed > state_classes.back() || type.state_alignment() > 8) {
    inline_state_ = false;
    needed = sizeof(void*);
  }
  while (state_classes[state_class_] < needed)
    ++state_class_;
  with_class<0>(state_class_, [&](auto bytes) {
    using cell = sized_cell<bytes()>;
    // A state begins where the last class member does: right behind the cell.
    state_offset_ = sizeof(cell) - ((bytes() + 7) / 8 * 8);
    cell_bytes_ = sizeof(caf::actor_storage<cell>);
  });
  const std::size_t state_end =
      state_offset_ + (inline_state_ ? type.state_size() : sizeof(void*));
  hot_bytes_ = std::min(state_end - sizeof(light_actor) + cache_line_bytes - 1,
                        prefetch_lines_max * cache_line_bytes);
}

entity_table::~entity_table() { clear(); }

entity_cell* entity_table::make_cell(std::string_view key) {
  auto* cell = with_class<0>(state_class_, [&](auto bytes) -> entity_cell* {
    using sized = sized_cell<bytes()>;
    auto made = caf::make_actor<sized, caf::strong_actor_ptr>(
        system_.next_actor_id(), system_.node(), &system_, config_, *this, key);
    return static_cast<sized*>(made.release()->get());
  });
  char* at = reinterpret_cast<char*>(cell) + state_offset_;
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
  std::vector<slot> old(slots_.size() * 2);
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
  slots_.assign(slots_min, {});
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
  constexpr std::size_t allocator_bytes = 8;
  const std::size_t index =
      size_ == 0 ? 0 : slots_.size() * sizeof(slot) / size_;
  return cell_bytes_ - (inline_state_ ? type_.state_size() : 0)
         + allocator_bytes + index;
}

} // namespace freehold::engine
