#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace freehold::codec {

/// Thrown while a value is written that no reader would take back: it nests
/// too deep, an enum holds a value without a name, or a message's text is not
/// UTF-8. What was appended so far
/// is of no use. A handler's message becomes a dead letter by it.
class encode_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

namespace detail {

[[noreturn]] void throw_too_deep();
[[noreturn]] void throw_not_text(std::string_view found);
[[noreturn]] void throw_nameless(std::string_view type, std::int64_t value);

} // namespace detail

} // namespace freehold::codec
