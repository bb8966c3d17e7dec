#pragma once

#include "runtime/base/hash.hpp"
#include "runtime/base/prefetch.hpp"
#include "runtime/engine/cell_slabs.hpp"
#include "runtime/engine/entity_cell.hpp"
#include "runtime/engine/huge_pages.hpp"
#include "runtime/engine/memory_budget.hpp"
#include "runtime/entity/entity_type.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace freehold::engine {

/// What the cells of a shard ask of it. On the shard's worker only.
class cell_owner {
public:
  cell_owner() = default;
  cell_owner(const cell_owner&) = delete;
  cell_owner& operator=(const cell_owner&) = delete;
  virtual ~cell_owner() = default;

  virtual worker& home() noexcept = 0;
  /// A message that was sent to the cell arrives there.
  virtual void arrived(entity_cell& cell, taken_message& message) = 0;
  virtual void asked(entity_cell& cell, const caf::strong_actor_ptr& asker,
                     caf::message_id id) = 0;
  /// The cell was ended from outside (an exit message).
  virtual void ended(entity_cell& cell) = 0;
};

/// The entities of one type in one shard: an open-addressed index of hashes
/// (linear probing, at most 2/3 full, grown by a quarter), to be prefetched a
/// batch ahead. A slot has the cell of an entity in memory, or the place in the
/// changelog of one that is not (a *passive* one): 16 bytes, up to 30 with the
/// slots that are free.
///
/// A passive entity is known by its hash alone; its key is compared when it is
/// read back. So that this is exact, a second entity with the same hash stays
/// in memory for good (`entity_cell::shares_hash`), and its changelog entries
/// say so.
///
/// Cells are built in the table's own slabs. One whose handle somebody outside
/// still holds lives on there, ended and without a state, and refers to its
/// table: tables live as long as the engine's actor system. Its memory goes
/// with its last handle, also after that and from any thread.
class entity_table {
public:
  entity_table(const entity_type& type, std::uint32_t type_index,
               cell_owner& owner, caf::actor_system& system,
               memory_budget& budget);
  ~entity_table();
  entity_table(const entity_table&) = delete;
  entity_table& operator=(const entity_table&) = delete;

  [[nodiscard]] const entity_type& type() const noexcept { return type_; }
  /// The entity type's place in the application; the changelog's schema ids
  /// map to it.
  [[nodiscard]] std::uint32_t type_index() const noexcept {
    return type_index_;
  }
  [[nodiscard]] cell_owner& owner() const noexcept { return owner_; }
  /// All entities, and those of them that are in memory.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t cell_count() const noexcept { return cells_used_; }
  [[nodiscard]] bool has_passive() const noexcept {
    return cells_used_ != size_;
  }

  struct finding {
    /// The entity, where it is in memory.
    entity_cell* cell = nullptr;
    /// Otherwise the passive entity of that hash, whose key may be another.
    stored_place passive;
  };
  [[nodiscard]] finding look(std::string_view key,
                             std::uint64_t hash) const noexcept;
  /// Null where it is not in memory.
  [[nodiscard]] entity_cell* find(std::string_view key,
                                  std::uint64_t hash) const noexcept {
    return look(key, hash).cell;
  }
  /// @pre `find` gives null, and no passive entity has that key. The state is
  /// default-constructed.
  entity_cell& insert(std::string_view key, std::uint64_t hash);
  void erase(entity_cell& cell);
  void clear();
  /// How many there will be, as far as one can tell; 0 where one cannot. The
  /// index grows towards that, to no more than eight times what it is at once.
  void expect(std::size_t count) noexcept { expected_ = count; }

  // -- leaving memory and coming back ----------------------------------------

  /// Adds a passive entity, or moves the one of that hash, unless that is in a
  /// newer pack already. Returns where that was, nowhere if there was none.
  /// @pre no entity in memory has that hash but those that share one
  stored_place put_passive(std::uint64_t hash, stored_place at);
  /// Brings the passive entity of that hash into memory, with a default state.
  entity_cell& revive(std::string_view key, std::uint64_t hash);
  /// Takes a cell out of memory; its slot keeps the place.
  /// @pre it has a place and shares its hash with nobody before it
  void passivate(entity_cell& cell);
  /// The cell is used: the hand spares it once more, up to `credit_max`.
  static void use(entity_cell& cell) noexcept {
    if (cell.credit < credit_max)
      ++cell.credit;
  }
  static constexpr std::uint32_t credit_max = 3;
  /// Its state has changed: what it takes in memory is measured again.
  void measure(entity_cell& cell) {
    if (owns_memory_)
      measure_anew(cell);
  }

  /// Moves the clock's hand until the cells take no more than `bytes`, or it
  /// went `fruitless_slots_max` slots, or as many rounds as use up all credit,
  /// without finding one that `may_leave`. Returns how many cells left.
  template <class MayLeave>
  std::size_t passivate_down_to(std::uint64_t bytes, MayLeave&& may_leave) {
    std::size_t left = 0;
    const std::size_t fruitless_max =
        std::min(fruitless_slots_max, (credit_max + 1) * slots_.size());
    std::size_t fruitless = 0;
    while (bytes_ > bytes && fruitless < fruitless_max) {
      ++fruitless;
      entity_cell* const cell = under_the_hand();
      if (cell == nullptr || is_spared(*cell) || !may_leave(*cell))
        continue;
      passivate(*cell);
      ++left;
      fruitless = 0;
    }
    return left;
  }
  static constexpr std::size_t fruitless_slots_max = std::size_t{1} << 15U;

  /// Memory of the cells with keys and states.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// The same of the index.
  [[nodiscard]] std::uint64_t index_bytes() const noexcept {
    return slots_.size() * sizeof(slot);
  }
  [[nodiscard]] const memory_budget& budget() const noexcept { return budget_; }

  // -- the rest --------------------------------------------------------------

  [[nodiscard]] void* state_of(entity_cell& cell) const noexcept {
    char* at = reinterpret_cast<char*>(&cell) + sizeof(entity_cell);
    return inline_state_ ? at : *reinterpret_cast<void**>(at);
  }
  /// Puts a default state in place of the present one.
  void reset_state(entity_cell& cell) const;

  void prefetch_slot(std::uint64_t hash) const noexcept {
    // Where it is new or far from home, it is looked for in the next line too.
    prefetch_ahead(&slots_[home_of(hash)], 0, 2 * cache_line_bytes);
  }
  /// To be called some time after `prefetch_slot`.
  void prefetch_cell(std::uint64_t hash) const noexcept;
  void prefetch_content(const entity_cell& cell) const noexcept;

  [[nodiscard]] static std::uint32_t half_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32U);
  }
  void prefetch_slot_of_half(std::uint32_t half) const noexcept {
    prefetch_slot(std::uint64_t{half} << 32U);
  }
  /// All whose hash has that upper half: those in memory, and the places of
  /// those that are not.
  template <class VisitCell, class VisitPlace>
  void for_each_of_half(std::uint32_t half, VisitCell&& in_memory,
                        VisitPlace&& passive) const {
    for (std::size_t at = home_of(std::uint64_t{half} << 32U);; at = next(at)) {
      const slot& here = slots_[at];
      if (here.is_free())
        return;
      if (half_of(here.hash) != half)
        continue;
      if (here.is_cell())
        in_memory(*here.cell());
      else
        passive(here.place());
    }
  }

  /// Those in memory.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const slot& each : slots_)
      if (each.is_cell())
        visit(*each.cell());
  }

  /// Bytes of memory per entity besides key and state: control block, cell,
  /// and its share of the index and of what is free in the slabs.
  [[nodiscard]] std::size_t overhead_bytes() const noexcept;

private:
  /// A cell's address (one strong reference), or the word of a place, whose
  /// lowest bit is set.
  struct slot {
    std::uint64_t hash = 0;
    std::uint64_t content = 0;

    [[nodiscard]] bool is_free() const noexcept { return content == 0; }
    [[nodiscard]] bool is_cell() const noexcept {
      return content != 0 && (content & 1U) == 0;
    }
    [[nodiscard]] bool is_passive() const noexcept {
      return (content & 1U) != 0;
    }
    [[nodiscard]] entity_cell* cell() const noexcept {
      return reinterpret_cast<entity_cell*>(content);
    }
    [[nodiscard]] stored_place place() const noexcept {
      return stored_place::from_word(content);
    }
    void set(entity_cell* to) noexcept {
      content = reinterpret_cast<std::uint64_t>(to);
    }
    void set(stored_place to) noexcept { content = to.word(); }
  };
  static_assert(sizeof(slot) == 16);

  /// Where a hash is looked for first: its upper half in proportion, so that
  /// the size may be any and growing keeps the order (Lemire, 2016).
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept {
    return (hash >> 32U) * slots_.size() >> 32U;
  }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept {
    return at + 1 == slots_.size() ? 0 : at + 1;
  }
  [[nodiscard]] std::size_t slot_of(const entity_cell& cell) const;
  [[nodiscard]] bool is_full() const noexcept;
  /// A free slot for one more. `shares` says whether the hash is there already.
  std::size_t take_slot(std::uint64_t hash, bool& shares);
  [[nodiscard]] std::size_t passive_slot(std::uint64_t hash) const;
  entity_cell* under_the_hand() noexcept;
  /// Takes from the cell's credit; false where it had none left.
  bool is_spared(entity_cell& cell) const noexcept;
  void grow();
  void release(entity_cell& cell);
  entity_cell* make_cell(std::string_view key);
  void measure_anew(entity_cell& cell);
  void counted(std::uint64_t before, std::uint64_t now) noexcept;

  friend class entity_cell;

  const entity_type& type_;
  const std::uint32_t type_index_;
  cell_owner& owner_;
  caf::actor_system& system_;
  memory_budget& budget_;
  caf::actor_config config_;
  std::vector<slot, huge_page_allocator<slot>> slots_;
  std::size_t size_ = 0;
  std::size_t expected_ = 0;
  std::size_t cells_used_ = 0;
  std::size_t hand_ = 0;
  std::uint64_t bytes_ = 0;
  /// Larger states and those with strict alignment have memory of their own,
  /// and behind the cell is a pointer.
  const bool inline_state_;
  const bool owns_memory_;
  const std::size_t hot_bytes_;
  const std::size_t block_bytes_;
  cell_slabs cells_;
};

} // namespace freehold::engine
