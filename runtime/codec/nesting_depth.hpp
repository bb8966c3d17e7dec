#pragma once

#include <cstddef>

namespace freehold::codec {

/// How deep structs, vectors and maps may nest, in any input and in all that
/// is written. Real messages stay below ten; the bound keeps hostile input
/// from exhausting the stack. Deeper values are not written either, since
/// nobody could read them back.
inline constexpr std::size_t nesting_depth_max = 64;

} // namespace freehold::codec
