#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace freehold {

/// The hash of the key index. Fingerprints of event ids in the changelog are
/// made of it too, so changing it changes a stored format.
[[nodiscard]] inline std::uint64_t key_hash(std::string_view key) noexcept {
  constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = 1469598103934665603ULL;
  const char* at = key.data();
  std::size_t left = key.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = (hash ^ word) * multiplier;
    hash ^= hash >> 29;
  }
  std::uint64_t rest = 0;
  if (left > 0)
    std::memcpy(&rest, at, left);
  hash = (hash ^ rest ^ (std::uint64_t{left} << 56)) * multiplier;
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
