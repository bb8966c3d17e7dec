#include "runtime/codec/json_writer.hpp"

#include "runtime/codec/detail/plain_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace freehold::codec {

namespace {

constexpr char digits[] = "0123456789abcdef";

void append_escaped_code(std::string& out, char each) {
  out += "\\u00";
  out += digits[static_cast<unsigned char>(each) >> 4U];
  out += digits[static_cast<unsigned char>(each) & 15U];
}

void append_escaped(std::string& out, char each) {
  switch (each) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    append_escaped_code(out, each);
  }
}

template <class T>
void append_integer(std::string& out, T value) {
  char buffer[24];
  const auto done = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, done.ptr);
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  for (const char* clean = at;; clean = at) { // what is copied as it is
    for (;;) {
      at = detail::plain_end(at, end);
      const std::size_t length =
          at != end && static_cast<unsigned char>(*at) >= 0x80
              ? utf8_sequence_length({at, static_cast<std::size_t>(end - at)})
              : 0;
      if (length == 0)
        break;
      at += length;
    }
    out.append(clean, at);
    if (at == end)
      break;
    if (static_cast<unsigned char>(*at) >= 0x80)
      out += "\xEF\xBF\xBD";
    else
      append_escaped(out, *at);
    ++at;
  }
  out += '"';
}

std::string_view cut_text(std::string_view text,
                          std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max)
    return text;
  // At most three bytes belong to a character that began before.
  std::size_t end = bytes_max;
  for (std::size_t back = 0; back < 3 && end > 0; ++back, --end)
    if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80)
      return text.substr(0, end);
  return (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80
             ? text.substr(0, end)
             : text.substr(0, bytes_max); // no UTF-8 anyway
}

namespace {

void append_shown(std::string& out, std::string_view text, bool quoted) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_sequence_length(text);
    const bool c1 = length == 2 && first == 0xC2
                    && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else if (c1)
      append_escaped_code(out, text[1]);
    else if (first < 0x20 || (quoted && (first == '"' || first == '\\')))
      append_escaped(out, text.front());
    else if (first == 0x7F)
      append_escaped_code(out, text.front());
    else
      out.append(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

} // namespace

void append_shown(std::string& out, std::string_view text) {
  append_shown(out, text, false);
}

void append_shown_string(std::string& out, std::string_view text,
                         std::size_t bytes_max) {
  const std::string_view shown = cut_text(text, bytes_max);
  out += '"';
  append_shown(out, shown, true);
  out += '"';
  if (shown.size() < text.size())
    out.append(" and ")
        .append(std::to_string(text.size() - shown.size()))
        .append(" bytes more");
}

void append_json_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else if (value == 0 && std::signbit(value)) {
    out += "-0.0";
  } else {
    // The shortest text that reads back as the same number; without an
    // exponent where people expect none (300000, not 3e+05).
    constexpr double plain_max = 1e15;
    constexpr double plain_min = 1e-4;
    const double size = value < 0 ? -value : value;
    const bool plain = size == 0 || (size >= plain_min && size < plain_max);
    char buffer[40];
    const auto done =
        plain ? std::to_chars(buffer, buffer + sizeof buffer, value,
                              std::chars_format::fixed)
              : std::to_chars(buffer, buffer + sizeof buffer, value);
    out.append(buffer, done.ptr);
  }
}

void append_hex(std::string& out, std::string_view bytes) {
  for (char each : bytes) {
    out += digits[static_cast<unsigned char>(each) >> 4U];
    out += digits[static_cast<unsigned char>(each) & 15U];
  }
}

bool parse_hex(std::string_view text, std::string& into) {
  into.clear();
  if (text.size() % 2 != 0)
    return false;
  const auto nibble = [](char each) -> int {
    if (each >= '0' && each <= '9')
      return each - '0';
    if (each >= 'a' && each <= 'f')
      return each - 'a' + 10;
    if (each >= 'A' && each <= 'F')
      return each - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = nibble(text[i]);
    const int low = nibble(text[i + 1]);
    if (high < 0 || low < 0)
      return false;
    into += static_cast<char>(high * 16 + low);
  }
  return true;
}

void json_writer::separate() {
  if (follows_)
    out_ += text_ ? std::string_view{", "} : std::string_view{","};
  follows_ = true;
}

void json_writer::null() {
  separate();
  out_ += "null";
}

void json_writer::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void json_writer::integer(std::int64_t value) {
  separate();
  append_integer(out_, value);
}

void json_writer::integer(std::uint64_t value) {
  separate();
  append_integer(out_, value);
}

void json_writer::number(double value) {
  separate();
  append_json_number(out_, value);
}

void json_writer::string(std::string_view value) {
  separate();
  if (text_)
    return append_shown_string(out_, value, value.size());
  if (strict_ && !is_utf8(value))
    detail::throw_not_text(value);
  append_json_string(out_, value);
}

void json_writer::word(std::string_view value) {
  separate();
  if (text_)
    out_ += value;
  else
    append_json_string(out_, value);
}

void json_writer::bytes(std::string_view value) {
  separate();
  if (!text_)
    out_ += '"';
  append_hex(out_, value);
  if (!text_)
    out_ += '"';
}

void json_writer::begin_array() {
  separate();
  out_ += '[';
  follows_ = false;
}

void json_writer::end_array() {
  out_ += ']';
  follows_ = true;
}

void json_writer::begin_object(std::string_view name) {
  separate();
  if (text_)
    out_ += name;
  out_ += '{';
  follows_ = false;
}

void json_writer::end_object() {
  out_ += '}';
  follows_ = true;
}

void json_writer::field(std::string_view quoted, std::string_view plain) {
  separate();
  if (text_)
    out_.append(plain).append(": ");
  else
    out_ += quoted;
  follows_ = false;
}

void json_writer::key(std::string_view name) {
  separate();
  if (text_) {
    append_shown(out_, name);
    out_ += ": ";
  } else {
    if (strict_ && !is_utf8(name))
      detail::throw_not_text(name);
    append_json_string(out_, name);
    out_ += ':';
  }
  follows_ = false;
}

} // namespace freehold::codec
