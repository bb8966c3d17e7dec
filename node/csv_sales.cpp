#include "node/csv_sales.hpp"

#include "node/csv_records.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <limits>
#include <system_error>

namespace freehold::node {

namespace {

using internal::csv_record;
using internal::csv_records;

/// The longest key; far above real ones, far below a record's bound.
constexpr std::size_t key_bytes_max = 1024;

enum field_index : std::size_t {
  time_field,
  property_field,
  neighborhood_field,
  price_field,
  area_field,
  year_field,
  field_count,
};

struct field_name {
  std::string_view text;
  bool required;
};

constexpr std::array<field_name, field_count> fields{{
    {"time", true},
    {"property", true},
    {"neighborhood", true},
    {"price", true},
    {"area", false},
    {"year", false},
}};

/// A reason to refuse a value; empty if there is none.
using refusal = std::string_view;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_digit(char x) { return x >= '0' && x <= '9'; }

// -- values ------------------------------------------------------------------

/// The next `count` digits of `text`, which is shortened by them; -1 if there
/// are fewer.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count
      || !std::all_of(text.begin(),
                      text.begin() + static_cast<std::ptrdiff_t>(count),
                      is_digit))
    return -1;
  int number = 0;
  for (const char each : text.substr(0, count))
    number = number * 10 + (each - '0');
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected))
    return false;
  text.remove_prefix(1);
  return true;
}

constexpr refusal not_a_time = "is not a date such as 2014-05-02 or a UTC "
                               "time such as 2014-05-02T13:45:00Z";

/// What follows the date: `T13:45`, seconds, fraction and `Z` as present.
refusal read_time_of_day(std::string_view text,
                         std::chrono::milliseconds& since_midnight) {
  if (!take(text, 'T') && !take(text, ' '))
    return not_a_time;
  const int hour = take_digits(text, 2);
  if (hour < 0 || !take(text, ':'))
    return not_a_time;
  const int minute = take_digits(text, 2);
  if (minute < 0)
    return not_a_time;
  int second = 0;
  int millisecond = 0;
  if (take(text, ':')) {
    second = take_digits(text, 2);
    if (second < 0)
      return not_a_time;
    if (take(text, '.')) {
      if (text.empty() || !is_digit(text.front()))
        return not_a_time;
      for (int weight = 100; !text.empty() && is_digit(text.front());
           weight /= 10)
        millisecond += weight * take_digits(text, 1);
    }
  }
  if (!text.empty() && text != "Z" && text != "+00:00")
    return text.starts_with('+') || text.starts_with('-')
               ? "is not in UTC; convert the times first"
               : not_a_time;
  if (hour > 23 || minute > 59 || second > 59)
    return "has a time of day that does not exist";
  since_midnight = std::chrono::hours{hour} + std::chrono::minutes{minute}
                   + std::chrono::seconds{second}
                   + std::chrono::milliseconds{millisecond};
  return {};
}

refusal read_time(std::string_view text, timestamp& time) {
  const int year = take_digits(text, 4);
  if (year < 0 || !take(text, '-'))
    return not_a_time;
  const int month = take_digits(text, 2);
  if (month < 0 || !take(text, '-'))
    return not_a_time;
  const int day = take_digits(text, 2);
  if (day < 0)
    return not_a_time;
  const std::chrono::year_month_day date{
      std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
      std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok())
    return "is a day that does not exist";
  std::chrono::milliseconds since_midnight{0};
  if (!text.empty())
    if (const refusal why = read_time_of_day(text, since_midnight);
        !why.empty())
      return why;
  const std::chrono::milliseconds since_epoch =
      std::chrono::sys_days{date}.time_since_epoch() + since_midnight;
  time = timestamp{since_epoch.count()};
  return {};
}

/// A number with at most two decimals, in hundredths.
refusal read_hundredths(std::string_view text, std::int64_t& hundredths) {
  constexpr refusal not_a_number =
      "is not a number such as 625000 or 625000.50, without sign, currency "
      "and thousands separators";
  if (text.starts_with('-'))
    return "is negative";
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot);
  std::string_view decimals = text.substr(dot);
  if (whole.empty() || !std::ranges::all_of(whole, is_digit))
    return not_a_number;
  if (take(decimals, '.')) {
    if (decimals.empty() || !std::ranges::all_of(decimals, is_digit))
      return not_a_number;
    if (decimals.size() > 2)
      return "has more than two decimals";
  }
  std::int64_t units = 0;
  const auto [stopped, why] =
      std::from_chars(whole.data(), whole.data() + whole.size(), units);
  constexpr std::int64_t units_max =
      std::numeric_limits<std::int64_t>::max() / 100 - 1;
  if (why != std::errc{} || units > units_max)
    return "is too large";
  std::int64_t below = 0;
  for (std::size_t i = 0; i < 2; ++i)
    below = below * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
  hundredths = units * 100 + below;
  return {};
}

refusal read_year(std::string_view text, std::int32_t& year) {
  std::int32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, why] = std::from_chars(text.data(), end, number);
  if (why != std::errc{} || stopped != end || number < 1 || number > 9999)
    return "is not a year";
  year = number;
  return {};
}

/// The length of the UTF-8 sequence that `text` begins with, or 0. Overlong
/// forms, surrogates and what lies above U+10FFFF are refused (RFC 3629).
std::size_t sequence_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead < 0xE0)
    return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead < 0xF0) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead < 0xF5) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool too_high = lead == 0xF4 && byte(1) >= 0x90;
    const bool whole = follows(1) && follows(2) && follows(3);
    return whole && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

refusal read_key(std::string_view text, std::string& key) {
  if (text.empty())
    return "is empty";
  if (text.size() > key_bytes_max)
    return "is longer than 1024 bytes";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = sequence_size(text.substr(at));
    if (size == 0)
      return "is not UTF-8";
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7F)
      return "has a control character";
    at += size;
  }
  key = text;
  return {};
}

refusal read_field(field_index which, std::string_view text, sale_row& sale) {
  switch (which) {
  case time_field:
    return text.empty() ? "is empty" : read_time(text, sale.time);
  case property_field:
    return read_key(text, sale.property);
  case neighborhood_field:
    return read_key(text, sale.neighborhood);
  case price_field:
    return text.empty() ? "is empty" : read_hundredths(text, sale.price_cents);
  case area_field:
    return text.empty() ? refusal{}
                        : read_hundredths(text, sale.area_hundredths.emplace());
  case year_field:
    return text.empty() ? refusal{} : read_year(text, sale.year.emplace());
  case field_count:
    break;
  }
  FREEHOLD_ASSERT(false, "there is no such field");
  return {};
}

// -- the mapping -------------------------------------------------------------

struct mapping {
  /// For each field, its column's place in the file.
  std::array<std::optional<std::size_t>, field_count> places;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& each : words)
    text.append(text.empty() ? "" : ", ").append(each);
  return text;
}

/// Reads one `field=column` pair. Returns what is wrong with it, or nothing.
std::string read_pair(std::string_view pair,
                      const std::vector<std::string>& header, mapping& into) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos)
    return std::string{"`"}.append(pair).append("` is not field=column");
  const std::string name{trimmed(pair.substr(0, equals))};
  const std::string column{trimmed(pair.substr(equals + 1))};
  const auto field = std::ranges::find(fields, name, &field_name::text);
  if (field == fields.end())
    return "there is no field `" + name
           + "`; fields are time, property, neighborhood, price, area, year";
  auto& place =
      into.places.at(static_cast<std::size_t>(field - fields.begin()));
  if (place)
    return "`" + name + "` is mapped twice";
  const auto found = std::ranges::find(header, column);
  if (found == header.end())
    return "there is no column `" + column + "`";
  if (std::find(found + 1, header.end(), column) != header.end())
    return "the column `" + column + "` is there twice";
  place = static_cast<std::size_t>(found - header.begin());
  return {};
}

result<mapping> read_mapping(std::string_view text,
                             const std::vector<std::string>& header) {
  mapping all;
  std::string faults;
  const auto fault = [&](std::string_view what) {
    faults.append(faults.empty() ? "" : "; ").append(what);
  };
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string wrong = read_pair(text.substr(0, comma), header, all);
    if (!wrong.empty())
      fault(wrong);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  // After another fault a missing field is likely to be the one misspelt.
  if (faults.empty())
    for (std::size_t i = 0; i < field_count; ++i)
      if (fields.at(i).required && !all.places.at(i))
        fault(std::string{"`"}
                  .append(fields.at(i).text)
                  .append("` is not mapped to a column"));
  if (!faults.empty())
    return error{errc::invalid_argument,
                 "--map: " + faults
                     + ". The file has the columns: " + joined(header)};
  return all;
}

} // namespace

// -- the reader --------------------------------------------------------------

class csv_sales::reader {
public:
  explicit reader(const std::string& path) : records_(path) {}

  result<void> open(const std::string& path, std::string_view mapping);
  std::optional<row> next();

private:
  row read(const csv_record& from) const;

  csv_records records_;
  csv_record record_;
  std::vector<std::string> header_;
  mapping mapping_;
  bool ended_ = false;
};

result<void> csv_sales::reader::open(const std::string& path,
                                     std::string_view mapping) {
  if (!records_.is_open())
    return error{errc::not_found, path + ": cannot be opened: "
                                      + std::generic_category().message(errno)};
  if (records_.skip("\xFF\xFE") || records_.skip("\xFE\xFF"))
    return error{errc::invalid_argument,
                 path + ": is UTF-16; save it as UTF-8"};
  records_.skip("\xEF\xBB\xBF");
  const bool has_header = records_.next(record_);
  if (records_.is_broken())
    return error{errc::unavailable, path + ": cannot be read; is it a file?"};
  if (!has_header)
    return error{errc::invalid_argument, path
                                             + ": is empty; the first line "
                                               "names the columns"};
  if (!record_.fault.empty())
    return error{errc::invalid_argument,
                 path + ":1: the header " + record_.fault};
  for (const std::string& each : record_.fields)
    header_.emplace_back(trimmed(each));
  const auto read = read_mapping(mapping, header_);
  if (!read)
    return error{read.error().code, path + ": " + read.error().context};
  mapping_ = *read;
  return {};
}

std::optional<csv_sales::row> csv_sales::reader::next() {
  if (ended_)
    return std::nullopt;
  if (records_.next(record_))
    return read(record_);
  ended_ = true;
  if (records_.is_broken())
    return bad_line{record_.line + 1, "",
                    "the file cannot be read further; what follows is missing"};
  return std::nullopt;
}

csv_sales::row csv_sales::reader::read(const csv_record& from) const {
  if (!from.fault.empty())
    return bad_line{from.line, "", from.fault};
  if (from.fields.size() != header_.size())
    return bad_line{from.line, "",
                    "has " + std::to_string(from.fields.size())
                        + " fields, the header has "
                        + std::to_string(header_.size())};
  sale_row sale;
  sale.line = from.line;
  for (std::size_t i = 0; i < field_count; ++i) {
    const std::optional<std::size_t> place = mapping_.places.at(i);
    if (!place)
      continue;
    const refusal why = read_field(static_cast<field_index>(i),
                                   trimmed(from.fields.at(*place)), sale);
    if (!why.empty())
      return bad_line{from.line, header_.at(*place), std::string{why}};
  }
  return sale;
}

csv_sales::csv_sales(std::unique_ptr<reader> from) : reader_(std::move(from)) {}
csv_sales::csv_sales(csv_sales&&) noexcept = default;
csv_sales& csv_sales::operator=(csv_sales&&) noexcept = default;
csv_sales::~csv_sales() = default;

result<csv_sales> csv_sales::open(const std::string& path,
                                  std::string_view mapping) {
  errno = 0;
  auto made = std::make_unique<reader>(path);
  if (const auto opened = made->open(path, mapping); !opened)
    return opened.error();
  return csv_sales{std::move(made)};
}

std::optional<csv_sales::row> csv_sales::next() { return reader_->next(); }

} // namespace freehold::node
