#pragma once

#include "runtime/codec/decode_failure.hpp"
#include "runtime/codec/describe.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <charconv>
#include <exception>
#include <new>
#include <type_traits>

/// What the decoders of all forms share: words for errors and small steps.
namespace freehold::codec::detail {

template <class T>
struct result_traits : std::false_type {};
template <class T>
struct result_traits<result<T>> : std::true_type {};

/// `"abc"`, or of a longer text its front and how much is left.
[[nodiscard]] std::string shown_string(std::string_view text);

/// The numbers that JSON has no digits for: `NaN`, `Infinity`, `-Infinity`.
[[nodiscard]] bool number_of_word(std::string_view word, double& into);

template <class F>
[[gnu::cold]] std::string integer_words() {
  return "integer " + std::to_string(std::numeric_limits<F>::min()) + ".."
         + std::to_string(std::numeric_limits<F>::max());
}

template <class E>
[[gnu::cold]] std::string enumerator_words() {
  std::string out = "one of";
  std::string_view mark = " ";
  for (const auto& each : enumeration<E>::entries) {
    out.append(mark).append(each.name);
    mark = ", ";
  }
  return out;
}

/// Stores an integer of either sign; false when it does not fit.
template <class F>
[[nodiscard]] bool narrow(std::uint64_t bits, bool negative, F& into) noexcept {
  if (negative) {
    if constexpr (std::is_signed_v<F>) {
      const auto value = static_cast<std::int64_t>(bits);
      if (value < static_cast<std::int64_t>(std::numeric_limits<F>::min()))
        return false;
      into = static_cast<F>(value);
      return true;
    } else {
      return false;
    }
  }
  if (bits > static_cast<std::uint64_t>(std::numeric_limits<F>::max()))
    return false;
  into = static_cast<F>(bits);
  return true;
}

/// Finishes a value of an author's type.
template <class F>
[[nodiscard]] bool from_primitive(typename value_codec<F>::primitive&& raw,
                                  F& into, decode_failure& failure) {
  try {
    auto made = value_codec<F>::from_primitive(std::move(raw));
    if constexpr (result_traits<decltype(made)>::value) {
      if (!made)
        return failure.other(errc::undecodable, made.error().context);
      into = std::move(made).value();
    } else {
      into = std::move(made);
    }
  } catch (const std::bad_alloc&) {
    throw;                                 // says nothing about the value
  } catch (const std::exception& thrown) { // an author's code
    return failure.other(errc::undecodable, thrown.what());
  }
  return true;
}

/// What an element of a map takes: the pair and its node.
template <class Map>
inline constexpr std::size_t
    map_element_bytes = sizeof(typename Map::value_type) + 4 * sizeof(void*);

/// A key of a map from its text form.
template <class Key>
[[nodiscard]] bool key_from_text(std::string_view text, Key& into,
                                 decode_failure& failure) {
  if constexpr (has_value_codec<Key>) {
    typename value_codec<Key>::primitive raw{};
    return key_from_text(text, raw, failure)
           && from_primitive(std::move(raw), into, failure);
  } else if constexpr (tagged_traits<Key>::value) {
    typename Key::rep raw{};
    if (!key_from_text(text, raw, failure))
      return false;
    into = Key{raw};
    return true;
  } else if constexpr (plain_integer<Key>) {
    const char* const end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, into);
    if (done.ec != std::errc{} || done.ptr != end)
      return failure.mismatch(integer_words<Key>() + " as a key",
                              shown_string(text));
    return true;
  } else {
    into = Key{text};
    return true;
  }
}

/// The index of a field by its external name, or the number of fields. Tries
/// `expected` first: fields mostly stand in their order.
template <class T>
[[nodiscard]] std::size_t field_index(std::string_view name,
                                      std::size_t expected) noexcept {
  constexpr const auto& names = description<T>::names;
  if (expected < names.size() && names[expected] == name)
    return expected;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name)
      return i;
  return names.size();
}

/// Puts a field back to its initial value.
template <class T, std::size_t I>
[[gnu::cold]] void reset_field(T& into) {
  T initial{};
  into.*member_at<T, I>::pointer = std::move(initial.*member_at<T, I>::pointer);
}

/// Whether a null stands for the initial value of the field.
template <class T, std::size_t I>
[[nodiscard]] constexpr bool null_is_default() {
  return declared_default<T>(member_at<T, I>::name)
         && !optional_traits<field_type<T, I>>::value;
}

/// Reports the first required field that was not seen.
template <class T>
[[nodiscard]] bool check_seen(std::uint64_t seen, decode_failure& failure) {
  constexpr std::uint64_t required = description<T>::required;
  if ((seen & required) == required) [[likely]]
    return true;
  std::size_t index = 0;
  while (((required & ~seen) >> index & 1U) == 0)
    ++index;
  return failure.missing(shown_type_name<T>(), description<T>::names[index]);
}

} // namespace freehold::codec::detail
