#pragma once

#include <cstddef>
#include <cstdint>

namespace freehold {

inline constexpr std::size_t cache_line_bytes = 64;

/// Asks for the cache lines of the `bytes` that lie `ahead` bytes behind `at`,
/// to be there in some 0.1 us. Only a hint: what lies there need not exist.
inline void prefetch_ahead(const void* at, std::size_t ahead,
                           std::size_t bytes) noexcept {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(at) + ahead;
  for (std::size_t line = 0; line < bytes; line += cache_line_bytes)
    __builtin_prefetch(reinterpret_cast<const void*>(begin + line));
}

} // namespace freehold
