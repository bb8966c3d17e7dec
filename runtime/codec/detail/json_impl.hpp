#pragma once

#include "runtime/codec/detail/decode_dynamic.hpp"
#include "runtime/codec/detail/encode.hpp"
#include "runtime/codec/json.hpp"

namespace freehold::codec {

template <described T>
void to_json(std::string& out, const T& value) {
  static_cast<void>(type_name<T>());
  json_writer writer{out};
  detail::write_struct<detail::layout::named>(writer, value);
}

template <described T>
result<T> from_dynamic(dynamic_value fields, std::uint32_t version) {
  if (version > type_version<T>())
    return newer_version(type_name<T>(), version, type_version<T>());
  fields.stored_version(version);
  decode_failure failure;
  result<T> into{T{}};
  if (!detail::read_fields(fields, *into, failure))
    return failure.to_error(type_name<T>());
  return into;
}

template <described T>
result<T> from_json(std::string_view text, std::uint32_t version) {
  result<dynamic_value> tree = parse_json(text);
  if (!tree)
    return detail::of_type(type_name<T>(), tree.error());
  return from_dynamic<T>(std::move(tree).value(), version);
}

} // namespace freehold::codec
