#include "runtime/engine/cell_slabs.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/engine/huge_pages.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace freehold::engine {

struct cell_slabs::shelf {
  /// The newest of the blocks that came back, linked through their fronts.
  std::atomic<head*> returned{nullptr};
  /// The owner, and each slab that still has memory.
  std::atomic<std::size_t> references{1};
};

/// At the front of a slab's memory.
struct alignas(64) cell_slabs::slab {
  shelf* const home;
  slab* const older;
  const std::size_t bytes;
  const std::size_t block_bytes;
  /// The owner, and each block in use.
  std::atomic<std::size_t> references{1};
};

static_assert(sizeof(cell_slabs::head) == 64);
static_assert(cell_slabs::slab_bytes_max == huge_page_bytes);

namespace {

// The link of a free block is kept in its first bytes.

cell_slabs::head* next_of(const cell_slabs::head* block) noexcept {
  cell_slabs::head* next = nullptr;
  std::memcpy(&next, block->front, sizeof(void*));
  return next;
}

void set_next(cell_slabs::head* block, cell_slabs::head* next) noexcept {
  std::memcpy(block->front, &next, sizeof(void*));
}

// The address sanitizer is to find who uses a block that is free.

void forbid([[maybe_unused]] void* at,
            [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(at, bytes);
#endif
}

void permit([[maybe_unused]] void* at,
            [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(at, bytes);
#endif
}

} // namespace

cell_slabs::cell_slabs(std::size_t block_bytes)
    : block_bytes_((block_bytes + block_alignment - 1) / block_alignment
                   * block_alignment) {
  FREEHOLD_ASSERT(block_bytes >= sizeof(head), "has no room for its head");
  FREEHOLD_ASSERT(block_bytes_ + sizeof(slab) <= slab_bytes_min,
                  "is larger than a slab");
}

cell_slabs::~cell_slabs() { let_go(); }

cell_slabs::head* cell_slabs::take() {
  // Others only ever add: null means that nothing came back yet.
  if (free_ == nullptr && shelf_ != nullptr
      && shelf_->returned.load(std::memory_order_relaxed) != nullptr)
    free_ = shelf_->returned.exchange(nullptr, std::memory_order_acquire);
  head* block = free_;
  if (block != nullptr) {
    free_ = next_of(block);
    permit(block, block_bytes_);
  } else {
    if (static_cast<std::size_t>(fresh_end_ - fresh_) < block_bytes_)
      add_slab();
    block = reinterpret_cast<head*>(fresh_);
    fresh_ += block_bytes_;
    permit(block, block_bytes_);
    block->home = newest_;
  }
  block->home->references.fetch_add(1, std::memory_order_relaxed);
  return block;
}

void cell_slabs::give_back(head* block) noexcept {
  slab* const from = block->home;
  // The reference that this block still has keeps the slab, and the slab its
  // shelf. Nobody follows a link once the owner has gone.
  std::atomic<head*>& returned = from->home->returned;
  // But for the link and the home.
  forbid(block->front + sizeof(void*), head::front_bytes - sizeof(void*));
  forbid(block + 1, from->block_bytes - sizeof(head));
  head* newest = returned.load(std::memory_order_relaxed);
  do {
    set_next(block, newest);
  } while (!returned.compare_exchange_weak(
      newest, block, std::memory_order_release, std::memory_order_relaxed));
  drop(from);
}

void cell_slabs::let_go() noexcept {
  while (newest_ != nullptr)
    drop(std::exchange(newest_, newest_->older));
  if (shelf_ != nullptr)
    drop(std::exchange(shelf_, nullptr));
  bytes_ = 0;
  free_ = nullptr;
  fresh_ = nullptr;
  fresh_end_ = nullptr;
}

void cell_slabs::add_slab() {
  const std::size_t size = newest_ == nullptr
                               ? slab_bytes_min
                               : std::min(newest_->bytes * 2, slab_bytes_max);
  if (shelf_ == nullptr)
    shelf_ = std::make_unique<shelf>().release();
  auto* const memory = static_cast<std::byte*>(map_pages(size));
  newest_ = ::new (memory) slab{shelf_, newest_, size, block_bytes_};
  shelf_->references.fetch_add(1, std::memory_order_relaxed);
  bytes_ += size;
  fresh_ = memory + sizeof(slab);
  fresh_end_ = memory + size;
  forbid(fresh_, size - sizeof(slab));
}

void cell_slabs::drop(slab* one) noexcept {
  if (one->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  shelf* const from = one->home;
  const std::size_t bytes = one->bytes;
  permit(one, bytes);
  std::destroy_at(one);
  unmap_pages(one, bytes);
  drop(from);
}

void cell_slabs::drop(shelf* one) noexcept {
  if (one->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    const std::unique_ptr<shelf> last{one};
}

} // namespace freehold::engine
