#pragma once

#include "runtime/codec/detail/encode.hpp"
#include "runtime/codec/text.hpp"

namespace freehold::codec {

template <described T>
std::string to_text(const T& value) {
  std::string out;
  json_writer writer{out, json_writer::form::text};
  detail::write_struct<detail::layout::named>(writer, value);
  return out;
}

} // namespace freehold::codec
