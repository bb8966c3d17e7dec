#pragma once

#include "runtime/base/hash.hpp"
#include "runtime/engine/cell_slabs.hpp"
#include "runtime/engine/entity_cell.hpp"
#include "runtime/engine/huge_pages.hpp"
#include "runtime/entity/entity_type.hpp"

#include <caf/actor_system.hpp>

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
/// and cells (linear probing, a power of two, at most 4/5 full), made to be
/// prefetched a batch ahead.
///
/// Cells are built in the table's own slabs. One whose handle somebody outside
/// still holds lives on there, ended and without a state, and refers to its
/// table: tables live as long as the engine's actor system. Its memory goes
/// with its last handle, also after that and from any thread.
class entity_table {
public:
  entity_table(const entity_type& type, std::uint32_t type_index,
               cell_owner& owner, caf::actor_system& system);
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
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Null where there is none.
  [[nodiscard]] entity_cell* find(std::string_view key,
                                  std::uint64_t hash) const noexcept;
  /// @pre `find` gives null. The state is default-constructed.
  entity_cell& insert(std::string_view key, std::uint64_t hash);
  void erase(entity_cell& cell);
  void clear();

  [[nodiscard]] void* state_of(entity_cell& cell) const noexcept {
    char* at = reinterpret_cast<char*>(&cell) + sizeof(entity_cell);
    return inline_state_ ? at : *reinterpret_cast<void**>(at);
  }
  /// Puts a default state in place of the present one.
  void reset_state(entity_cell& cell) const;

  void prefetch_slot(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&slots_[hash & mask_]);
  }
  /// To be called some time after `prefetch_slot`.
  void prefetch_cell(std::uint64_t hash) const noexcept;
  void prefetch_content(const entity_cell& cell) const noexcept;

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const slot& each : slots_)
      if (each.cell != nullptr)
        visit(*each.cell);
  }

  /// Bytes of memory per entity besides key and state: control block, cell,
  /// and its share of the index and of what is free in the slabs.
  [[nodiscard]] std::size_t overhead_bytes() const noexcept;

private:
  struct slot {
    std::uint64_t hash = 0;
    entity_cell* cell = nullptr; // one strong reference
  };

  void grow();
  void release(entity_cell& cell);
  entity_cell* make_cell(std::string_view key);

  friend class entity_cell;

  const entity_type& type_;
  const std::uint32_t type_index_;
  cell_owner& owner_;
  caf::actor_system& system_;
  caf::actor_config config_;
  std::vector<slot, huge_page_allocator<slot>> slots_;
  std::uint64_t mask_ = 0;
  std::size_t size_ = 0;
  /// Larger states and those with strict alignment have memory of their own,
  /// and behind the cell is a pointer.
  const bool inline_state_;
  const std::size_t hot_bytes_;
  cell_slabs cells_;
};

} // namespace freehold::engine
