#pragma once

#include <cstddef>
#include <string_view>

namespace freehold::codec {

/// The length of the UTF-8 sequence (RFC 3629) at the front of the text, 0
/// where there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text) noexcept;

/// Whether the bytes are well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

} // namespace freehold::codec
