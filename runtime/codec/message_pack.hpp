#pragma once

#include "runtime/codec/describe.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace freehold::codec {

/// Appends the value as a MessagePack map with field names: the form of
/// messages between entities. Allocates only where `out` has to grow.
/// Layout: `docs/formats/messages.md`. Throws `encode_failure`.
template <described T>
void to_msgpack(std::string& out, const T& value);

/// Reads what `to_msgpack` of `version` wrote; fields may stand in any order,
/// unknown ones are skipped. Fastest when they stand in the present order.
/// Errors: as `from_json`.
template <described T>
[[nodiscard]] result<T> from_msgpack(std::string_view bytes,
                                     std::uint32_t version = type_version<T>());

} // namespace freehold::codec

#include "runtime/codec/detail/message_pack_impl.hpp"
