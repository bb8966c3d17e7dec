#pragma once

#include "runtime/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freehold::codec {

/// What decoded messages may take in memory: a few bytes can stand for a large
/// struct, and a vector of them for more than there is. Real messages take a
/// few times their size; the free part lets small ones be as they like.
inline constexpr std::size_t decoded_bytes_per_byte_max = 64;
inline constexpr std::size_t decoded_bytes_free = std::size_t{64} << 10U;

/// What an input of that size may take, in elements of vectors and maps.
[[nodiscard]] constexpr std::size_t
decoded_bytes_max(std::size_t input_bytes) noexcept {
  return decoded_bytes_per_byte_max * input_bytes + decoded_bytes_free;
}

/// Collects, while a failed decoder returns, where and why it failed, and
/// counts what the decoded elements take.
class decode_failure {
public:
  decode_failure() noexcept = default;
  explicit decode_failure(std::size_t decoded_bytes) noexcept
      : left_(decoded_bytes) {}

  /// Counts elements before there is room made for them; false beyond the
  /// bound.
  [[nodiscard]] bool charge(std::size_t count, std::size_t bytes_each) {
    if (count > left_ / bytes_each) [[unlikely]]
      return too_large();
    left_ -= count * bytes_each;
    return true;
  }
  [[nodiscard]] bool charge(std::size_t bytes) { return charge(1, bytes); }

  /// Each returns false, so that a decoder may return the call.
  bool mismatch(std::string_view expected, std::string found,
                std::optional<std::size_t> byte = std::nullopt);
  bool missing(std::string_view type, std::string_view field);
  /// A failure with a code and sentence of its own.
  bool other(errc code, std::string sentence);

  bool in_field(std::string_view name);
  bool in_element(std::size_t index);
  bool in_key(std::string_view key);

  /// Whether a required field was absent.
  [[nodiscard]] bool is_missing_field() const noexcept { return missing_; }

  /// For a missing field while a value of `from` < `to` is read without an
  /// upcaster: the code becomes `missing_upcaster`.
  void no_upcaster(std::string_view type, std::uint32_t from, std::uint32_t to);

  /// For a missing field of a value whose version is the present one: the code
  /// becomes `mismatch`, since the description changed without its version.
  void version_not_raised(std::string_view type, std::uint32_t version);

  /// `ListProperty.items[2].price: expected integer 0..255, found string "x"
  /// at byte 12`.
  [[nodiscard]] error to_error(std::string_view type) const;

private:
  bool too_large();

  std::size_t left_ = static_cast<std::size_t>(-1);
  errc code_ = errc::undecodable;
  bool missing_ = false;
  std::string path_;
  std::string sentence_;
};

/// The error for a version 0, which no description has.
[[nodiscard]] error no_version(std::string_view type);

/// The error for a value that is newer than the program.
[[nodiscard]] error newer_version(std::string_view type, std::uint32_t found,
                                  std::uint32_t known);

} // namespace freehold::codec
