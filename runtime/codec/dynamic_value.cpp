#include "runtime/codec/dynamic_value.hpp"

#include "runtime/codec/detail/decode_dynamic.hpp"
#include "runtime/codec/json_writer.hpp"

#include <algorithm>

namespace freehold::codec {

dynamic_value::dynamic_value() noexcept = default;
dynamic_value::dynamic_value(bool value) noexcept : content_(value) {}
dynamic_value::dynamic_value(int value) noexcept
    : content_(std::int64_t{value}) {}
dynamic_value::dynamic_value(std::int64_t value) noexcept : content_(value) {}
dynamic_value::dynamic_value(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(INT64_MAX))
    content_ = static_cast<std::int64_t>(value);
  else
    content_ = value;
}
dynamic_value::dynamic_value(double value) noexcept : content_(value) {}
dynamic_value::dynamic_value(const char* value)
    : content_(std::string{value}) {}
dynamic_value::dynamic_value(std::string_view value)
    : content_(std::string{value}) {}
dynamic_value::dynamic_value(std::string value) noexcept
    : content_(std::move(value)) {}
dynamic_value::dynamic_value(bytes value) noexcept
    : content_(std::move(value)) {}
dynamic_value::dynamic_value(array value) noexcept
    : content_(std::move(value)) {}
dynamic_value::dynamic_value(object value) noexcept
    : content_(std::move(value)) {}
dynamic_value::dynamic_value(const dynamic_value&) = default;
dynamic_value::dynamic_value(dynamic_value&&) noexcept = default;
dynamic_value& dynamic_value::operator=(const dynamic_value&) = default;
dynamic_value& dynamic_value::operator=(dynamic_value&&) noexcept = default;
dynamic_value::~dynamic_value() = default;

bool dynamic_value::is_null() const noexcept { return content_.index() == 0; }
const bool* dynamic_value::as_bool() const noexcept {
  return std::get_if<bool>(&content_);
}
const std::int64_t* dynamic_value::as_int() const noexcept {
  return std::get_if<std::int64_t>(&content_);
}
const std::uint64_t* dynamic_value::as_uint() const noexcept {
  return std::get_if<std::uint64_t>(&content_);
}
const double* dynamic_value::as_double() const noexcept {
  return std::get_if<double>(&content_);
}
const std::string* dynamic_value::as_string() const noexcept {
  return std::get_if<std::string>(&content_);
}
const dynamic_value::bytes* dynamic_value::as_bytes() const noexcept {
  return std::get_if<bytes>(&content_);
}
const dynamic_value::array* dynamic_value::as_array() const noexcept {
  return std::get_if<array>(&content_);
}
dynamic_value::array* dynamic_value::as_array() noexcept {
  return std::get_if<array>(&content_);
}
const dynamic_value::object* dynamic_value::as_object() const noexcept {
  return std::get_if<object>(&content_);
}
dynamic_value::object* dynamic_value::as_object() noexcept {
  return std::get_if<object>(&content_);
}

const dynamic_value* dynamic_value::find(std::string_view name) const noexcept {
  const object* members = as_object();
  if (members == nullptr)
    return nullptr;
  const auto found =
      std::find_if(members->rbegin(), members->rend(),
                   [&](const dynamic_member& x) { return x.name == name; });
  return found == members->rend() ? nullptr : &found->value;
}

dynamic_value* dynamic_value::find(std::string_view name) noexcept {
  return const_cast<dynamic_value*>(std::as_const(*this).find(name));
}

namespace {

template <class T>
const T& expected(const T* found, std::string_view what,
                  const dynamic_value& value) {
  if (found == nullptr)
    throw wrong_value{std::string{"expected "}.append(what).append(", found ")
                      + detail::describe(value)};
  return *found;
}

} // namespace

const dynamic_value& dynamic_value::at(std::string_view name) const {
  const dynamic_value* const found = find(name);
  if (found == nullptr)
    throw wrong_value{std::string{"expected a field \""}.append(name)
                      + "\", found "
                      + (as_object() == nullptr ? detail::describe(*this)
                                                : std::string{"none"})};
  return *found;
}

dynamic_value& dynamic_value::at(std::string_view name) {
  return const_cast<dynamic_value&>(std::as_const(*this).at(name));
}

bool dynamic_value::to_bool() const {
  return expected(as_bool(), "bool", *this);
}

std::int64_t dynamic_value::to_int() const {
  return expected(as_int(), "integer", *this);
}

std::uint64_t dynamic_value::to_uint() const {
  if (const std::uint64_t* large = as_uint())
    return *large;
  const std::int64_t* const whole = as_int();
  return static_cast<std::uint64_t>(
      expected(whole != nullptr && *whole < 0 ? nullptr : whole,
               "non-negative integer", *this));
}

double dynamic_value::to_double() const {
  double found = 0;
  return expected(detail::dynamic_number(*this, found) ? &found : nullptr,
                  "number", *this);
}

const std::string& dynamic_value::to_string() const {
  return expected(as_string(), "string", *this);
}

const dynamic_value::array& dynamic_value::to_array() const {
  return expected(as_array(), "array", *this);
}

dynamic_value::array& dynamic_value::to_array() {
  return const_cast<array&>(std::as_const(*this).to_array());
}

const dynamic_value::object& dynamic_value::to_object() const {
  return expected(as_object(), "object", *this);
}

dynamic_value& dynamic_value::set(std::string_view name, dynamic_value value) {
  if (as_object() == nullptr)
    content_ = object{};
  if (dynamic_value* known = find(name)) {
    *known = std::move(value);
    return *known;
  }
  object& members = *as_object();
  members.push_back({std::string{name}, std::move(value)});
  return members.back().value;
}

bool dynamic_value::erase(std::string_view name) {
  object* members = as_object();
  return members != nullptr
         && std::erase_if(*members, [&](const dynamic_member& x) {
              return x.name == name;
            }) > 0;
}

bool dynamic_value::rename(std::string_view from, std::string_view to) {
  object* members = as_object();
  if (members == nullptr)
    return false;
  bool found = false;
  for (dynamic_member& each : *members) {
    if (each.name != from)
      continue;
    each.name = to;
    found = true;
  }
  return found;
}

bool operator==(const dynamic_value& left, const dynamic_value& right) {
  return left.content_ == right.content_;
}

namespace {

void write_tree(json_writer& writer, const dynamic_value& value) {
  if (value.is_null()) {
    writer.null();
  } else if (const bool* flag = value.as_bool()) {
    writer.boolean(*flag);
  } else if (const std::int64_t* whole = value.as_int()) {
    writer.integer(*whole);
  } else if (const std::uint64_t* large = value.as_uint()) {
    writer.integer(*large);
  } else if (const double* number = value.as_double()) {
    writer.number(*number);
  } else if (const std::string* text = value.as_string()) {
    writer.string(*text);
  } else if (const dynamic_value::bytes* raw = value.as_bytes()) {
    writer.bytes(raw->content);
  } else if (const dynamic_value::array* values = value.as_array()) {
    writer.begin_array();
    for (const dynamic_value& each : *values)
      write_tree(writer, each);
    writer.end_array();
  } else {
    writer.begin_object({});
    for (const dynamic_member& each : *value.as_object()) {
      writer.key(each.name);
      write_tree(writer, each.value);
    }
    writer.end_object();
  }
}

} // namespace

void to_json(std::string& out, const dynamic_value& value) {
  json_writer writer{out};
  write_tree(writer, value);
}

std::string to_text(const dynamic_value& value) {
  std::string out;
  json_writer writer{out, json_writer::form::text};
  write_tree(writer, value);
  return out;
}

} // namespace freehold::codec
