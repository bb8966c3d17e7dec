#pragma once

#include <atomic>
#include <cstddef>

namespace freehold::engine {

/// Memory for the cells of one table, in slabs: blocks of one size, each with
/// room for CAF's control block, the cell and its state.
///
/// Slabs begin small and double up to one large page, so that a table of a few
/// entities costs little and one of a million does not miss the TLB at each
/// of them (see `map_pages`).
///
/// Who may call: `take`, `let_go` and the destructor the table's thread;
/// `give_back` any thread, because the last handle of an entity may be held
/// anywhere. What comes back goes to a list that only grows by compare and
/// exchange and is taken as a whole, so nobody waits and no head is mistaken
/// for an earlier one.
///
/// A slab lives until its owner lets it go and no block of it is in use: a
/// control block may outlive the table by a handle. One such handle holds one
/// slab, not all of them.
class cell_slabs {
  struct slab;

public:
  /// How a block begins: the content's first bytes, then what the slabs keep
  /// there, untouched by whoever uses the block.
  struct head {
    static constexpr std::size_t front_bytes = 56;
    alignas(8) std::byte front[front_bytes];
    slab* home;
  };

  static constexpr std::size_t slab_bytes_min = std::size_t{16} << 10U;
  static constexpr std::size_t slab_bytes_max = std::size_t{2} << 20U;
  static constexpr std::size_t block_alignment = 16;

  /// @pre a block with its head fits into the smallest slab
  explicit cell_slabs(std::size_t block_bytes);
  ~cell_slabs();
  cell_slabs(const cell_slabs&) = delete;
  cell_slabs& operator=(const cell_slabs&) = delete;

  /// A block in use, not initialised but for its `home`.
  [[nodiscard]] head* take();
  static void give_back(head* block) noexcept;

  /// Forgets all slabs. Those without a block in use are returned to the
  /// system, the others when the last one of theirs is given back.
  void let_go() noexcept;

  /// The size of all slabs but those that were let go.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
  /// What the blocks come back to; lives as long as its owner uses it or a
  /// slab has it as its home. Slabs that are let go keep theirs, and the owner
  /// begins another one: what is let go does not come back.
  struct shelf;

  void add_slab();
  static void drop(slab* one) noexcept;
  static void drop(shelf* one) noexcept;

  const std::size_t block_bytes_;
  shelf* shelf_ = nullptr; // null without a slab
  slab* newest_ = nullptr;
  std::size_t bytes_ = 0;
  /// Blocks given back, for this thread alone.
  head* free_ = nullptr;
  /// Never used so far: [fresh_, fresh_end_).
  std::byte* fresh_ = nullptr;
  std::byte* fresh_end_ = nullptr;
};

} // namespace freehold::engine
