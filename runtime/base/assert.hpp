#pragma once

namespace freehold::detail {

/// Prints the broken condition and aborts. Wrong state must not be committed.
[[noreturn]] void assertion_failed(const char* condition, const char* why,
                                   const char* file, int line) noexcept;

} // namespace freehold::detail

/// A condition whose failure is a bug of ours. Checked in release builds too.
#define FREEHOLD_ASSERT(condition, why)                                        \
  (static_cast<bool>(condition) ? static_cast<void>(0)                         \
                                : ::freehold::detail::assertion_failed(        \
                                    #condition, why, __FILE__, __LINE__))
