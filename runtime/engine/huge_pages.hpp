#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace freehold::engine {

/// The size of the processor's large pages, and from where on memory asks for
/// them.
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;

/// Memory straight from the system, aligned to a page and zero. From
/// `huge_page_bytes` on it is aligned to that and asks for large pages: random
/// access to hundreds of megabytes in pages of 4 KiB misses the TLB each time.
/// The hint is only one; where the system does not follow it, the memory is as
/// good. Throws `std::bad_alloc`.
[[nodiscard]] void* map_pages(std::size_t bytes);
/// @pre `at` came from `map_pages` with the same size
void unmap_pages(void* at, std::size_t bytes) noexcept;

/// What `map_pages` has given out in the whole process; `malloc` knows nothing
/// of it.
[[nodiscard]] std::uint64_t mapped_page_bytes() noexcept;

/// For containers that become large: from `huge_page_bytes` on their memory
/// comes from `map_pages`.
template <class T>
class huge_page_allocator {
public:
  using value_type = T;
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

  huge_page_allocator() = default;
  template <class U>
  // A container converts it for its own purposes.
  huge_page_allocator(const huge_page_allocator<U>&) noexcept {} // NOLINT

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / 2 / sizeof(T))
      throw std::bad_array_new_length{};
    const std::size_t bytes = count * sizeof(T);
    return static_cast<T*>(bytes >= huge_page_bytes ? map_pages(bytes)
                                                    : ::operator new(bytes));
  }
  void deallocate(T* at, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    if (bytes >= huge_page_bytes)
      unmap_pages(at, bytes);
    else
      ::operator delete(at);
  }

  friend bool operator==(const huge_page_allocator&,
                         const huge_page_allocator&) = default;
};

} // namespace freehold::engine
