#pragma once

#include "runtime/codec/schema.hpp"

#include <algorithm>

namespace freehold::codec::detail {

/// The struct inside a field's type, or void.
template <class F>
struct leaf_struct {
  using type = std::conditional_t<kind_of<F>() == field_kind::structure, F, //
                                  void>;
};
template <class V>
struct leaf_struct<std::optional<V>> : leaf_struct<V> {};
template <class V, class A>
struct leaf_struct<std::vector<V, A>> : leaf_struct<V> {};
template <class K, class V, class C, class A>
struct leaf_struct<std::map<K, V, C, A>> : leaf_struct<V> {};

/// What lies around that struct, from the outside.
template <class F>
void append_wrap(std::string& out) {
  if constexpr (optional_traits<F>::value) {
    append_wrap<typename F::value_type>(out);
  } else if constexpr (vector_traits<F>::value) {
    out += '[';
    append_wrap<typename F::value_type>(out);
  } else if constexpr (map_traits<F>::value) {
    out += '{';
    append_wrap<typename F::mapped_type>(out);
  }
}

/// An address per type.
template <class T>
inline constexpr char type_key = 0;

class schema_builder {
public:
  /// The index of the struct's entry; makes one at the first call.
  template <class T>
  std::int32_t add() {
    const void* const key = &type_key<T>;
    const auto known = std::find(keys_.begin(), keys_.end(), key);
    if (known != keys_.end())
      return static_cast<std::int32_t>(known - keys_.begin());
    const std::size_t index = keys_.size();
    keys_.push_back(key);
    made_.structs.push_back(
        {std::string{shown_type_name<T>()}, type_version<T>(), {}});
    std::vector<schema_field> fields;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (fields.push_back(field<T, I>()), ...);
    }
    (typename description<T>::indices{});
    made_.structs[index].fields = std::move(fields);
    return static_cast<std::int32_t>(index);
  }

  [[nodiscard]] schema take() { return std::move(made_); }

private:
  template <class T, std::size_t I>
  schema_field field() {
    schema_field out;
    out.name = description<T>::names[I];
    using leaf = typename leaf_struct<field_type<T, I>>::type;
    if constexpr (!std::is_void_v<leaf>) {
      append_wrap<field_type<T, I>>(out.wrap);
      out.nested = add<leaf>();
    }
    return out;
  }

  schema made_;
  std::vector<const void*> keys_;
};

} // namespace freehold::codec::detail

namespace freehold::codec {

template <described T>
const schema& schema_of() {
  static_cast<void>(type_name<T>());
  static const schema made = [] {
    detail::schema_builder builder;
    builder.add<T>();
    return builder.take();
  }();
  return made;
}

} // namespace freehold::codec
