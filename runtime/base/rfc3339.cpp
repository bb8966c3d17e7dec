#include "runtime/base/rfc3339.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace freehold {

namespace {

using std::chrono::milliseconds;
using std::chrono::sys_days;

constexpr milliseconds first_instant =
    sys_days{std::chrono::January / 1 / 0}.time_since_epoch();
// One past the last: the first of year 10000.
constexpr milliseconds end_of_time =
    sys_days{std::chrono::January / 1 / 10000}.time_since_epoch();

error not_a_time() {
  return {errc::invalid_argument,
          "an RFC 3339 time like 2014-05-02T13:45:00.000Z is expected"};
}

void put_digits(char* at, std::uint64_t value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10)
    at[i] = static_cast<char>('0' + value % 10);
}

/// Reads a text from its front; false leaves nothing to rely on.
class text_cursor {
public:
  explicit text_cursor(std::string_view text) : left_(text) {}

  bool number(std::size_t digits, int& into) {
    if (left_.size() < digits)
      return false;
    into = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (left_[i] < '0' || left_[i] > '9')
        return false;
      into = into * 10 + (left_[i] - '0');
    }
    left_.remove_prefix(digits);
    return true;
  }
  bool one_of(std::string_view choices, char& into) {
    // Not `find`: the choices are few and known where this is inlined.
    for (const char each : choices)
      if (!left_.empty() && left_.front() == each) {
        into = each;
        left_.remove_prefix(1);
        return true;
      }
    return false;
  }
  bool character(std::string_view choices) {
    char ignored = 0;
    return one_of(choices, ignored);
  }
  /// `.123456`, if it comes next, in milliseconds; the rest is cut off.
  bool fraction(int& into) {
    into = 0;
    if (left_.empty() || left_.front() != '.')
      return true;
    left_.remove_prefix(1);
    int weight = 100;
    std::size_t digits = 0;
    while (!left_.empty() && left_.front() >= '0' && left_.front() <= '9') {
      into += weight * (left_.front() - '0');
      weight /= 10;
      ++digits;
      left_.remove_prefix(1);
    }
    return digits > 0;
  }
  /// `Z` or `+hh:mm`, as what has to be subtracted.
  bool offset(std::chrono::minutes& into) {
    char sign = 0;
    if (!one_of("Zz+-", sign))
      return false;
    into = {};
    if (sign == 'Z' || sign == 'z')
      return true;
    int hours = 0;
    int minutes = 0;
    if (!number(2, hours) || !character(":") || !number(2, minutes)
        || hours > 23 || minutes > 59)
      return false;
    into = std::chrono::hours{hours} + std::chrono::minutes{minutes};
    if (sign == '-')
      into = -into;
    return true;
  }
  [[nodiscard]] bool at_end() const { return left_.empty(); }

private:
  std::string_view left_;
};

} // namespace

bool has_rfc3339_year(timestamp when) noexcept {
  return when.value() >= first_instant.count()
         && when.value() < end_of_time.count();
}

result<timestamp> parse_rfc3339(std::string_view text) {
  text_cursor in{text};
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  std::chrono::minutes offset{};
  const bool shaped =
      in.number(4, year) && in.character("-") && in.number(2, month)
      && in.character("-") && in.number(2, day) && in.character("Tt ")
      && in.number(2, hour) && in.character(":") && in.number(2, minute)
      && in.character(":") && in.number(2, second) && in.fraction(millisecond)
      && in.offset(offset) && in.at_end();
  if (!shaped || hour > 23 || minute > 59 || second > 59)
    return not_a_time();
  const std::chrono::year_month_day date{
      std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
      std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok())
    return not_a_time();
  const milliseconds since_epoch =
      sys_days{date}.time_since_epoch() + std::chrono::hours{hour}
      + std::chrono::minutes{minute} + std::chrono::seconds{second}
      + milliseconds{millisecond} - offset;
  const timestamp when{since_epoch.count()};
  return has_rfc3339_year(when) ? result<timestamp>{when} : not_a_time();
}

std::string to_rfc3339(timestamp when) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{when.value()}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const auto ms = static_cast<std::uint64_t>((time - day).count());
  std::string text = "0000-00-00T00:00:00.000Z";
  const int year = static_cast<int>(date.year());
  put_digits(text.data(), static_cast<std::uint64_t>(year < 0 ? 0 : year), 4);
  put_digits(text.data() + 5, unsigned{date.month()}, 2);
  put_digits(text.data() + 8, unsigned{date.day()}, 2);
  put_digits(text.data() + 11, ms / 3'600'000, 2);
  put_digits(text.data() + 14, ms / 60'000 % 60, 2);
  put_digits(text.data() + 17, ms / 1000 % 60, 2);
  put_digits(text.data() + 20, ms % 1000, 3);
  return text;
}

} // namespace freehold
