#pragma once

#include "runtime/codec/codec.hpp"

#include <boost/container/flat_map.hpp>

/// Lets messages and states have `boost::container::flat_map`; it is written
/// and read as a `std::map` is.
namespace freehold::codec::detail {

template <class K, class V, class C, class A>
struct map_traits<boost::container::flat_map<K, V, C, A>> : std::true_type {
  using key = K;
  using item = V;
};

template <class K, class V, class C, class A>
struct leaf_struct<boost::container::flat_map<K, V, C, A>> : leaf_struct<V> {};

} // namespace freehold::codec::detail
