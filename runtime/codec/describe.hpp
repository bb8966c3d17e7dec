#pragma once

#include "runtime/base/result.hpp"
#include "runtime/base/tagged.hpp"
#include "runtime/codec/encode_failure.hpp"
#include "runtime/codec/nesting_depth.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// One description per type gives every external form.
///
///     struct list_property {
///       static constexpr std::string_view type = "ListProperty";
///       static constexpr std::uint32_t version = 2;          // default 1
///       static constexpr std::array<std::string_view, 1> defaulted{"views"};
///       std::int64_t price = 0;
///       std::uint32_t views = 0;
///       std::optional<std::string> note;
///     };
///     BOOST_DESCRIBE_STRUCT(list_property, (), (price, views, note))
///
/// * `type`: the name in every form; top-level types must have it.
/// * `version`: raise it when the fields change their meaning or number.
/// * `defaulted`: the members (as spelled in C++) that keep their initial
///   value when the input lacks them. All others but `std::optional` ones are
///   required.
/// * `static void upcast(std::uint32_t from, codec::dynamic_value& fields)`
///   (or one returning `result<void>`): lifts the fields of an older version.
///
/// Fields are bool, integers, double, `std::string`, described enums and
/// structs, `tagged` integers, `std::optional`, `std::vector`, `std::map` with
/// string or integer keys, `std::array<char or uint8_t, N>` (fixed bytes) and
/// what `value_codec` adds. `std::string_view` can be encoded only.
namespace freehold::codec {

class dynamic_value;

/// A struct whose members Boost.Describe knows.
template <class T>
concept described =
    std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

/// An enum whose enumerators Boost.Describe knows. External forms carry the
/// enumerators' names; a value without one cannot be encoded.
template <class T>
concept described_enum =
    std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

/// The extension point for an author's own value types. A specialisation has
///
/// * `using primitive = ...;` bool, an integer, double, `std::string`,
///   `std::string_view` (a view into the value or the input) or a byte array;
/// * `static primitive to_primitive(const T&);` or returning what converts to
///   it, as a `std::string` does to a view;
/// * `static T from_primitive(primitive);` or the same with `result<T>`, whose
///   error's context becomes part of the decoder's.
///
/// It must be visible wherever the type is encoded or decoded.
template <class T>
struct value_codec;

template <class T>
concept has_value_codec = requires {
  typename value_codec<T>::primitive;
};

/// Bare name of any type, for nested structs without a `type` member.
template <class T>
[[nodiscard]] constexpr std::string_view cpp_name() noexcept {
  std::string_view all = __PRETTY_FUNCTION__;
  // "... [with T = a::b; std::string_view = ...]" or "... [T = a::b]"
  const std::size_t start = all.find("T = ") + 4;
  std::string_view name = all.substr(start);
  name = name.substr(0, name.find_first_of("<;]"));
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The name of a type in the outside world: its `type` member. A compile error
/// for types without one.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
  static_assert(
      requires { std::string_view{T::type}; },
      "freehold::codec: a top-level message or state needs "
      "`static constexpr std::string_view type = \"...\";`");
  return T::type;
}

/// Like `type_name`, with the C++ name for structs that have no `type`.
template <class T>
[[nodiscard]] constexpr std::string_view shown_type_name() noexcept {
  if constexpr (requires { std::string_view{T::type}; })
    return T::type;
  else {
    constexpr std::string_view found = cpp_name<T>(); // not at each call
    return found;
  }
}

/// The version of a type's description: its `version` member, or 1.
template <class T>
[[nodiscard]] constexpr std::uint32_t type_version() noexcept {
  if constexpr (requires { std::uint32_t{T::version}; }) {
    static_assert(T::version >= 1, "freehold::codec: versions start at 1");
    return T::version;
  } else {
    return 1;
  }
}

namespace detail {

template <class T>
concept has_upcast = requires(std::uint32_t from, dynamic_value& fields) {
  T::upcast(from, fields);
};

template <class T>
using members_of =
    boost::describe::describe_members<T, boost::describe::mod_public
                                             | boost::describe::mod_inherited>;

template <class T>
inline constexpr std::size_t field_count_of =
    boost::mp11::mp_size<members_of<T>>::value;

template <class T, std::size_t I>
using member_at = boost::mp11::mp_at_c<members_of<T>, I>;

template <class T, std::size_t I>
using field_type =
    std::remove_cvref_t<decltype(std::declval<T&>().*member_at<T, I>::pointer)>;

/// A member's name in the forms the writers append without further work.
template <class D>
struct field_name {
private:
  static constexpr std::size_t size = [] {
    std::size_t kept = 0;
    for (char each : std::string_view{D::name})
      kept += each != '_';
    return kept;
  }();
  static_assert(size > 0 && size < 256);
  static constexpr std::size_t header = size < 32 ? 1 : 2;

  static constexpr auto camel = [] {
    std::array<char, size> out{};
    std::size_t at = 0;
    bool raise = false;
    for (char each : std::string_view{D::name}) {
      if (each == '_') {
        raise = at > 0;
        continue;
      }
      const bool lower = each >= 'a' && each <= 'z';
      out[at++] = raise && lower ? static_cast<char>(each - 'a' + 'A') : each;
      raise = false;
    }
    return out;
  }();
  static constexpr auto packed_bytes = [] {
    std::array<char, size + header> out{};
    if (header == 1) {
      out[0] = static_cast<char>(0xA0U | size);
    } else {
      out[0] = static_cast<char>(0xD9U);
      out[1] = static_cast<char>(size);
    }
    for (std::size_t i = 0; i < size; ++i)
      out[header + i] = camel[i];
    return out;
  }();
  static constexpr auto json_bytes = [] {
    std::array<char, size + 3> out{};
    out[0] = '"';
    for (std::size_t i = 0; i < size; ++i)
      out[1 + i] = camel[i];
    out[size + 1] = '"';
    out[size + 2] = ':';
    return out;
  }();

public:
  /// `propertyId`
  static constexpr std::string_view plain{camel.data(), size};
  /// The name as a MessagePack string.
  static constexpr std::string_view packed{packed_bytes.data(), size + header};
  /// `"propertyId":`
  static constexpr std::string_view json{json_bytes.data(), size + 3};
};

template <class T>
struct optional_traits : std::false_type {};
template <class V>
struct optional_traits<std::optional<V>> : std::true_type {
  using item = V;
};

template <class T>
struct vector_traits : std::false_type {};
template <class V, class A>
struct vector_traits<std::vector<V, A>> : std::true_type {
  using item = V;
};

template <class T>
struct map_traits : std::false_type {};
template <class K, class V, class C, class A>
struct map_traits<std::map<K, V, C, A>> : std::true_type {
  using key = K;
  using item = V;
};

template <class T>
struct byte_array_traits : std::false_type {};
template <std::size_t N>
struct byte_array_traits<std::array<char, N>> : std::true_type {
  static constexpr std::size_t size = N;
};
template <std::size_t N>
struct byte_array_traits<std::array<std::uint8_t, N>> : std::true_type {
  static constexpr std::size_t size = N;
};

template <class T>
struct tagged_traits : std::false_type {};
template <class Tag, class Rep>
struct tagged_traits<tagged<Tag, Rep>> : std::true_type {
  using rep = Rep;
};

/// Integral types that are no numbers.
using no_numbers =
    boost::mp11::mp_list<bool, char, wchar_t, char8_t, char16_t, char32_t>;

template <class T>
concept plain_integer =
    std::is_integral_v<T> && !boost::mp11::mp_contains<no_numbers, T>::value;

enum class field_kind : std::uint8_t {
  unknown,
  custom,
  boolean,
  integer,
  number,
  string,
  string_view,
  enumerator,
  optional,
  vector,
  map,
  bytes,
  tagged_integer,
  structure,
};

template <class F>
[[nodiscard]] constexpr field_kind kind_of() noexcept {
  if constexpr (has_value_codec<F>)
    return field_kind::custom;
  else if constexpr (std::is_same_v<F, bool>)
    return field_kind::boolean;
  else if constexpr (plain_integer<F>)
    return field_kind::integer;
  else if constexpr (std::is_same_v<F, double>)
    return field_kind::number;
  else if constexpr (std::is_same_v<F, std::string>)
    return field_kind::string;
  else if constexpr (std::is_same_v<F, std::string_view>)
    return field_kind::string_view;
  else if constexpr (described_enum<F>)
    return field_kind::enumerator;
  else if constexpr (optional_traits<F>::value)
    return field_kind::optional;
  else if constexpr (vector_traits<F>::value)
    return field_kind::vector;
  else if constexpr (map_traits<F>::value)
    return field_kind::map;
  else if constexpr (byte_array_traits<F>::value)
    return field_kind::bytes;
  else if constexpr (tagged_traits<F>::value)
    return field_kind::tagged_integer;
  else if constexpr (described<F>)
    return field_kind::structure;
  else
    return field_kind::unknown;
}

/// Instantiated for a type no form knows; the compiler names it as `F`.
template <class F>
struct field_type_cannot_be_encoded {
  static_assert(kind_of<F>() != field_kind::unknown,
                "freehold::codec: a field of this type cannot be encoded: "
                "describe it with BOOST_DESCRIBE_STRUCT or "
                "BOOST_DESCRIBE_ENUM, or specialise "
                "freehold::codec::value_codec for it");
};
template <class V>
struct field_type_cannot_be_encoded<std::optional<std::optional<V>>> {
  static_assert(!sizeof(V*),
                "freehold::codec: an optional of an optional cannot be "
                "encoded: no form tells an empty one inside from an empty one "
                "outside; use a described struct or an enum");
};

/// Whether the type declares the member as keeping its initial value when the
/// input lacks it.
template <class T>
[[nodiscard]] constexpr bool declared_default(std::string_view member) {
  if constexpr (requires { T::defaulted.begin(); }) {
    for (std::string_view each : T::defaulted)
      if (each == member)
        return true;
  }
  static_cast<void>(member);
  return false;
}

template <class T, std::size_t I>
[[nodiscard]] constexpr bool field_required() {
  return !optional_traits<field_type<T, I>>::value
         && !declared_default<T>(member_at<T, I>::name);
}

/// Every name in `T::defaulted` is a member.
template <class T>
[[nodiscard]] constexpr bool defaulted_names_exist() {
  if constexpr (requires { T::defaulted.begin(); }) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      for (std::string_view each : T::defaulted)
        if (!((each == member_at<T, I>::name) || ...))
          return false;
      return true;
    }
    (std::make_index_sequence<field_count_of<T>>{});
  }
  return true;
}

/// No two members have one external name.
template <class T>
[[nodiscard]] constexpr bool external_names_differ() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    const std::array<std::string_view, sizeof...(I)> names{
        field_name<member_at<T, I>>::plain...};
    for (std::size_t i = 0; i < names.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (names[i] == names[j])
          return false;
    return true;
  }
  (std::make_index_sequence<field_count_of<T>>{});
}

/// What is checked once per described type.
template <class T>
struct description {
  static constexpr std::size_t size = field_count_of<T>;
  using indices = std::make_index_sequence<size>;
  static_assert(size <= 64, "freehold::codec: at most 64 fields per struct");
  static_assert(defaulted_names_exist<T>(),
                "freehold::codec: `defaulted` names a member that is not "
                "described; spell it as in C++");
  static_assert(external_names_differ<T>(),
                "freehold::codec: two members have the same external name: "
                "underscores are dropped and the letter behind becomes a "
                "capital, so `price` and `price_` are both `price`; rename "
                "one of T in description<T>");
  static constexpr std::uint64_t required =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return ((field_required<T, I>() ? std::uint64_t{1} << I : 0U) | ... | 0U);
  }
  (indices{});
  /// External names by field index.
  static constexpr auto names =
      []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, size>{
        field_name<member_at<T, I>>::plain...};
  }
  (indices{});
};

template <class E>
struct enumeration {
  using list = boost::describe::describe_enumerators<E>;
  static constexpr std::size_t size = boost::mp11::mp_size<list>::value;
  struct entry {
    E value;
    std::string_view name;
  };
  static constexpr auto entries = []<class... D>(boost::mp11::mp_list<D...>) {
    return std::array<entry, size>{entry{D::value, D::name}...};
  }(boost::mp11::mp_rename<list, boost::mp11::mp_list>{});

  static constexpr bool has_zero = [] {
    for (const entry& each : entries)
      if (each.value == E{})
        return true;
    return false;
  }();
  static_assert(has_zero,
                "freehold::codec: no enumerator has the value 0, which is what "
                "an enum is without an initial value, so it could not be "
                "encoded; add one to E in enumeration<E>");

  /// The name, or an empty view for a value that is not described.
  static constexpr std::string_view name_of(E value) noexcept {
    // Most enums count from 0, then the value is the index.
    const auto raw = static_cast<std::underlying_type_t<E>>(value);
    if (raw >= 0 && static_cast<std::size_t>(raw) < size
        && entries[static_cast<std::size_t>(raw)].value == value)
      return entries[static_cast<std::size_t>(raw)].name;
    for (const entry& each : entries)
      if (each.value == value)
        return each.name;
    return {};
  }
  /// The same for writers: throws `encode_failure` instead.
  static constexpr std::string_view written_name(E value) {
    const std::string_view name = name_of(value);
    if (name.empty()) [[unlikely]]
      throw_nameless(cpp_name<E>(), static_cast<std::int64_t>(value));
    return name;
  }
  static constexpr bool find(std::string_view name, E& into) noexcept {
    for (const entry& each : entries)
      if (each.name == name) {
        into = each.value;
        return true;
      }
    return false;
  }
};

} // namespace detail

/// The external (camelCase) names of a described type's fields, in order.
template <described T>
[[nodiscard]] constexpr const auto& field_names() noexcept {
  return detail::description<T>::names;
}

} // namespace freehold::codec
