#pragma once

#include "runtime/base/assert.hpp"
#include "runtime/base/error.hpp"

#include <utility>
#include <variant>

namespace freehold {

/// A value or the `error` that stands in its place. `std::expected` needs
/// C++23; this is the part of it that the project uses.
template <class T>
class [[nodiscard]] result {
public:
  // Implicit on purpose: `return value;` and `return error{...};` both read.
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(freehold::error why)
      : content_(std::in_place_index<1>, std::move(why)) {}
  /// A value as it is initially, to be filled where it is.
  explicit result(std::in_place_t) : content_(std::in_place_index<0>) {}

  [[nodiscard]] bool has_value() const noexcept {
    return content_.index() == 0;
  }
  explicit operator bool() const noexcept { return has_value(); }

  /// @pre `has_value()`
  T& value() & {
    FREEHOLD_ASSERT(has_value(), "value() of a failed result");
    return std::get<0>(content_);
  }
  const T& value() const& {
    FREEHOLD_ASSERT(has_value(), "value() of a failed result");
    return std::get<0>(content_);
  }
  T&& value() && {
    FREEHOLD_ASSERT(has_value(), "value() of a failed result");
    return std::get<0>(std::move(content_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// @pre `!has_value()`
  [[nodiscard]] const freehold::error& error() const {
    FREEHOLD_ASSERT(!has_value(), "error() of a good result");
    return std::get<1>(content_);
  }

private:
  std::variant<T, freehold::error> content_;
};

/// Success without a value, or an `error`.
template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(freehold::error why) : why_(std::move(why)) {}

  [[nodiscard]] bool has_value() const noexcept {
    return why_.code == errc::ok;
  }
  explicit operator bool() const noexcept { return has_value(); }

  /// @pre `!has_value()`
  [[nodiscard]] const freehold::error& error() const {
    FREEHOLD_ASSERT(!has_value(), "error() of a good result");
    return why_;
  }

private:
  freehold::error why_;
};

} // namespace freehold
