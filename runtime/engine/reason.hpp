#pragma once

#include <cstddef>
#include <string_view>

namespace freehold::engine {

/// What is kept of a reason: why a message was rejected, failed or became a
/// dead letter. Whatever a handler says fits into an answer, a held message
/// and a dead letter.
inline constexpr std::size_t reason_bytes_max = 512;

/// The front of a longer text, cut between two characters of UTF-8.
[[nodiscard]] inline std::string_view
cut_reason(std::string_view text) noexcept {
  if (text.size() <= reason_bytes_max)
    return text;
  std::size_t end = reason_bytes_max;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (end > reason_bytes_max - 4 && continues(end))
    --end;
  return text.substr(0, end);
}

} // namespace freehold::engine
