#include "runtime/engine/huge_pages.hpp"

#include "runtime/base/assert.hpp"

#include <sys/mman.h>

#include <atomic>

namespace freehold::engine {

namespace {

std::atomic<std::uint64_t> mapped{0};

constexpr std::size_t page_bytes = 4096;

std::size_t whole_pages(std::size_t bytes) noexcept {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

#if defined(__SANITIZE_ADDRESS__)

// The leak checker looks for pointers in its own memory only.
void* take(std::size_t bytes, std::size_t alignment) {
  return ::operator new (bytes, std::align_val_t{alignment});
}

void give_back(void* at, std::size_t, std::size_t alignment) noexcept {
  ::operator delete (at, std::align_val_t{alignment});
}

#else

void* map(std::size_t bytes) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    throw std::bad_alloc{};
  return at;
}

void unmap(std::uintptr_t at, std::size_t bytes) noexcept {
  if (bytes != 0)
    ::munmap(reinterpret_cast<void*>(at), bytes);
}

void* take(std::size_t bytes, std::size_t alignment) {
  if (alignment <= page_bytes)
    return map(bytes);
  // Too much of it, and what does not fit goes back.
  const auto all = reinterpret_cast<std::uintptr_t>(map(bytes + alignment));
  const std::uintptr_t at = (all + alignment - 1) / alignment * alignment;
  unmap(all, at - all);
  unmap(at + bytes, all + alignment - at);
  void* const result = reinterpret_cast<void*>(at);
  (void)::madvise(result, bytes, MADV_HUGEPAGE);
  return result;
}

void give_back(void* at, std::size_t bytes, std::size_t) noexcept {
  unmap(reinterpret_cast<std::uintptr_t>(at), bytes);
}

#endif

std::size_t alignment_for(std::size_t bytes) noexcept {
  return bytes >= huge_page_bytes ? huge_page_bytes : page_bytes;
}

} // namespace

void* map_pages(std::size_t bytes) {
  FREEHOLD_ASSERT(bytes > 0, "maps nothing");
  const std::size_t whole = whole_pages(bytes);
  void* const at = take(whole, alignment_for(bytes));
  mapped.fetch_add(whole, std::memory_order_relaxed);
  return at;
}

void unmap_pages(void* at, std::size_t bytes) noexcept {
  const std::size_t whole = whole_pages(bytes);
  give_back(at, whole, alignment_for(bytes));
  mapped.fetch_sub(whole, std::memory_order_relaxed);
}

std::uint64_t mapped_page_bytes() noexcept {
  return mapped.load(std::memory_order_relaxed);
}

} // namespace freehold::engine
