#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace freehold {

namespace detail {

/// The last `size % 8` bytes of a text as a number, the first of them lowest.
/// Whole loads only: bytes gathered one by one would have to be waited for.
[[nodiscard]] inline std::uint64_t last_word(const char* begin,
                                             std::size_t size) noexcept {
  const std::size_t left = size % 8;
  if (left == 0)
    return 0;
  const char* const at = begin + (size - left);
  if (size >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + left - 8, 8);
    return word >> (8 * (8 - left));
  }
  if (left >= 4) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + left - 4, 4);
    return std::uint64_t{low} | std::uint64_t{high} << (8 * (left - 4));
  }
  const auto byte = [at](std::size_t i) {
    return std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  };
  return byte(0) | byte(left / 2) | byte(left - 1);
}

} // namespace detail

/// The hash of the key index. Fingerprints of event ids in the changelog are
/// made of it too, so changing it changes a stored format.
[[nodiscard]] inline std::uint64_t key_hash(std::string_view key) noexcept {
  constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = 1469598103934665603ULL;
  const char* at = key.data();
  std::uint64_t left = key.size();
  const std::uint64_t rest = detail::last_word(at, key.size());
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = (hash ^ word) * multiplier;
    hash ^= hash >> 29;
  }
  hash = (hash ^ rest ^ (left << 56)) * multiplier;
  return hash ^ (hash >> 32);
}

/// MurmurHash2 with the seed of Kafka's Java client
/// (`org.apache.kafka.common.utils.Utils.murmur2`).
[[nodiscard]] std::uint32_t murmur2(std::string_view bytes) noexcept;

/// The partition of a key as the Java client's default partitioner chooses
/// it: `(murmur2(key) & 0x7fffffff) % partition_count`.
/// @pre `partition_count > 0`
[[nodiscard]] partition_index partition_of(std::string_view key,
                                           std::uint32_t partition_count);

/// CRC-32C (Castagnoli), as Kafka's record batches use it (KIP-98).
/// `seed` continues an earlier call's result.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes,
                                   std::uint32_t seed = 0) noexcept;

} // namespace freehold
