#pragma once

#include "runtime/codec/describe.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/codec/json_writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace freehold::codec {

/// Appends the value as a JSON object. Empty optionals are left out, fixed
/// bytes become hexadecimal digits, doubles that are no finite number the
/// strings `"NaN"`, `"Infinity"`, `"-Infinity"`; bytes that are not UTF-8
/// become U+FFFD, or with `bad_text::refused` an `encode_failure`. Throws
/// `encode_failure`.
template <described T>
void to_json(std::string& out, const T& value,
             bad_text otherwise = bad_text::replaced);

/// Reads a message that was written with `version`. Unknown fields are
/// ignored. Errors, with type, field path, what was expected and found:
///
/// * `undecodable`: malformed text, missing field, wrong type, out of range;
/// * `missing_upcaster`: an older version lacks a field and has no upcaster;
/// * `mismatch`: the version is newer than this program's.
template <described T>
[[nodiscard]] result<T> from_json(std::string_view text,
                                  std::uint32_t version = type_version<T>());

/// A tree as read by `parse_json` or `parse_msgpack`, to a type. Same rules.
template <described T>
[[nodiscard]] result<T> from_dynamic(dynamic_value fields,
                                     std::uint32_t version = type_version<T>());

} // namespace freehold::codec

#include "runtime/codec/detail/json_impl.hpp"
