#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

#include <string>
#include <string_view>

namespace freehold {

/// Reads an RFC 3339 time, `2014-05-02T13:45:00.000Z`: any offset (`+02:00`),
/// fractions of any length, whose digits beyond the milliseconds are cut off.
/// Leap seconds are refused. Errors: `invalid_argument`, also for a time that
/// is in UTC outside the years 0000 to 9999.
[[nodiscard]] result<timestamp> parse_rfc3339(std::string_view text);

/// Whether RFC 3339 can express it: the years 0000 to 9999.
[[nodiscard]] bool has_rfc3339_year(timestamp when) noexcept;

/// In UTC with milliseconds. A year before 0000 is written as that one, of one
/// beyond 9999 the last four digits.
[[nodiscard]] std::string to_rfc3339(timestamp when);

} // namespace freehold
