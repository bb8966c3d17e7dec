#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace freehold::codec::detail {

/// The first byte that JSON does not take as it is, or that has to be looked
/// at: a quote, a backslash, a control character or one that is not ASCII.
[[nodiscard]] inline const char* plain_end(const char* at,
                                           const char* end) noexcept {
  // Eight bytes at a time, where the first one has the lowest bits.
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t each_byte = 0x0101010101010101U;
    // Bytes that are 0, as set high bits. Above the first one (the lowest),
    // some more may be set.
    const auto zero_bytes = [](std::uint64_t word) {
      return (word - each_byte) & ~word;
    };
    for (; end - at >= 8; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, 8);
      const std::uint64_t found = (zero_bytes(word ^ ('"' * each_byte))
                                   | zero_bytes(word ^ ('\\' * each_byte))
                                   | ((word - 0x20 * each_byte) & ~word) | word)
                                  & (0x80 * each_byte);
      if (found != 0)
        return at + std::countr_zero(found) / 8;
    }
  }
  while (at != end && *at != '"' && *at != '\\'
         && static_cast<unsigned char>(*at) - 0x20U < 0x60U)
    ++at;
  return at;
}

} // namespace freehold::codec::detail
