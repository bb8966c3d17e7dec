#pragma once

#include "runtime/codec/detail/decode_dynamic.hpp"
#include "runtime/codec/detail/decode_tokens.hpp"
#include "runtime/codec/detail/encode.hpp"
#include "runtime/codec/json.hpp"

namespace freehold::codec {

template <described T>
void to_json(std::string& out, const T& value, bad_text otherwise) {
  static_cast<void>(type_name<T>());
  json_writer writer{out, otherwise == bad_text::refused
                              ? json_writer::form::strict
                              : json_writer::form::json};
  detail::write_struct<detail::layout::named>(writer, value);
}

namespace detail {

/// `decoded_bytes` bounds what the elements may take.
template <described T>
result<T> from_tree(dynamic_value fields, std::uint32_t version,
                    std::size_t decoded_bytes) {
  if (version == 0)
    return no_version(type_name<T>());
  if (version > type_version<T>())
    return newer_version(type_name<T>(), version, type_version<T>());
  fields.stored_version(version);
  decode_failure failure{decoded_bytes};
  result<T> into{std::in_place};
  if (!read_fields(fields, *into, failure))
    return failure.to_error(type_name<T>());
  return into;
}

} // namespace detail

template <described T>
result<T> from_dynamic(dynamic_value fields, std::uint32_t version) {
  return detail::from_tree<T>(std::move(fields), version,
                              std::numeric_limits<std::size_t>::max());
}

template <described T>
result<T> from_json(std::string_view text, std::uint32_t version) {
  const borrowed_tokens tokens;
  if (const result<void> parsed = tokens->parse(text); !parsed) [[unlikely]]
    return detail::of_type(type_name<T>(), parsed.error());
  constexpr std::uint32_t present = type_version<T>();
  const bool is_lifted = detail::has_upcast<T> && version < present;
  if (version != 0 && version <= present && !is_lifted) [[likely]] {
    decode_failure failure{decoded_bytes_max(text.size())};
    json_reader in = tokens->reader();
    result<T> into{std::in_place};
    if (detail::read_token_struct(in, *into, failure)) [[likely]]
      return into;
  }
  // By way of the tree, for an upcaster or to find out what is wrong.
  return detail::from_tree<T>(tokens->tree(), version,
                              decoded_bytes_max(text.size()));
}

} // namespace freehold::codec
