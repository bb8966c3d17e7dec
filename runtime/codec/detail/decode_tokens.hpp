#pragma once

#include "runtime/codec/detail/decode_words.hpp"
#include "runtime/codec/json_tokens.hpp"
#include "runtime/codec/json_writer.hpp"

#include <cstring>
#include <utility>

/// From the tokens of a JSON text to a described type without a tree in
/// between: the way of almost every message. It accepts only what the way
/// through the tree (`decode_dynamic.hpp`) accepts, with the same value; where
/// it returns false it says nothing, and that way is gone to say why.
namespace freehold::codec::detail {

template <class T>
[[nodiscard]] bool read_token_struct(json_reader& in, T& into,
                                     decode_failure& failure);

template <class F>
// NOLINTNEXTLINE(readability-function-size): one case per kind
[[nodiscard]] bool read_token(json_reader& in, F& into,
                              decode_failure& failure) {
  constexpr field_kind kind = kind_of<F>();
  static_cast<void>(sizeof(field_type_cannot_be_encoded<F>));
  if constexpr (kind == field_kind::custom) {
    typename value_codec<F>::primitive raw{};
    return read_token(in, raw, failure)
           && from_primitive<F>(std::move(raw), into, failure);
  } else if constexpr (kind == field_kind::boolean) {
    return in.boolean(into);
  } else if constexpr (kind == field_kind::integer) {
    std::uint64_t bits = 0;
    bool negative = false;
    return in.integer(bits, negative) && narrow(bits, negative, into);
  } else if constexpr (kind == field_kind::number) {
    std::string_view word;
    return in.number(into) || (in.string(word) && number_of_word(word, into));
  } else if constexpr (kind == field_kind::string
                       || kind == field_kind::string_view) {
    std::string_view view;
    if (!in.string(view)) [[unlikely]]
      return false;
    into = view;
    return true;
  } else if constexpr (kind == field_kind::enumerator) {
    std::string_view name;
    return in.string(name) && enumeration<F>::find(name, into);
  } else if constexpr (kind == field_kind::optional) {
    if (in.null()) {
      into.reset();
      return true;
    }
    return read_token(in, into.emplace(), failure);
  } else if constexpr (kind == field_kind::vector) {
    json_reader::items elements;
    if (!in.begin_array(elements)) [[unlikely]]
      return false;
    into.clear();
    while (elements.more(in)) {
      if (!failure.charge(sizeof(typename F::value_type))) [[unlikely]]
        return false;
      typename F::value_type value{};
      if (!read_token(in, value, failure)) [[unlikely]]
        return false;
      into.push_back(std::move(value));
    }
    return true;
  } else if constexpr (kind == field_kind::map) {
    json_reader::items members;
    if (!in.begin_object(members)) [[unlikely]]
      return false;
    into.clear();
    while (members.more(in)) {
      std::string_view name;
      typename F::key_type key{};
      if (!in.string(name) || !key_from_text(name, key, failure)
          || !failure.charge(map_element_bytes<F>)) [[unlikely]]
        return false;
      const auto [at, fresh] = into.try_emplace(std::move(key));
      if (!fresh) [[unlikely]] // the last one counts, as a whole
        at->second = typename F::mapped_type{};
      if (!read_token(in, at->second, failure)) [[unlikely]]
        return false;
    }
    return true;
  } else if constexpr (kind == field_kind::bytes) {
    constexpr std::size_t size = byte_array_traits<F>::size;
    std::string_view digits;
    std::string bytes;
    if (!in.string(digits) || digits.size() != 2 * size
        || !parse_hex(digits, bytes)) [[unlikely]]
      return false;
    if constexpr (size > 0)
      std::memcpy(into.data(), bytes.data(), size);
    return true;
  } else if constexpr (kind == field_kind::tagged_integer) {
    typename F::rep raw{};
    if (!read_token(in, raw, failure)) [[unlikely]]
      return false;
    into = F{raw};
    return true;
  } else if constexpr (kind == field_kind::structure) {
    return read_token_struct(in, into, failure);
  } else {
    return false;
  }
}

template <class T, std::size_t I>
[[nodiscard]] bool read_token_field(json_reader& in, T& into,
                                    decode_failure& failure) {
  static_assert(!std::is_same_v<field_type<T, I>, std::string_view>,
                "freehold::codec: a std::string_view field can be encoded "
                "only; it would dangle once decoded");
  if constexpr (null_is_default<T, I>())
    if (in.null()) [[unlikely]] {
      reset_field<T, I>(into);
      return true;
    }
  return read_token(in, into.*member_at<T, I>::pointer, failure);
}

/// A member whose name is not the one that was expected.
template <class T>
[[nodiscard]] bool read_token_member(json_reader& in, T& into,
                                     std::uint64_t& seen,
                                     decode_failure& failure) {
  using reader = bool (*)(json_reader&, T&, decode_failure&);
  static constexpr auto readers =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<reader, sizeof...(I)>{&read_token_field<T, I>...};
  }
  (typename description<T>::indices{});
  static constexpr auto resets =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<void (*)(T&), sizeof...(I)>{&reset_field<T, I>...};
  }
  (typename description<T>::indices{});
  std::string_view name;
  if (!in.string(name)) [[unlikely]]
    return false;
  const std::size_t index = field_index<T>(name, 0);
  if (index == readers.size()) {
    in.skip();
    return true;
  }
  // Of a name that repeats the last one counts, as a whole.
  if ((seen >> index & 1U) != 0) [[unlikely]]
    resets[index](into);
  seen |= std::uint64_t{1} << index;
  return readers[index](in, into, failure);
}

/// @pre `into` has its initial value.
template <class T>
bool read_token_struct(json_reader& in, T& into, decode_failure& failure) {
  json_reader::items members;
  if (!in.begin_object(members)) [[unlikely]]
    return false;
  std::uint64_t seen = 0;
  // The fields in their present order, as long as they come that way. Absent
  // optionals do not end it.
  const bool good = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ([&] {
      if (!members.more(in) || !in.name(field_name<member_at<T, I>>::plain))
        return true;
      seen |= std::uint64_t{1} << I;
      return read_token_field<T, I>(in, into, failure);
    }() && ...);
  }
  (typename description<T>::indices{});
  if (!good) [[unlikely]]
    return false;
  while (members.more(in))
    if (!read_token_member(in, into, seen, failure)) [[unlikely]]
      return false;
  constexpr std::uint64_t required = description<T>::required;
  return (seen & required) == required;
}

} // namespace freehold::codec::detail
