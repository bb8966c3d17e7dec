#pragma once

#include "runtime/codec/detail/decode_words.hpp"
#include "runtime/codec/json_writer.hpp"
#include "runtime/codec/msgpack_reader.hpp"

#include <algorithm>
#include <cstring>

/// From MessagePack bytes to a described type. A *mode* says how structs lie:
/// `by_name`, `straight` (positional, present layout) or `planned`
/// (positional, another layout; `plan.hpp`).
namespace freehold::codec::detail {

struct by_name {};
struct straight {};

/// Messages come from anybody: their text must be UTF-8 and their size in
/// memory in proportion. Stored states are the program's own bytes; to refuse
/// one would stop its shard.
template <class Mode>
inline constexpr bool of_messages = std::is_same_v<Mode, by_name>;

/// Room taken ahead for a vector whose length only the input vouches for.
inline constexpr std::size_t elements_reserved_max = 256;

template <class Mode, class T>
[[nodiscard]] bool read_struct(msgpack_reader& in, T& into, Mode mode,
                               decode_failure& failure);

[[nodiscard]] bool not_the(std::string_view expected, const msgpack_reader& in,
                           decode_failure& failure);

/// As `parse_msgpack`, but texts must be UTF-8.
[[nodiscard]] result<dynamic_value> parse_message(std::string_view bytes);

/// A key of a map as its text, from a string or an integer.
[[nodiscard]] bool packed_key_text(msgpack_reader& in, std::string& holder,
                                   std::string_view& into);

template <class Key, class Mode>
[[nodiscard]] bool read_packed_key(msgpack_reader& in, Key& into, Mode,
                                   decode_failure& failure) {
  std::string holder;
  std::string_view text;
  const msgpack_reader before = in;
  if (!packed_key_text(in, holder, text))
    return not_the("a string or integer key", in, failure);
  if constexpr (of_messages<Mode>)
    if (!is_utf8(text)) [[unlikely]]
      return not_the("UTF-8 text", before, failure);
  return key_from_text(text, into, failure);
}

template <class Mode, class F>
// NOLINTNEXTLINE(readability-function-size): one case per kind
[[nodiscard]] bool read_packed(msgpack_reader& in, F& into, Mode mode,
                               decode_failure& failure) {
  constexpr field_kind kind = kind_of<F>();
  static_cast<void>(sizeof(field_type_cannot_be_encoded<F>));
  if constexpr (kind == field_kind::custom) {
    typename value_codec<F>::primitive raw{};
    return read_packed(in, raw, mode, failure)
           && from_primitive(std::move(raw), into, failure);
  } else if constexpr (kind == field_kind::boolean) {
    if (!in.boolean(into)) [[unlikely]]
      return not_the("bool", in, failure);
  } else if constexpr (kind == field_kind::integer) {
    const msgpack_reader before = in;
    msgpack_reader::any_integer value;
    if (!in.integer(value) || !narrow(value.bits, value.negative, into))
        [[unlikely]]
      return not_the(integer_words<F>(), before, failure);
  } else if constexpr (kind == field_kind::number) {
    if (!in.number(into)) [[unlikely]]
      return not_the("number", in, failure);
  } else if constexpr (kind == field_kind::string
                       || kind == field_kind::string_view) {
    std::string_view view;
    const msgpack_reader before = in;
    if (!in.string(view)) [[unlikely]]
      return not_the("string", in, failure);
    if constexpr (of_messages<Mode>)
      if (!is_utf8(view)) [[unlikely]]
        return not_the("UTF-8 text", before, failure);
    into = view;
  } else if constexpr (kind == field_kind::enumerator) {
    const msgpack_reader before = in;
    std::string_view view;
    if (!in.string(view) || !enumeration<F>::find(view, into)) [[unlikely]]
      return not_the(enumerator_words<F>(), before, failure);
  } else if constexpr (kind == field_kind::optional) {
    if (in.nil()) {
      into.reset();
      return true;
    }
    return read_packed(in, into.emplace(), mode, failure);
  } else if constexpr (kind == field_kind::vector) {
    std::size_t count = 0;
    if (!in.enter() || !in.array(count)) [[unlikely]]
      return not_the("array", in, failure);
    into.clear();
    if constexpr (of_messages<Mode>)
      if (!failure.charge(count, sizeof(typename F::value_type))) [[unlikely]]
        return false;
    into.reserve(std::min(count, elements_reserved_max));
    for (std::size_t i = 0; i < count; ++i) {
      typename F::value_type value{};
      if (!read_packed(in, value, mode, failure)) [[unlikely]]
        return failure.in_element(i);
      into.push_back(std::move(value));
    }
    in.leave();
  } else if constexpr (kind == field_kind::map) {
    std::size_t count = 0;
    if (!in.enter() || !in.map(count)) [[unlikely]]
      return not_the("object", in, failure);
    into.clear();
    if constexpr (of_messages<Mode>)
      if (!failure.charge(count, map_element_bytes<F>)) [[unlikely]]
        return false;
    for (std::size_t i = 0; i < count; ++i) {
      typename F::key_type key{};
      if (!read_packed_key(in, key, mode, failure)) [[unlikely]]
        return failure.in_element(i);
      const auto [at, fresh] = into.try_emplace(std::move(key));
      if (!fresh) [[unlikely]] // the last one counts, as a whole
        at->second = typename F::mapped_type{};
      if (!read_packed(in, at->second, mode, failure)) [[unlikely]]
        return failure.in_element(i);
    }
    in.leave();
  } else if constexpr (kind == field_kind::bytes) {
    constexpr std::size_t size = byte_array_traits<F>::size;
    const msgpack_reader before = in;
    std::string_view view;
    if (!in.bytes(view) || view.size() != size) [[unlikely]]
      return not_the(std::to_string(size) + " bytes", before, failure);
    if constexpr (size > 0)
      std::memcpy(into.data(), view.data(), size);
  } else if constexpr (kind == field_kind::tagged_integer) {
    typename F::rep raw{};
    if (!read_packed(in, raw, mode, failure))
      return false;
    into = F{raw};
  } else if constexpr (kind == field_kind::structure) {
    return read_struct(in, into, mode, failure);
  }
  return true;
}

template <class Mode, class T, std::size_t I>
[[nodiscard]] bool read_packed_field(msgpack_reader& in, T& into, Mode mode,
                                     decode_failure& failure) {
  static_assert(!std::is_same_v<field_type<T, I>, std::string_view>,
                "freehold::codec: a std::string_view field can be encoded "
                "only; it would dangle once decoded");
  if constexpr (null_is_default<T, I>())
    if (in.nil()) [[unlikely]] {
      reset_field<T, I>(into);
      return true;
    }
  if (read_packed(in, into.*member_at<T, I>::pointer, mode, failure)) [[likely]]
    return true;
  return failure.in_field(description<T>::names[I]);
}

/// The field readers of a type by index, for the layouts that are not known
/// at compile time.
template <class Mode, class T>
struct field_readers {
  using reader = bool (*)(msgpack_reader&, T&, Mode, decode_failure&);
  static constexpr auto table =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<reader, sizeof...(I)>{&read_packed_field<Mode, T, I>...};
  }
  (typename description<T>::indices{});
  static constexpr auto resets =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<void (*)(T&), sizeof...(I)>{&reset_field<T, I>...};
  }
  (typename description<T>::indices{});
};

template <class T>
[[nodiscard]] bool read_straight(msgpack_reader& in, T& into,
                                 decode_failure& failure) {
  constexpr std::size_t size = description<T>::size;
  const msgpack_reader before = in;
  std::size_t count = 0;
  if (!in.array(count) || count != size) [[unlikely]]
    return not_the("array of " + std::to_string(size), before, failure);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (read_packed_field<straight, T, I>(in, into, {}, failure) && ...);
  }
  (typename description<T>::indices{});
}

/// @pre `into` has its initial value.
template <class T>
[[nodiscard]] bool read_by_name(msgpack_reader& in, T& into,
                                decode_failure& failure) {
  std::size_t count = 0;
  if (!in.map(count)) [[unlikely]]
    return not_the("object", in, failure);
  std::uint64_t seen = 0;
  // The fields in their present order, as long as they come that way. Absent
  // optionals do not end it.
  const bool good = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ([&] {
      if (count == 0 || !in.literal(field_name<member_at<T, I>>::packed))
        return true;
      --count;
      seen |= std::uint64_t{1} << I;
      return read_packed_field<by_name, T, I>(in, into, {}, failure);
    }() && ...);
  }
  (typename description<T>::indices{});
  if (!good) [[unlikely]]
    return false;
  for (; count > 0; --count) {
    std::string holder;
    std::string_view name;
    if (!packed_key_text(in, holder, name))
      return not_the("a field's name", in, failure);
    const std::size_t index = field_index<T>(name, 0);
    if (index == description<T>::size) {
      if (!in.skip())
        return not_the("a value", in, failure) || failure.in_field(name);
      continue;
    }
    // Of a name that repeats the last one counts, as a whole.
    if ((seen >> index & 1U) != 0)
      field_readers<by_name, T>::resets[index](into);
    seen |= std::uint64_t{1} << index;
    if (!field_readers<by_name, T>::table[index](in, into, {}, failure))
      return false;
  }
  return check_seen<T>(seen, failure);
}

template <class Mode, class T>
bool read_struct(msgpack_reader& in, T& into, Mode mode,
                 decode_failure& failure) {
  if (!in.enter()) [[unlikely]]
    return not_the("a shallower value", in, failure);
  bool good = false;
  if constexpr (std::is_same_v<Mode, straight>)
    good = read_straight(in, into, failure);
  else if constexpr (std::is_same_v<Mode, by_name>)
    good = read_by_name(in, into, failure);
  else
    good = mode.read(in, into, failure);
  in.leave();
  return good;
}

/// The whole input is one value: reports what lies behind it.
[[nodiscard]] bool read_end(const msgpack_reader& in, decode_failure& failure);

} // namespace freehold::codec::detail
