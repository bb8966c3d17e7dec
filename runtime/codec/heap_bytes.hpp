#pragma once

#include "runtime/codec/describe.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace freehold::codec {

namespace detail {

/// What one allocation costs besides the bytes asked for, about.
inline constexpr std::size_t allocation_bytes = 16;
/// What a node of a map has besides key and value: links and colour.
inline constexpr std::size_t map_node_bytes = 32;

/// Whether a value of `F` can have memory besides its own.
template <class F>
[[nodiscard]] constexpr bool owns_memory() {
  constexpr field_kind kind = kind_of<F>();
  if constexpr (kind == field_kind::string || kind == field_kind::vector
                || kind == field_kind::map)
    return true;
  else if constexpr (kind == field_kind::optional)
    return owns_memory<typename F::value_type>();
  else if constexpr (kind == field_kind::structure)
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (owns_memory<field_type<F, I>>() || ...);
    }
  (std::make_index_sequence<field_count_of<F>>{});
  else return false;
}

/// Of a map in one piece, which may lie in the map itself.
template <class F>
[[nodiscard]] std::size_t flat_bytes_of(const F& value) {
  const std::less<const void*> before;
  const void* const own = std::addressof(value);
  const void* const at = value.capacity() == 0 ? own : &*value.begin();
  if (!before(at, own) && before(at, std::addressof(value) + 1))
    return 0;
  return value.capacity() * sizeof(typename F::value_type) + allocation_bytes;
}

template <class F>
[[nodiscard]] std::size_t heap_bytes_of(const F& value) {
  if constexpr (!owns_memory<F>()) {
    return 0;
  } else {
    constexpr field_kind kind = kind_of<F>();
    std::size_t sum = 0;
    if constexpr (kind == field_kind::string) {
      if (value.capacity() > std::string{}.capacity())
        sum = value.capacity() + allocation_bytes;
    } else if constexpr (kind == field_kind::vector) {
      using item = typename F::value_type;
      if (value.capacity() > 0)
        sum = value.capacity() * sizeof(item) + allocation_bytes;
      if constexpr (owns_memory<item>())
        for (const item& each : value)
          sum += heap_bytes_of(each);
    } else if constexpr (kind == field_kind::map) {
      using item = typename F::value_type;
      if constexpr (requires { value.capacity(); })
        sum = flat_bytes_of(value); // all in one piece
      else
        sum = value.size() * (sizeof(item) + map_node_bytes + allocation_bytes);
      if constexpr (owns_memory<typename F::key_type>()
                    || owns_memory<typename F::mapped_type>())
        for (const auto& [key, mapped] : value)
          sum += heap_bytes_of(key) + heap_bytes_of(mapped);
    } else if constexpr (kind == field_kind::optional) {
      if (value)
        sum = heap_bytes_of(*value);
    } else {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((sum += heap_bytes_of(value.*member_at<F, I>::pointer)), ...);
      }
      (std::make_index_sequence<field_count_of<F>>{});
    }
    return sum;
  }
}

} // namespace detail

/// Whether values of the type can have memory besides `sizeof(T)`.
template <described T>
inline constexpr bool owns_memory = detail::owns_memory<T>();

/// About how many bytes of memory a value has besides `sizeof(T)`: what its
/// strings, vectors and maps have allocated. Types with a `value_codec` count
/// as having none. Looks at every element that can own memory, at no others.
template <described T>
[[nodiscard]] std::size_t heap_bytes(const T& value) {
  return detail::heap_bytes_of(value);
}

} // namespace freehold::codec
