#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/codec/describe.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace freehold::market {

/// A time that people and other programs read: RFC 3339 in UTC with
/// milliseconds, `2014-05-02T13:45:00.000Z`, in every external form.
///
/// Read are also other offsets (`+02:00`) and fractions of any length; digits
/// beyond the milliseconds are cut off. The years are 0000 to 9999, as in RFC
/// 3339; leap seconds are refused.
class utc_time {
public:
  constexpr utc_time() noexcept = default;

  /// Errors: `invalid_argument` outside the years 0000 to 9999.
  [[nodiscard]] static result<utc_time> of(timestamp at);
  /// Errors: `invalid_argument`.
  [[nodiscard]] static result<utc_time> parse(std::string_view text);

  [[nodiscard]] constexpr timestamp value() const noexcept { return at_; }
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(utc_time, utc_time) noexcept = default;

private:
  explicit constexpr utc_time(timestamp at) noexcept : at_(at) {}

  timestamp at_;
};

} // namespace freehold::market

template <>
struct freehold::codec::value_codec<freehold::market::utc_time> {
  using primitive = std::string_view;
  static std::string to_primitive(market::utc_time value) {
    return value.to_string();
  }
  static result<market::utc_time> from_primitive(std::string_view text) {
    return market::utc_time::parse(text);
  }
};
