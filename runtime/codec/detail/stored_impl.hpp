#pragma once

#include "runtime/codec/detail/decode_dynamic.hpp"
#include "runtime/codec/detail/encode.hpp"
#include "runtime/codec/detail/plan.hpp"
#include "runtime/codec/stored.hpp"

namespace freehold::codec {

template <described T>
void to_stored(std::string& out, const T& value) {
  static_cast<void>(type_name<T>());
  msgpack_writer writer{out};
  detail::write_struct<detail::layout::positional>(writer, value);
}

template <described T>
result<stored_reader<T>> stored_reader<T>::create(schema written) {
  const result<void> sound = check_schema(written);
  if (!sound)
    return sound.error();
  if (written.root().type != type_name<T>())
    return error{errc::mismatch, std::string{type_name<T>()}
                                     + ": the stored schema is one of "
                                     + written.root().type};
  detail::plan_builder builder{written, type_version<T>()};
  static_cast<void>(builder.template add<T>(0));
  // An upcaster may supply what is missing; only the values can tell.
  const bool lifted = builder.path == detail::stored_path::lifted;
  if (builder.why.code != errc::ok
      && !(lifted && builder.why.code == errc::missing_upcaster))
    return std::move(builder.why);
  stored_reader made;
  made.written_ = std::move(written);
  made.path_ = builder.path;
  if (builder.path == detail::stored_path::planned)
    made.plans_ = std::move(builder.plans);
  return made;
}

template <described T>
result<void> stored_reader<T>::read(std::string_view bytes, T& into) const {
  decode_failure failure;
  bool good = false;
  if (path_ == detail::stored_path::lifted) {
    result<dynamic_value> tree = stored_to_dynamic(bytes, written_);
    if (!tree)
      return detail::of_type(type_name<T>(), tree.error());
    into = T{};
    good = detail::read_fields(*tree, into, failure);
  } else {
    msgpack_reader in{bytes};
    if (path_ == detail::stored_path::straight)
      good = detail::read_struct(in, into, detail::straight{}, failure);
    else
      good = detail::read_struct(in, into, detail::planned{plans_.data(), 0},
                                 failure);
    good = good && detail::read_end(in, failure);
  }
  if (good) [[likely]]
    return {};
  return failure.to_error(type_name<T>());
}

} // namespace freehold::codec
