#pragma once

#include "runtime/codec/encode_failure.hpp"
#include "runtime/codec/nesting_depth.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace freehold::codec {

/// Writes MessagePack primitives in their shortest form. Gathers them in a
/// small buffer, because growing a string byte by byte costs more than the
/// encoding; `out` is complete once the writer is destroyed or `finish` was
/// called. Owns nothing else; `out` must outlive it. One thread.
class msgpack_writer {
public:
  explicit msgpack_writer(std::string& out) noexcept
      : out_(out), at_(buffer_) {}
  msgpack_writer(const msgpack_writer&) = delete;
  msgpack_writer& operator=(const msgpack_writer&) = delete;
  ~msgpack_writer() { finish(); }

  void finish() {
    out_.append(buffer_, static_cast<std::size_t>(at_ - buffer_));
    at_ = buffer_;
  }

  void null() { lone(0xC0); }
  void boolean(bool value) { lone(value ? 0xC3 : 0xC2); }

  void integer(std::uint64_t value) {
    room(9);
    if (value < 0x80) {
      put(static_cast<std::uint8_t>(value));
    } else if (value <= 0xFF) {
      put(0xCC);
      big_endian(static_cast<std::uint8_t>(value));
    } else if (value <= 0xFFFF) {
      put(0xCD);
      big_endian(static_cast<std::uint16_t>(value));
    } else if (value <= 0xFFFFFFFF) {
      put(0xCE);
      big_endian(static_cast<std::uint32_t>(value));
    } else {
      put(0xCF);
      big_endian(value);
    }
  }

  /// Non-negative numbers take the unsigned forms, as msgpack-cxx does.
  void integer(std::int64_t value) {
    if (value >= 0) {
      integer(static_cast<std::uint64_t>(value));
      return;
    }
    room(9);
    if (value >= -32) {
      put(static_cast<std::uint8_t>(value));
    } else if (value >= INT8_MIN) {
      put(0xD0);
      big_endian(static_cast<std::uint8_t>(value));
    } else if (value >= INT16_MIN) {
      put(0xD1);
      big_endian(static_cast<std::uint16_t>(value));
    } else if (value >= INT32_MIN) {
      put(0xD2);
      big_endian(static_cast<std::uint32_t>(value));
    } else {
      put(0xD3);
      big_endian(static_cast<std::uint64_t>(value));
    }
  }

  void number(double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, 8);
    room(9);
    put(0xCB);
    big_endian(bits);
  }

  /// @pre fewer than 2^32 bytes
  void string(std::string_view value) {
    room(5);
    if (value.size() < 32)
      put(static_cast<std::uint8_t>(0xA0U | value.size()));
    else
      sized(0xD9, value.size());
    raw(value);
  }

  /// @pre fewer than 2^32 bytes
  void bytes(std::string_view value) {
    room(5);
    sized(0xC4, value.size());
    raw(value);
  }

  /// Around each array and map of a typed value; throws `encode_failure`
  /// beyond `nesting_depth_max`.
  void enter() {
    if (++depth_ > nesting_depth_max) [[unlikely]]
      detail::throw_too_deep();
  }
  void leave() noexcept { --depth_; }

  void array(std::size_t count) { container(0x90, 0xDC, count); }
  void map(std::size_t count) { container(0x80, 0xDE, count); }

  /// Bytes that are MessagePack already.
  void raw(std::string_view packed) {
    if (packed.size() > left()) {
      finish();
      if (packed.size() > sizeof buffer_) {
        out_.append(packed);
        return;
      }
    }
    std::memcpy(at_, packed.data(), packed.size());
    at_ += packed.size();
  }

private:
  [[nodiscard]] std::size_t left() const noexcept {
    return static_cast<std::size_t>(buffer_ + sizeof buffer_ - at_);
  }
  void room(std::size_t size) {
    if (size > left()) [[unlikely]]
      finish();
  }
  void put(std::uint8_t byte) noexcept { *at_++ = static_cast<char>(byte); }
  void lone(std::uint8_t byte) {
    room(1);
    put(byte);
  }
  template <class T>
  void big_endian(T value) noexcept {
    if constexpr (sizeof(T) == 2)
      value = __builtin_bswap16(value);
    else if constexpr (sizeof(T) == 4)
      value = __builtin_bswap32(value);
    else if constexpr (sizeof(T) == 8)
      value = __builtin_bswap64(value);
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  /// str and bin: three forms whose lead bytes follow each other.
  void sized(std::uint8_t lead, std::size_t size) noexcept {
    if (size <= 0xFF) {
      put(lead);
      big_endian(static_cast<std::uint8_t>(size));
    } else if (size <= 0xFFFF) {
      put(static_cast<std::uint8_t>(lead + 1));
      big_endian(static_cast<std::uint16_t>(size));
    } else {
      put(static_cast<std::uint8_t>(lead + 2));
      big_endian(static_cast<std::uint32_t>(size));
    }
  }
  void container(std::uint8_t small, std::uint8_t lead, std::size_t count) {
    room(5);
    if (count < 16) {
      put(static_cast<std::uint8_t>(small | count));
    } else if (count <= 0xFFFF) {
      put(lead);
      big_endian(static_cast<std::uint16_t>(count));
    } else {
      put(static_cast<std::uint8_t>(lead + 1));
      big_endian(static_cast<std::uint32_t>(count));
    }
  }

  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

  std::string& out_;
  char* at_;
  std::size_t depth_ = 0;
  /// Most messages fit; larger ones are flushed in between.
  char buffer_[512];
};

} // namespace freehold::codec
