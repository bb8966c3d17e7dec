#include "runtime/codec/detail/decode_dynamic.hpp"

#include "runtime/codec/json_writer.hpp"

#include <limits>

namespace freehold::codec::detail {

std::string shown_string(std::string_view text) {
  constexpr std::size_t bytes_shown_max = 32;
  std::string out;
  append_shown_string(out, text, bytes_shown_max);
  return out;
}

std::string describe(const dynamic_value& value) {
  if (value.is_null())
    return "null";
  if (const bool* flag = value.as_bool())
    return *flag ? "true" : "false";
  if (const std::int64_t* whole = value.as_int())
    return "integer " + std::to_string(*whole);
  if (const std::uint64_t* whole = value.as_uint())
    return "integer " + std::to_string(*whole);
  std::string out;
  if (const double* number = value.as_double()) {
    out = "number ";
    append_json_number(out, *number);
  } else if (const std::string* text = value.as_string()) {
    out = "string " + shown_string(*text);
  } else if (const dynamic_value::bytes* raw = value.as_bytes()) {
    out = std::to_string(raw->content.size()) + " bytes";
  } else if (const dynamic_value::array* values = value.as_array()) {
    out = "array of " + std::to_string(values->size());
  } else {
    out = "object of " + std::to_string(value.as_object()->size());
  }
  return out;
}

bool dynamic_integer(const dynamic_value& from, std::uint64_t& bits,
                     bool& negative) {
  if (const std::int64_t* whole = from.as_int()) {
    bits = static_cast<std::uint64_t>(*whole);
    negative = *whole < 0;
    return true;
  }
  if (const std::uint64_t* whole = from.as_uint()) {
    bits = *whole;
    negative = false;
    return true;
  }
  return false;
}

bool number_of_word(std::string_view word, double& into) {
  if (word == "NaN")
    into = std::numeric_limits<double>::quiet_NaN();
  else if (word == "Infinity")
    into = std::numeric_limits<double>::infinity();
  else if (word == "-Infinity")
    into = -std::numeric_limits<double>::infinity();
  else
    return false;
  return true;
}

bool dynamic_number(const dynamic_value& from, double& into) {
  if (const double* number = from.as_double())
    into = *number;
  else if (const std::int64_t* whole = from.as_int())
    into = static_cast<double>(*whole);
  else if (const std::uint64_t* large = from.as_uint())
    into = static_cast<double>(*large);
  else if (const std::string* text = from.as_string())
    return number_of_word(*text, into);
  else
    return false;
  return true;
}

bool dynamic_bytes(const dynamic_value& from, std::string& holder,
                   std::size_t size) {
  if (const dynamic_value::bytes* raw = from.as_bytes())
    holder = raw->content;
  else if (const std::string* text = from.as_string();
           text == nullptr || text->size() != 2 * size
           || !parse_hex(*text, holder))
    return false;
  return holder.size() == size;
}

error of_type(std::string_view type, error why) {
  why.context.insert(0, std::string{type}.append(": "));
  return why;
}

} // namespace freehold::codec::detail
