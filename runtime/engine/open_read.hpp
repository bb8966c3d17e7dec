#pragma once

#include "runtime/base/ids.hpp"

#include <optional>

namespace freehold::engine {

/// A read of one partition that was asked of the log and is not answered yet.
/// The answer to a read that was withdrawn may still come; it is recognised by
/// the position it names.
class open_read {
public:
  void ask(next_offset from) noexcept { from_ = from; }

  /// Whether an answer for that position is the awaited one; if so, the read
  /// is over.
  [[nodiscard]] bool is_answered_by(next_offset from) noexcept {
    if (from_ != from)
      return false;
    from_.reset();
    return true;
  }

  /// Forgets the read. Whether there was one.
  bool withdraw() noexcept {
    const bool was_open = from_.has_value();
    from_.reset();
    return was_open;
  }

  explicit operator bool() const noexcept { return from_.has_value(); }

private:
  std::optional<next_offset> from_;
};

} // namespace freehold::engine
