#include "runtime/codec/encode_failure.hpp"

#include "runtime/codec/json_writer.hpp"

#include <cstddef>
#include <string>

namespace freehold::codec::detail {

void throw_too_deep() {
  throw encode_failure{"a value nests deeper than "
                       + std::to_string(nesting_depth_max)
                       + " levels; it could not be read back"};
}

void throw_not_text(std::string_view found) {
  constexpr std::size_t shown = 32;
  std::string why{"a text is not UTF-8: "};
  append_shown_string(why, found, shown);
  throw encode_failure{why};
}

void throw_nameless(std::string_view type, std::int64_t value) {
  throw encode_failure{"the enum " + std::string{type}
                       + " holds a value without a name: "
                       + std::to_string(value)};
}

} // namespace freehold::codec::detail
