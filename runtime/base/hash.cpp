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

/// What so many zero bytes make of a remainder, by its four bytes.
using zeros_table = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr std::uint32_t after_zeros(const zeros_table& zeros,
                                    std::uint32_t crc) noexcept {
  return zeros[0][crc & 0xFF] ^ zeros[1][(crc >> 8) & 0xFF]
         ^ zeros[2][(crc >> 16) & 0xFF] ^ zeros[3][crc >> 24];
}

constexpr zeros_table make_zeros_table(std::size_t count) {
  // It is linear: what it makes of each bit says all.
  std::array<std::uint32_t, 32> of_bit{};
  for (std::uint32_t bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = 1U << bit;
    for (std::size_t i = 0; i < count; ++i)
      crc = (crc >> 8) ^ crc_tables[0][crc & 0xFF];
    of_bit[bit] = crc;
  }
  zeros_table made{};
  for (std::uint32_t i = 0; i < 4; ++i)
    for (std::uint32_t byte = 0; byte < 256; ++byte)
      for (std::uint32_t bit = 0; bit < 8; ++bit)
        if ((byte >> bit & 1U) != 0)
          made[i][byte] ^= of_bit[8 * i + bit];
  return made;
}

/// The instruction takes three cycles, and one is begun in each: three parts of
/// a block are gone through side by side (Gopal et al., Intel 2011).
constexpr std::size_t crc_part_bytes = 1024;
constexpr zeros_table part_of_zeros = make_zeros_table(crc_part_bytes);

[[gnu::target("sse4.2")]] inline std::uint64_t
crc_of_word(std::uint64_t crc, const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return __builtin_ia32_crc32di(crc, word);
}

/// The processor's own instruction, eight bytes at a time.
[[gnu::target("sse4.2")]] std::uint32_t
crc32c_sse(const char* at, std::size_t left, std::uint32_t crc) noexcept {
  std::uint64_t wide = crc;
  for (; left >= 3 * crc_part_bytes; left -= 3 * crc_part_bytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const char* const end = at + crc_part_bytes; at != end; at += 8) {
      wide = crc_of_word(wide, at);
      second = crc_of_word(second, at + crc_part_bytes);
      third = crc_of_word(third, at + 2 * crc_part_bytes);
    }
    at += 2 * crc_part_bytes;
    for (const std::uint64_t next : {second, third})
      wide =
          after_zeros(part_of_zeros, static_cast<std::uint32_t>(wide)) ^ next;
  }
  for (; left >= 8; left -= 8, at += 8)
    wide = crc_of_word(wide, at);
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
