#pragma once

#include "runtime/codec/detail/decode_dynamic.hpp"
#include "runtime/codec/detail/decode_packed.hpp"
#include "runtime/codec/detail/encode.hpp"
#include "runtime/codec/detail/json_impl.hpp"
#include "runtime/codec/json.hpp"
#include "runtime/codec/message_pack.hpp"

namespace freehold::codec {

template <described T>
void to_msgpack(std::string& out, const T& value) {
  static_cast<void>(type_name<T>());
  msgpack_writer writer{out};
  detail::write_struct<detail::layout::named>(writer, value);
}

template <described T>
result<T> from_msgpack(std::string_view bytes, std::uint32_t version) {
  constexpr std::uint32_t present = type_version<T>();
  if (version == 0)
    return no_version(type_name<T>());
  if (version > present)
    return newer_version(type_name<T>(), version, present);
  if (version < present && detail::has_upcast<T>) {
    result<dynamic_value> tree = detail::parse_message(bytes);
    if (!tree)
      return detail::of_type(type_name<T>(), tree.error());
    return detail::from_tree<T>(std::move(tree).value(), version,
                                decoded_bytes_max(bytes.size()));
  }
  msgpack_reader in{bytes};
  decode_failure failure{decoded_bytes_max(bytes.size())};
  result<T> into{std::in_place};
  if (detail::read_struct(in, *into, detail::by_name{}, failure)
      && detail::read_end(in, failure)) [[likely]]
    return into;
  if (failure.is_missing_field() && version < present)
    failure.no_upcaster(type_name<T>(), version, present);
  return failure.to_error(type_name<T>());
}

} // namespace freehold::codec
