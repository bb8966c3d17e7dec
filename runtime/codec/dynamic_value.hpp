#pragma once

#include "runtime/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace freehold::codec {

struct dynamic_member;

/// Thrown by the accessors of `dynamic_value`: something else is there, or
/// nothing.
class wrong_value : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A value whose C++ type is not known: what upcasters work on and what tools
/// print. Objects keep the order of their members; a name may repeat, the last
/// one counts. A plain value type; copies are deep.
class dynamic_value {
public:
  using array = std::vector<dynamic_value>;
  using object = std::vector<dynamic_member>;
  /// Raw bytes. Shown in JSON as lower-case hexadecimal digits.
  struct bytes {
    std::string content;
    friend bool operator==(const bytes&, const bytes&) = default;
  };

  dynamic_value() noexcept;
  dynamic_value(bool value) noexcept;
  dynamic_value(int value) noexcept;
  dynamic_value(std::int64_t value) noexcept;
  dynamic_value(std::uint64_t value);
  dynamic_value(double value) noexcept;
  dynamic_value(const char* value);
  dynamic_value(std::string_view value);
  dynamic_value(std::string value) noexcept;
  dynamic_value(bytes value) noexcept;
  dynamic_value(array value) noexcept;
  dynamic_value(object value) noexcept;
  dynamic_value(const dynamic_value&);
  dynamic_value(dynamic_value&&) noexcept;
  dynamic_value& operator=(const dynamic_value&);
  dynamic_value& operator=(dynamic_value&&) noexcept;
  ~dynamic_value();

  [[nodiscard]] bool is_null() const noexcept;
  /// Each gives null when the value is of another kind. Non-negative integers
  /// are held as int64 when they fit; `as_uint` is for the larger ones only.
  [[nodiscard]] const bool* as_bool() const noexcept;
  [[nodiscard]] const std::int64_t* as_int() const noexcept;
  [[nodiscard]] const std::uint64_t* as_uint() const noexcept;
  [[nodiscard]] const double* as_double() const noexcept;
  [[nodiscard]] const std::string* as_string() const noexcept;
  [[nodiscard]] const bytes* as_bytes() const noexcept;
  [[nodiscard]] const array* as_array() const noexcept;
  [[nodiscard]] array* as_array() noexcept;
  [[nodiscard]] const object* as_object() const noexcept;
  [[nodiscard]] object* as_object() noexcept;

  /// The member of that name, or null; also null when this is no object.
  [[nodiscard]] const dynamic_value* find(std::string_view name) const noexcept;
  [[nodiscard]] dynamic_value* find(std::string_view name) noexcept;
  /// What upcasters use, so that input that lacks what they expect is refused
  /// and not dereferenced: each throws `wrong_value`, which the readers turn
  /// into an `undecodable`.
  [[nodiscard]] const dynamic_value& at(std::string_view name) const;
  [[nodiscard]] dynamic_value& at(std::string_view name);
  [[nodiscard]] bool to_bool() const;
  /// An integer that fits.
  [[nodiscard]] std::int64_t to_int() const;
  /// Any non-negative integer.
  [[nodiscard]] std::uint64_t to_uint() const;
  /// Any number.
  [[nodiscard]] double to_double() const;
  [[nodiscard]] const std::string& to_string() const;
  [[nodiscard]] const array& to_array() const;
  [[nodiscard]] array& to_array();
  [[nodiscard]] const object& to_object() const;

  /// Sets or appends a member. Anything but an object becomes one first.
  /// Returns the member's value.
  dynamic_value& set(std::string_view name, dynamic_value value);
  /// Removes every member of that name; whether there was one.
  bool erase(std::string_view name);
  /// Gives a member another name, in its place; whether there was one.
  bool rename(std::string_view from, std::string_view to);

  /// For objects read with a schema: the version their struct had when it was
  /// written. 0 when unknown.
  [[nodiscard]] std::uint32_t stored_version() const noexcept {
    return stored_version_;
  }
  void stored_version(std::uint32_t value) noexcept { stored_version_ = value; }

  /// Same kind and content; stored versions are not compared.
  friend bool operator==(const dynamic_value& left, const dynamic_value& right);

private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
               std::string, bytes, array, object>
      content_;
  std::uint32_t stored_version_ = 0;
};

/// One member of an object.
struct dynamic_member {
  std::string name;
  dynamic_value value;
  friend bool operator==(const dynamic_member&,
                         const dynamic_member&) = default;
};

/// Appends the value as JSON.
void to_json(std::string& out, const dynamic_value& value);

/// Reads any JSON text (RFC 8259, UTF-8, nothing behind the value). Integers
/// are exact from -2^63 to 2^64 - 1, larger ones become doubles. Errors:
/// `undecodable`, with the byte position.
[[nodiscard]] result<dynamic_value> parse_json(std::string_view text);

/// The same, but of an object only the members of these names are kept, which
/// is several times faster where they are few. The others are checked as
/// closely.
[[nodiscard]] result<dynamic_value>
parse_json_fields(std::string_view text,
                  std::span<const std::string_view> names);

/// Reads any self-describing MessagePack value. Keys of maps become strings.
/// Errors: `undecodable`, with the byte position.
[[nodiscard]] result<dynamic_value> parse_msgpack(std::string_view bytes);

/// The form for logs, `{price: 12300, description: "x"}`.
[[nodiscard]] std::string to_text(const dynamic_value& value);

} // namespace freehold::codec
