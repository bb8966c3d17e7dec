#pragma once

#include "runtime/base/assert.hpp"

#include <bit>
#include <cstdint>

namespace freehold::engine {

/// Where the changelog has the state of an entity: the pack, the entry's place
/// in it, and about how long the entry is. One word, so that it is all that an
/// entity costs which is not in memory (`entity_table`).
///
/// | bits  | meaning                                                      |
/// |-------|--------------------------------------------------------------|
/// | 0     | set, except where there is no state                          |
/// | 1-10  | the live size: 5 bits of mantissa, 5 of exponent             |
/// | 11-26 | where in its pack the entry begins (`pack_bytes_max`)        |
/// | 27-63 | the pack's number in `changelog_index`                       |
class stored_place {
public:
  /// Nowhere.
  constexpr stored_place() noexcept = default;
  /// @pre `at` lies within a pack
  constexpr stored_place(std::uint64_t pack, std::uint32_t at,
                         std::uint32_t entry_bytes) noexcept
      : word_(pack << pack_shift | std::uint64_t{at} << at_shift
              | std::uint64_t{size_code(entry_bytes)} << size_shift | 1U) {
    FREEHOLD_ASSERT(pack <= pack_max, "pack numbers begin anew long before");
    FREEHOLD_ASSERT(at <= at_max, "an entry begins within its pack");
  }
  [[nodiscard]] static constexpr stored_place
  from_word(std::uint64_t word) noexcept {
    stored_place made;
    made.word_ = word;
    return made;
  }

  explicit constexpr operator bool() const noexcept { return word_ != 0; }
  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }
  [[nodiscard]] constexpr std::uint64_t pack() const noexcept {
    return word_ >> pack_shift;
  }
  [[nodiscard]] constexpr bool is_in(std::uint64_t number) const noexcept {
    return word_ != 0 && pack() == number;
  }
  [[nodiscard]] constexpr std::uint32_t at() const noexcept {
    return static_cast<std::uint32_t>(word_ >> at_shift) & at_max;
  }
  /// What the entry counts towards the changelog's live bytes: its length,
  /// rounded up by less than a sixteenth. 0: nowhere.
  [[nodiscard]] constexpr std::uint32_t live_bytes() const noexcept {
    const auto code = static_cast<std::uint32_t>(word_ >> size_shift) & 0x3FFU;
    return (code & mantissa_max) << (code >> mantissa_bits);
  }

  friend constexpr bool operator==(stored_place, stored_place) = default;

  static constexpr std::uint64_t pack_max = (std::uint64_t{1} << 37U) - 1;
  static constexpr std::uint32_t at_max = 0xFFFF;

private:
  static constexpr unsigned size_shift = 1;
  static constexpr unsigned at_shift = 11;
  static constexpr unsigned pack_shift = 27;
  static constexpr unsigned mantissa_bits = 5;
  static constexpr std::uint32_t mantissa_max = (1U << mantissa_bits) - 1;

  static constexpr std::uint32_t size_code(std::uint32_t bytes) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(bytes));
    unsigned exponent = width > mantissa_bits ? width - mantissa_bits : 0;
    std::uint32_t mantissa = bytes >> exponent;
    if (mantissa << exponent != bytes)
      ++mantissa;
    if (mantissa > mantissa_max) {
      mantissa >>= 1U;
      ++exponent;
    }
    return exponent << mantissa_bits | mantissa;
  }

  std::uint64_t word_ = 0;
};

} // namespace freehold::engine
