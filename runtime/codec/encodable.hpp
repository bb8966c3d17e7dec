#pragma once

#include "runtime/codec/describe.hpp"
#include "runtime/codec/dynamic_value.hpp"
#include "runtime/codec/encode_failure.hpp"

namespace freehold::codec {

namespace detail {

/// Whether some struct inside `F` contains itself. `Above` are the structs on
/// the way to it.
template <class F, class... Above>
[[nodiscard]] constexpr bool reaches_itself() {
  constexpr field_kind kind = kind_of<F>();
  if constexpr (kind == field_kind::optional || kind == field_kind::vector) {
    return reaches_itself<typename F::value_type, Above...>();
  } else if constexpr (kind == field_kind::map) {
    return reaches_itself<typename F::mapped_type, Above...>();
  } else if constexpr (kind == field_kind::structure) {
    if constexpr ((std::is_same_v<F, Above> || ...))
      return true;
    else
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (reaches_itself<field_type<F, I>, F, Above...>() || ...);
      }
    (std::make_index_sequence<field_count_of<F>>{});
  } else {
    return false;
  }
}

/// Whether some value inside `F` is an enumerator.
template <class F, class... Above>
[[nodiscard]] constexpr bool has_enumerators() {
  constexpr field_kind kind = kind_of<F>();
  if constexpr (kind == field_kind::enumerator) {
    return true;
  } else if constexpr (kind == field_kind::optional
                       || kind == field_kind::vector) {
    return has_enumerators<typename F::value_type, Above...>();
  } else if constexpr (kind == field_kind::map) {
    return has_enumerators<typename F::mapped_type, Above...>();
  } else if constexpr (kind == field_kind::structure) {
    if constexpr ((std::is_same_v<F, Above> || ...))
      return false;
    else
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (has_enumerators<field_type<F, I>, F, Above...>() || ...);
      }
    (std::make_index_sequence<field_count_of<F>>{});
  } else {
    return false;
  }
}

/// Whether some struct inside `F` has versions: a `version` above 1 or an
/// `upcast`. `Above` are the structs on the way to it.
template <class F, class... Above>
[[nodiscard]] constexpr bool has_versions() {
  constexpr field_kind kind = kind_of<F>();
  if constexpr (kind == field_kind::optional || kind == field_kind::vector) {
    return has_versions<typename F::value_type, Above...>();
  } else if constexpr (kind == field_kind::map) {
    return has_versions<typename F::mapped_type, Above...>();
  } else if constexpr (kind == field_kind::structure) {
    if constexpr ((std::is_same_v<F, Above> || ...))
      return false;
    else if constexpr (sizeof...(Above) > 0
                       && (type_version<F>() > 1 || has_upcast<F>))
      return true;
    else
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (has_versions<field_type<F, I>, F, Above...>() || ...);
      }
    (std::make_index_sequence<field_count_of<F>>{});
  } else {
    return false;
  }
}

/// Whether a value of `F` has to be looked at: with `Deep` for its depth too.
template <bool Deep, class F>
[[nodiscard]] constexpr bool to_be_checked() {
  constexpr field_kind kind = kind_of<F>();
  return has_enumerators<F>()
         || (Deep
             && (kind == field_kind::optional || kind == field_kind::vector
                 || kind == field_kind::map || kind == field_kind::structure));
}

template <bool Deep, class F>
void check_value(const F& value, std::size_t depth) {
  if constexpr (to_be_checked<Deep, F>()) {
    constexpr field_kind kind = kind_of<F>();
    if constexpr (kind == field_kind::enumerator) {
      static_cast<void>(enumeration<F>::written_name(value));
    } else if constexpr (kind == field_kind::optional) {
      if (value)
        check_value<Deep>(*value, depth);
    } else {
      if (++depth > nesting_depth_max)
        throw_too_deep();
      if constexpr (kind == field_kind::vector) {
        if constexpr (to_be_checked<Deep, typename F::value_type>())
          for (const auto& each : value)
            check_value<Deep>(each, depth);
      } else if constexpr (kind == field_kind::map) {
        if constexpr (to_be_checked<Deep, typename F::mapped_type>())
          for (const auto& each : value)
            check_value<Deep>(each.second, depth);
      } else {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
          (check_value<Deep>(value.*member_at<F, I>::pointer, depth), ...);
        }
        (std::make_index_sequence<field_count_of<F>>{});
      }
    }
  }
}

} // namespace detail

/// Whether values of the type can be deeper than any reader accepts, because a
/// struct in it contains itself.
template <described T>
inline constexpr bool nests_without_limit = detail::reaches_itself<T>();

/// Whether a message of this type can be read in all its versions. Only the
/// version of the whole message travels with it, so structs inside it that
/// have versions depend on the message's `upcast`.
template <described T>
inline constexpr bool versions_reach_inside =
    detail::has_upcast<T> || !detail::has_versions<T>();

/// Throws `encode_failure` where writing the value would, without writing it.
/// Looks only at types that contain themselves and at enumerators, so it costs
/// nothing for all others.
template <described T>
void check_encodable(const T& value) {
  detail::check_value<nests_without_limit<T>>(value, 0);
}

} // namespace freehold::codec
