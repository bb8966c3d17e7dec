#pragma once

#include "runtime/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freehold::codec {

/// Collects, while a failed decoder returns, where and why it failed. Nothing
/// is written to it as long as decoding goes well.
class decode_failure {
public:
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
  errc code_ = errc::undecodable;
  bool missing_ = false;
  std::string path_;
  std::string sentence_;
};

/// The error for a value that is newer than the program.
[[nodiscard]] error newer_version(std::string_view type, std::uint32_t found,
                                  std::uint32_t known);

} // namespace freehold::codec
