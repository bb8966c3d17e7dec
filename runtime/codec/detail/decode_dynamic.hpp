#pragma once

#include "runtime/codec/detail/decode_words.hpp"

#include <cstring>

/// From a `dynamic_value` to a described type: the way of all that goes through
/// an upcaster, and of JSON that is refused.
namespace freehold::codec::detail {

/// `string "abc"`, `integer 3`: a value in an error message.
[[nodiscard]] std::string describe(const dynamic_value& value);

/// Non-template parts of reading one primitive.
[[nodiscard]] bool dynamic_integer(const dynamic_value& from,
                                   std::uint64_t& bits, bool& negative);
[[nodiscard]] bool dynamic_number(const dynamic_value& from, double& into);
/// Bytes as such, or from a string of hexadecimal digits. `holder` keeps them.
[[nodiscard]] bool dynamic_bytes(const dynamic_value& from, std::string& holder,
                                 std::size_t size);

template <class T>
[[nodiscard]] bool read_fields(const dynamic_value& from, T& into,
                               decode_failure& failure);

template <class F>
// NOLINTNEXTLINE(readability-function-size): one case per kind
[[nodiscard]] bool read_value(const dynamic_value& from, F& into,
                              decode_failure& failure) {
  constexpr field_kind kind = kind_of<F>();
  static_cast<void>(sizeof(field_type_cannot_be_encoded<F>));
  if constexpr (kind == field_kind::custom) {
    typename value_codec<F>::primitive raw{};
    return read_value(from, raw, failure)
           && from_primitive(std::move(raw), into, failure);
  } else if constexpr (kind == field_kind::boolean) {
    const bool* value = from.as_bool();
    if (value == nullptr)
      return failure.mismatch("bool", describe(from));
    into = *value;
  } else if constexpr (kind == field_kind::integer) {
    std::uint64_t bits = 0;
    bool negative = false;
    if (!dynamic_integer(from, bits, negative) || !narrow(bits, negative, into))
      return failure.mismatch(integer_words<F>(), describe(from));
  } else if constexpr (kind == field_kind::number) {
    if (!dynamic_number(from, into))
      return failure.mismatch("number", describe(from));
  } else if constexpr (kind == field_kind::string
                       || kind == field_kind::string_view) {
    const std::string* value = from.as_string();
    if (value == nullptr)
      return failure.mismatch("string", describe(from));
    into = *value;
  } else if constexpr (kind == field_kind::enumerator) {
    const std::string* value = from.as_string();
    if (value == nullptr || !enumeration<F>::find(*value, into))
      return failure.mismatch(enumerator_words<F>(), describe(from));
  } else if constexpr (kind == field_kind::optional) {
    if (from.is_null()) {
      into.reset();
      return true;
    }
    return read_value(from, into.emplace(), failure);
  } else if constexpr (kind == field_kind::vector) {
    const dynamic_value::array* values = from.as_array();
    if (values == nullptr)
      return failure.mismatch("array", describe(from));
    into.clear();
    if (!failure.charge(values->size(), sizeof(typename F::value_type)))
      return false;
    into.reserve(values->size());
    for (const dynamic_value& each : *values) {
      typename F::value_type value{};
      if (!read_value(each, value, failure))
        return failure.in_element(into.size());
      into.push_back(std::move(value));
    }
  } else if constexpr (kind == field_kind::map) {
    const dynamic_value::object* members = from.as_object();
    if (members == nullptr)
      return failure.mismatch("object", describe(from));
    into.clear();
    for (const dynamic_member& each : *members) {
      typename F::key_type key{};
      if (!key_from_text(each.name, key, failure)
          || !failure.charge(map_element_bytes<F>))
        return failure.in_key(each.name);
      const auto [at, fresh] = into.try_emplace(std::move(key));
      if (!fresh) // the last one counts, as a whole
        at->second = typename F::mapped_type{};
      if (!read_value(each.value, at->second, failure))
        return failure.in_key(each.name);
    }
  } else if constexpr (kind == field_kind::bytes) {
    std::string holder;
    constexpr std::size_t size = byte_array_traits<F>::size;
    if (!dynamic_bytes(from, holder, size))
      return failure.mismatch(std::to_string(size) + " bytes", describe(from));
    if constexpr (size > 0)
      std::memcpy(into.data(), holder.data(), size);
  } else if constexpr (kind == field_kind::tagged_integer) {
    typename F::rep raw{};
    if (!read_value(from, raw, failure))
      return false;
    into = F{raw};
  } else if constexpr (kind == field_kind::structure) {
    return read_fields(from, into, failure);
  }
  return true;
}

template <class T, std::size_t I>
[[nodiscard]] bool read_dynamic_field(const dynamic_value& from, T& into,
                                      decode_failure& failure) {
  static_assert(!std::is_same_v<field_type<T, I>, std::string_view>,
                "freehold::codec: a std::string_view field can be encoded "
                "only; it would dangle once decoded");
  if constexpr (null_is_default<T, I>())
    if (from.is_null()) {
      reset_field<T, I>(into);
      return true;
    }
  return read_value(from, into.*member_at<T, I>::pointer, failure)
         || failure.in_field(description<T>::names[I]);
}

/// @pre `into` has its initial value.
template <class T>
[[nodiscard]] bool read_present_fields(const dynamic_value& from, T& into,
                                       decode_failure& failure) {
  using reader = bool (*)(const dynamic_value&, T&, decode_failure&);
  static constexpr auto readers =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<reader, sizeof...(I)>{&read_dynamic_field<T, I>...};
  }
  (typename description<T>::indices{});
  static constexpr auto resets =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<void (*)(T&), sizeof...(I)>{&reset_field<T, I>...};
  }
  (typename description<T>::indices{});
  const dynamic_value::object* members = from.as_object();
  if (members == nullptr)
    return failure.mismatch("object", describe(from));
  std::uint64_t seen = 0;
  std::size_t next = 0;
  for (const dynamic_member& each : *members) {
    const std::size_t index = field_index<T>(each.name, next);
    if (index == readers.size())
      continue;
    // Of a name that repeats the last one counts, as a whole.
    if ((seen >> index & 1U) != 0) [[unlikely]]
      resets[index](into);
    if (!readers[index](each.value, into, failure))
      return false;
    seen |= std::uint64_t{1} << index;
    next = index + 1;
  }
  return check_seen<T>(seen, failure);
}

/// Runs the author's upcaster, which may also throw.
template <class T>
[[nodiscard]] bool lift(std::uint32_t stored, dynamic_value& fields,
                        decode_failure& failure) {
  const auto failed = [&](std::string_view why) {
    std::string sentence{"cannot be lifted from version "};
    sentence.append(std::to_string(stored)).append(": ").append(why);
    return failure.other(errc::undecodable, std::move(sentence));
  };
  try {
    if constexpr (std::is_void_v<decltype(T::upcast(stored, fields))>) {
      T::upcast(stored, fields);
    } else {
      const result<void> done = T::upcast(stored, fields);
      if (!done)
        return failure.other(done.error().code, done.error().context);
    }
  } catch (const std::bad_alloc&) {
    throw; // says nothing about the value
  } catch (const std::exception& thrown) {
    return failed(thrown.what());
  } catch (...) {
    return failed("the upcaster threw something that is no std::exception");
  }
  return true;
}

/// Lifts the fields if they are of an older version, then reads them.
template <class T>
[[nodiscard]] bool read_fields(const dynamic_value& from, T& into,
                               decode_failure& failure) {
  constexpr std::uint32_t present = type_version<T>();
  const std::uint32_t stored = from.stored_version();
  if (stored > present)
    return failure.other(
        errc::mismatch,
        newer_version(shown_type_name<T>(), stored, present).context);
  if (stored == 0 || stored == present)
    return read_present_fields(from, into, failure);
  if constexpr (has_upcast<T>) {
    dynamic_value lifted = from;
    lifted.stored_version(0);
    if (!lift<T>(stored, lifted, failure))
      return false;
    return read_present_fields(lifted, into, failure);
  } else {
    if (read_present_fields(from, into, failure))
      return true;
    if (failure.is_missing_field())
      failure.no_upcaster(shown_type_name<T>(), stored, present);
    return false;
  }
}

/// The error of `parse_json` and its like, with the type in front.
[[nodiscard]] error of_type(std::string_view type, error why);

} // namespace freehold::codec::detail
