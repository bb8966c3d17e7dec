#pragma once

#include "runtime/codec/describe.hpp"
#include "runtime/codec/json_writer.hpp"
#include "runtime/codec/msgpack_writer.hpp"

#include <charconv>

namespace freehold::codec::detail {

/// How a struct is laid out: fields by position, or each with its name.
enum class layout : std::uint8_t { positional, named };

template <class T, std::size_t N>
[[nodiscard]] inline std::string_view
view_of(const std::array<T, N>& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

template <layout Layout, class Writer, class Key>
void write_key(Writer& writer, const Key& key) {
  constexpr bool packed = std::is_same_v<Writer, msgpack_writer>;
  if constexpr (has_value_codec<Key>) {
    write_key<Layout>(writer, value_codec<Key>::to_primitive(key));
  } else if constexpr (tagged_traits<Key>::value) {
    write_key<Layout>(writer, key.value());
  } else if constexpr (plain_integer<Key>) {
    if constexpr (packed) {
      using wide = std::conditional_t<std::is_signed_v<Key>, std::int64_t,
                                      std::uint64_t>;
      writer.integer(static_cast<wide>(key));
    } else {
      char buffer[24];
      const auto done = std::to_chars(buffer, buffer + sizeof buffer, key);
      writer.key({buffer, static_cast<std::size_t>(done.ptr - buffer)});
    }
  } else {
    static_assert(std::is_convertible_v<const Key&, std::string_view>,
                  "freehold::codec: keys of maps are strings or integers");
    if constexpr (packed && Layout == layout::named)
      if (!is_utf8(key)) [[unlikely]]
        throw_not_text(key);
    if constexpr (packed)
      writer.string(key);
    else
      writer.key(key);
  }
}

template <layout Layout, class Writer, class T>
void write_struct(Writer& writer, const T& value);

template <layout Layout, class Writer, class F>
void write_value(Writer& writer, const F& value) {
  constexpr bool packed = std::is_same_v<Writer, msgpack_writer>;
  constexpr field_kind kind = kind_of<F>();
  static_cast<void>(sizeof(field_type_cannot_be_encoded<F>));
  if constexpr (kind == field_kind::custom) {
    write_value<Layout>(writer,
                        static_cast<const typename value_codec<F>::primitive&>(
                            value_codec<F>::to_primitive(value)));
  } else if constexpr (kind == field_kind::boolean) {
    writer.boolean(value);
  } else if constexpr (kind == field_kind::integer) {
    using wide =
        std::conditional_t<std::is_signed_v<F>, std::int64_t, std::uint64_t>;
    writer.integer(static_cast<wide>(value));
  } else if constexpr (kind == field_kind::number) {
    writer.number(value);
  } else if constexpr (kind == field_kind::string
                       || kind == field_kind::string_view) {
    // States keep any bytes; messages are for others.
    if constexpr (packed && Layout == layout::named)
      if (!is_utf8(value)) [[unlikely]]
        throw_not_text(value);
    writer.string(value);
  } else if constexpr (kind == field_kind::enumerator) {
    if constexpr (packed)
      writer.string(enumeration<F>::written_name(value));
    else
      writer.word(enumeration<F>::written_name(value));
  } else if constexpr (kind == field_kind::optional) {
    if (value)
      write_value<Layout>(writer, *value);
    else
      writer.null();
  } else if constexpr (kind == field_kind::vector) {
    writer.enter();
    if constexpr (packed)
      writer.array(value.size());
    else
      writer.begin_array();
    for (const auto& each : value)
      write_value<Layout, Writer, typename F::value_type>(writer, each);
    if constexpr (!packed)
      writer.end_array();
    writer.leave();
  } else if constexpr (kind == field_kind::map) {
    writer.enter();
    if constexpr (packed)
      writer.map(value.size());
    else
      writer.begin_object({});
    for (const auto& [key, each] : value) {
      write_key<Layout>(writer, key);
      write_value<Layout>(writer, each);
    }
    if constexpr (!packed)
      writer.end_object();
    writer.leave();
  } else if constexpr (kind == field_kind::bytes) {
    writer.bytes(view_of(value));
  } else if constexpr (kind == field_kind::tagged_integer) {
    write_value<Layout>(writer, value.value());
  } else if constexpr (kind == field_kind::structure) {
    write_struct<Layout>(writer, value);
  }
}

template <class T, std::size_t I>
[[nodiscard]] bool field_present(const T& value) {
  if constexpr (optional_traits<field_type<T, I>>::value)
    return (value.*member_at<T, I>::pointer).has_value();
  else
    return true;
}

template <class Writer, class T, std::size_t I>
void write_named_field(Writer& writer, const T& value) {
  using name = field_name<member_at<T, I>>;
  if (!field_present<T, I>(value))
    return;
  if constexpr (std::is_same_v<Writer, msgpack_writer>)
    writer.raw(name::packed);
  else
    writer.field(name::json, name::plain);
  write_value<layout::named>(writer, value.*member_at<T, I>::pointer);
}

template <layout Layout, class Writer, class T>
void write_struct(Writer& writer, const T& value) {
  writer.enter();
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    if constexpr (Layout == layout::positional) {
      writer.array(sizeof...(I));
      (write_value<Layout>(writer, value.*member_at<T, I>::pointer), ...);
    } else {
      if constexpr (std::is_same_v<Writer, msgpack_writer>)
        writer.map((static_cast<std::size_t>(field_present<T, I>(value)) + ...
                    + std::size_t{0}));
      else
        writer.begin_object(shown_type_name<T>());
      (write_named_field<Writer, T, I>(writer, value), ...);
      if constexpr (!std::is_same_v<Writer, msgpack_writer>)
        writer.end_object();
    }
  }
  (typename description<T>::indices{});
  writer.leave();
}

} // namespace freehold::codec::detail
