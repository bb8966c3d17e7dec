#include "actors/messages/utc_time.hpp"

#include "runtime/base/rfc3339.hpp"

namespace freehold::market {

result<utc_time> utc_time::of(timestamp at) {
  if (!has_rfc3339_year(at))
    return error{errc::invalid_argument,
                 "a time between the years 0000 and 9999 is expected"};
  return utc_time{at};
}

result<utc_time> utc_time::parse(std::string_view text) {
  const auto at = parse_rfc3339(text);
  if (!at)
    return at.error();
  return utc_time{*at};
}

std::string utc_time::to_string() const { return to_rfc3339(at_); }

} // namespace freehold::market
