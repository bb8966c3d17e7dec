#pragma once

#include "runtime/codec/describe.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace freehold::codec {

/// Pulls MessagePack primitives out of bytes nobody vouches for. Each function
/// returns false and stays in front of the value when the bytes hold something
/// else or end too early; `describe` then says what is there. Views point into
/// the input. Lengths are checked against what is left before anything is
/// allocated for them. Owns nothing; one thread.
class msgpack_reader {
public:
  explicit msgpack_reader(std::string_view bytes) noexcept
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  /// An integer of either sign.
  struct any_integer {
    std::uint64_t bits = 0;
    bool negative = false;
  };

  [[nodiscard]] std::size_t position() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }
  [[nodiscard]] std::size_t left() const noexcept {
    return static_cast<std::size_t>(end_ - at_);
  }
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }

  /// Consumes a nil if there is one.
  [[nodiscard]] bool nil() noexcept {
    if (at_ == end_ || lead() != 0xC0)
      return false;
    ++at_;
    return true;
  }

  [[nodiscard]] bool boolean(bool& into) noexcept {
    if (at_ == end_ || (lead() & 0xFEU) != 0xC2)
      return false;
    into = (lead() & 1U) != 0;
    ++at_;
    return true;
  }

  [[nodiscard]] bool integer(any_integer& into) noexcept {
    if (at_ == end_)
      return false;
    const std::uint8_t first = lead();
    if (first < 0x80) {
      into = {first, false};
      ++at_;
      return true;
    }
    switch (first) {
    case 0xCC:
      return fixed<std::uint8_t>(into);
    case 0xCD:
      return fixed<std::uint16_t>(into);
    case 0xCE:
      return fixed<std::uint32_t>(into);
    case 0xCF:
      return fixed<std::uint64_t>(into);
    case 0xD0:
      return fixed<std::int8_t>(into);
    case 0xD1:
      return fixed<std::int16_t>(into);
    case 0xD2:
      return fixed<std::int32_t>(into);
    case 0xD3:
      return fixed<std::int64_t>(into);
    default:
      if (first < 0xE0)
        return false;
      into = {static_cast<std::uint64_t>(
                  std::int64_t{static_cast<std::int8_t>(first)}),
              true};
      ++at_;
      return true;
    }
  }

  /// A double, a float or any integer.
  [[nodiscard]] bool number(double& into) noexcept {
    if (left() >= 9 && lead() == 0xCB) {
      const auto bits = big_endian<std::uint64_t>(at_ + 1);
      std::memcpy(&into, &bits, 8);
      at_ += 9;
      return true;
    }
    return other_number(into);
  }

  [[nodiscard]] bool string(std::string_view& into) noexcept {
    if (at_ == end_)
      return false;
    const std::uint8_t first = lead();
    if ((first & 0xE0U) == 0xA0)
      return take(1, first & 0x1FU, into);
    return sized(0xD9, into);
  }

  [[nodiscard]] bool bytes(std::string_view& into) noexcept {
    return at_ != end_ && sized(0xC4, into);
  }

  /// A header and the number of what follows. False also when the input is
  /// too short to hold that many.
  [[nodiscard]] bool array(std::size_t& count) noexcept {
    if (at_ == end_)
      return false;
    const std::uint8_t first = lead();
    if ((first & 0xF0U) == 0x90)
      return header(1, first & 0x0FU, 1, count);
    return container(0xDC, 1, count);
  }
  [[nodiscard]] bool map(std::size_t& count) noexcept {
    if (at_ == end_)
      return false;
    const std::uint8_t first = lead();
    if ((first & 0xF0U) == 0x80)
      return header(1, first & 0x0FU, 2, count);
    return container(0xDE, 2, count);
  }

  /// Consumes these exact bytes if they come next.
  [[nodiscard]] bool literal(std::string_view packed) noexcept {
    if (left() < packed.size()
        || std::memcmp(at_, packed.data(), packed.size()) != 0)
      return false;
    at_ += packed.size();
    return true;
  }

  /// Passes over one value of any kind, however deep; false when it is
  /// malformed.
  [[nodiscard]] bool skip() noexcept;

  /// Guards recursion: false at `nesting_depth_max`.
  [[nodiscard]] bool enter() noexcept { return ++depth_ <= nesting_depth_max; }
  void leave() noexcept { --depth_; }
  [[nodiscard]] bool too_deep() const noexcept {
    return depth_ > nesting_depth_max;
  }

  /// What comes next, in words: `string "abc"`, `the end of the input`.
  [[nodiscard]] std::string describe() const;

private:
  [[nodiscard]] std::uint8_t lead() const noexcept {
    return static_cast<std::uint8_t>(*at_);
  }
  template <class T>
  [[nodiscard]] static T big_endian(const char* from) noexcept {
    T raw{};
    std::memcpy(&raw, from, sizeof raw);
    if constexpr (sizeof(T) == 2)
      raw = static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(raw)));
    else if constexpr (sizeof(T) == 4)
      raw = static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(raw)));
    else if constexpr (sizeof(T) == 8)
      raw = static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(raw)));
    return raw;
  }
  template <class T>
  [[nodiscard]] bool fixed(any_integer& into) noexcept {
    if (left() < 1 + sizeof(T))
      return false;
    const T value = big_endian<T>(at_ + 1);
    if constexpr (std::is_signed_v<T>)
      into = {static_cast<std::uint64_t>(std::int64_t{value}), value < 0};
    else
      into = {value, false};
    at_ += 1 + sizeof(T);
    return true;
  }
  [[nodiscard]] bool take(std::size_t header_size, std::size_t size,
                          std::string_view& into) noexcept {
    if (left() - header_size < size)
      return false;
    into = {at_ + header_size, size};
    at_ += header_size + size;
    return true;
  }
  [[nodiscard]] bool header(std::size_t size, std::size_t value,
                            std::size_t bytes_each,
                            std::size_t& count) noexcept {
    if (value > (left() - size) / bytes_each)
      return false;
    count = value;
    at_ += size;
    return true;
  }
  [[nodiscard]] bool sized(std::uint8_t first_lead,
                           std::string_view& into) noexcept;
  [[nodiscard]] bool container(std::uint8_t first_lead, std::size_t bytes_each,
                               std::size_t& count) noexcept;
  [[nodiscard]] bool other_number(double& into) noexcept;

  const char* begin_;
  const char* at_;
  const char* end_;
  std::size_t depth_ = 0;
};

} // namespace freehold::codec
