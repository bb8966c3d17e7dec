#pragma once

#include "runtime/codec/describe.hpp"

#include <string>

namespace freehold::codec {

/// The form for logs: `ListProperty{price: 12300, description: "x"}`. Empty
/// optionals are left out. Not meant to be read back.
template <described T>
[[nodiscard]] std::string to_text(const T& value);

} // namespace freehold::codec

#include "runtime/codec/detail/text_impl.hpp"
