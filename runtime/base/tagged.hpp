#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace freehold {

/// A number that cannot be mixed up with another number of the same width.
/// Construction is explicit; arithmetic is left to named free functions, so
/// that every step from one meaning to another can be read.
template <class Tag, class Rep>
class tagged {
public:
  using rep = Rep;

  constexpr tagged() noexcept = default;
  explicit constexpr tagged(Rep value) noexcept : value_(value) {}

  [[nodiscard]] constexpr Rep value() const noexcept { return value_; }

  friend constexpr auto operator<=>(tagged, tagged) noexcept = default;

private:
  Rep value_{};
};

} // namespace freehold

template <class Tag, class Rep>
struct std::hash<freehold::tagged<Tag, Rep>> {
  std::size_t operator()(freehold::tagged<Tag, Rep> x) const noexcept {
    return std::hash<Rep>{}(x.value());
  }
};
