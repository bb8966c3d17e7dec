#include "node/configuration_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

namespace freehold::node::internal {

namespace {

template <class Enum>
using names = std::span<const std::pair<std::string_view, Enum>>;

names<log_kind> names_of(log_kind) {
  static constexpr std::pair<std::string_view, log_kind> all[] = {
      {"embedded", log_kind::embedded},
      {"memory", log_kind::memory},
      {"kafka", log_kind::kafka}};
  return all;
}

names<application_source> names_of(application_source) {
  static constexpr std::pair<std::string_view, application_source> all[] = {
      {"commands", application_source::commands},
      {"events", application_source::events}};
  return all;
}

names<logging_level> names_of(logging_level) {
  static constexpr std::pair<std::string_view, logging_level> all[] = {
      {"trace", logging_level::trace},
      {"debug", logging_level::debug},
      {"info", logging_level::info},
      {"warn", logging_level::warn},
      {"error", logging_level::error}};
  return all;
}

names<logging_format> names_of(logging_format) {
  static constexpr std::pair<std::string_view, logging_format> all[] = {
      {"text", logging_format::text}, {"json", logging_format::json}};
  return all;
}

struct size_suffix {
  std::string_view text;
  std::uint64_t factor;
};

/// Largest first, as `size_text` tries them.
constexpr std::array<size_suffix, 4> size_suffixes{{
    {"TiB", 1024 * gibibytes},
    {"GiB", gibibytes},
    {"MiB", mebibytes},
    {"KiB", kibibytes},
}};

std::string size_text(std::uint64_t bytes) {
  for (const auto& [text, factor] : size_suffixes)
    if (bytes >= factor && bytes % factor == 0)
      return std::to_string(bytes / factor).append(" ").append(text);
  return std::to_string(bytes);
}

std::string number_text(double number) {
  std::array<char, 32> digits{};
  const auto written =
      std::to_chars(digits.data(), digits.data() + digits.size(), number,
                    std::chars_format::fixed);
  return {digits.data(), written.ptr};
}

std::string_view unit_text(option_unit unit) {
  switch (unit) {
  case option_unit::none:
    return "";
  case option_unit::bytes:
    return "bytes";
  case option_unit::milliseconds:
    return "ms";
  case option_unit::hours:
    return "hours";
  case option_unit::percent:
    return "%";
  case option_unit::topic_name:
    return "characters";
  }
  return "";
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stopped, why] = std::from_chars(text.data(), end, number);
  return why == std::errc{} && stopped == end;
}

/// Digits with an optional size suffix; what does not fit 64 bits is refused.
bool read_size(std::string_view text, std::uint64_t& bytes) {
  std::uint64_t factor = 1;
  for (const auto& [suffix, value] : size_suffixes)
    if (text.ends_with(suffix)) {
      text.remove_suffix(suffix.size());
      while (text.ends_with(' '))
        text.remove_suffix(1);
      factor = value;
      break;
    }
  if (!read_number(text, bytes)
      || bytes > std::numeric_limits<std::uint64_t>::max() / factor)
    return false;
  bytes *= factor;
  return true;
}

bool in_range(const option& which, double value) {
  return !which.range
         || (value >= which.range->least && value <= which.range->most);
}

std::string wrong_type(const option& which, std::string_view text) {
  std::string what = "`";
  return what.append(text).append("` is not ").append(type_text(which));
}

std::string wrong_range(const option& which, std::string_view text) {
  std::string what = "`";
  return what.append(text)
      .append("` is out of range; allowed is ")
      .append(range_text(which));
}

bool is_topic_text(std::string_view text) {
  return std::ranges::all_of(text, [](char x) {
    return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z')
           || (x >= '0' && x <= '9') || x == '.' || x == '_' || x == '-';
  });
}

std::string read(const option& which, std::string_view text,
                 std::string& value) {
  if (which.unit == option_unit::topic_name && !is_topic_text(text))
    return std::string{"`"}.append(text).append(
        "` has characters that a topic name cannot have; use letters, "
        "digits, `.`, `_` and `-`");
  if (!in_range(which, static_cast<double>(text.size())))
    return wrong_range(which, text);
  value = text;
  return {};
}

std::string read(const option& which, std::string_view text, bool& value) {
  if (text != "true" && text != "false")
    return wrong_type(which, text);
  value = text == "true";
  return {};
}

template <std::unsigned_integral Number>
std::string read(const option& which, std::string_view text, Number& value) {
  std::uint64_t number = 0;
  const bool good = which.unit == option_unit::bytes
                        ? read_size(text, number)
                        : read_number(text, number);
  if (!good)
    return wrong_type(which, text);
  if (!in_range(which, static_cast<double>(number))
      || number > std::numeric_limits<Number>::max())
    return wrong_range(which, text);
  value = static_cast<Number>(number);
  return {};
}

std::string read(const option& which, std::string_view text, double& value) {
  double number = 0;
  if (!read_number(text, number) || !std::isfinite(number))
    return wrong_type(which, text);
  if (!in_range(which, number))
    return wrong_range(which, text);
  value = number;
  return {};
}

template <class Period>
std::string read(const option& which, std::string_view text,
                 std::chrono::duration<std::int64_t, Period>& value) {
  std::uint64_t number = 0;
  if (std::string what = read(which, text, number); !what.empty())
    return what;
  value = std::chrono::duration<std::int64_t, Period>{
      static_cast<std::int64_t>(number)};
  return {};
}

template <class Enum>
requires std::is_enum_v<Enum> std::string
read(const option& which, std::string_view text, Enum& value) {
  for (const auto& [name, each] : names_of(Enum{}))
    if (name == text) {
      value = each;
      return {};
    }
  return wrong_type(which, text);
}

std::string write(const option&, const std::string& value) { return value; }

std::string write(const option&, const property_map&) { return {}; }

std::string write(const option&, bool value) {
  return value ? "true" : "false";
}

template <std::unsigned_integral Number>
requires(!std::same_as<Number, bool>) std::string
    write(const option& which, Number value) {
  return which.unit == option_unit::bytes ? size_text(value)
                                          : std::to_string(value);
}

std::string write(const option&, double value) { return number_text(value); }

template <class Rep, class Period>
std::string write(const option&, std::chrono::duration<Rep, Period> value) {
  return std::to_string(value.count());
}

template <class Enum>
requires std::is_enum_v<Enum> std::string write(const option&, Enum value) {
  for (const auto& [name, each] : names_of(value))
    if (each == value)
      return std::string{name};
  return {};
}

template <class Enum>
std::string choices() {
  std::string text;
  const auto all = names_of(Enum{});
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0)
      text.append(i + 1 == all.size() ? " or " : ", ");
    text.append(all[i].first);
  }
  return text;
}

} // namespace

bool is_open(const option& which) noexcept {
  return std::holds_alternative<property_map configuration::*>(which.member);
}

std::string_view entry_prefix(const option& which) noexcept {
  return which.key.substr(0, which.key.size() - 1);
}

std::string assign(const option& which, std::string_view key,
                   std::string_view text, configuration& values) {
  return std::visit(
      [&]<class T>(T configuration::*member) -> std::string {
        if constexpr (std::same_as<T, property_map>) {
          const auto name = key.substr(entry_prefix(which).size());
          if (std::string wrong = which.check(name, text); !wrong.empty())
            return wrong;
          (values.*member)[std::string{name}] = text;
          return {};
        } else {
          return read(which, text, values.*member);
        }
      },
      which.member);
}

std::string value_text(const option& which, const configuration& values) {
  return std::visit([&](auto member) { return write(which, values.*member); },
                    which.member);
}

std::string type_text(const option& which) {
  return std::visit(
      [&]<class T>(T configuration::*) -> std::string {
        if constexpr (std::is_enum_v<T>)
          return choices<T>();
        else if constexpr (std::same_as<T, std::string>)
          return "text";
        else if constexpr (std::same_as<T, property_map>)
          return "properties of librdkafka by their names";
        else if constexpr (std::same_as<T, bool>)
          return "true or false";
        else if constexpr (std::same_as<T, double>)
          return "a number";
        else if (which.unit == option_unit::bytes)
          return "a size in bytes, such as 1048576 or 1 MiB";
        else
          return "a whole number";
      },
      which.member);
}

std::string range_text(const option& which) {
  if (!which.range)
    return {};
  const auto end = [&](double value) {
    return which.unit == option_unit::bytes
               ? size_text(static_cast<std::uint64_t>(value))
               : number_text(value);
  };
  std::string text = end(which.range->least) + " to " + end(which.range->most);
  if (which.unit != option_unit::none && which.unit != option_unit::bytes)
    text.append(" ").append(unit_text(which.unit));
  return text;
}

} // namespace freehold::node::internal
