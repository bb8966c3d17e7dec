#include "runtime/base/hash.hpp"

#include "runtime/base/assert.hpp"

#include <array>

namespace freehold {

std::uint32_t murmur2(std::string_view bytes) noexcept {
  constexpr std::uint32_t multiplier = 0x5bd1e995;
  constexpr std::uint32_t seed = 0x9747b28c;
  const auto byte_at = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(bytes[i])};
  };
  const std::size_t length = bytes.size();
  std::uint32_t hash = seed ^ static_cast<std::uint32_t>(length);
  std::size_t at = 0;
  for (; at + 4 <= length; at += 4) {
    std::uint32_t word = byte_at(at) | byte_at(at + 1) << 8
                         | byte_at(at + 2) << 16 | byte_at(at + 3) << 24;
    word *= multiplier;
    word ^= word >> 24;
    word *= multiplier;
    hash *= multiplier;
    hash ^= word;
  }
  const std::size_t left = length - at;
  if (left >= 3)
    hash ^= byte_at(at + 2) << 16;
  if (left >= 2)
    hash ^= byte_at(at + 1) << 8;
  if (left >= 1) {
    hash ^= byte_at(at);
    hash *= multiplier;
  }
  hash ^= hash >> 13;
  hash *= multiplier;
  hash ^= hash >> 15;
  return hash;
}

partition_index partition_of(std::string_view key,
                             std::uint32_t partition_count) {
  FREEHOLD_ASSERT(partition_count > 0, "a topic has at least one partition");
  return partition_index{(murmur2(key) & 0x7fffffffU) % partition_count};
}

namespace {

/// Tables for eight bytes at a time ("slicing by 8", Intel 2006).
constexpr auto make_crc_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  constexpr std::uint32_t polynomial = 0x82F63B78; // reflected 0x1EDC6F41
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1) ^ ((value & 1U) != 0 ? polynomial : 0U);
    tables[0][i] = value;
  }
  for (std::size_t t = 1; t < 8; ++t)
    for (std::size_t i = 0; i < 256; ++i)
      tables[t][i] =
          (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
  return tables;
}

constexpr auto crc_tables = make_crc_tables();

} // namespace

#if defined(__x86_64__)

namespace {

/// The processor's own instruction, eight bytes at a time.
[[gnu::target("sse4.2")]] std::uint32_t
crc32c_sse(const char* at, std::size_t left, std::uint32_t crc) noexcept {
  std::uint64_t wide = crc;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; left > 0; --left, ++at)
    crc = __builtin_ia32_crc32qi(crc, static_cast<unsigned char>(*at));
  return crc;
}

const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;

} // namespace

#endif

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) noexcept {
  std::uint32_t crc = ~seed;
#if defined(__x86_64__)
  if (has_sse42)
    return ~crc32c_sse(bytes.data(), bytes.size(), crc);
#endif
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = crc_tables[7][low & 0xFF] ^ crc_tables[6][(low >> 8) & 0xFF]
          ^ crc_tables[5][(low >> 16) & 0xFF] ^ crc_tables[4][low >> 24]
          ^ crc_tables[3][high & 0xFF] ^ crc_tables[2][(high >> 8) & 0xFF]
          ^ crc_tables[1][(high >> 16) & 0xFF] ^ crc_tables[0][high >> 24];
  }
  for (; left > 0; --left, ++at)
    crc = (crc >> 8)
          ^ crc_tables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFF];
  return ~crc;
}

} // namespace freehold
