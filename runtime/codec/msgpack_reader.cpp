#include "runtime/codec/msgpack_reader.hpp"

#include "runtime/codec/detail/decode_words.hpp"
#include "runtime/codec/json_writer.hpp"

#include <bit>

namespace freehold::codec {

bool msgpack_reader::sized(std::uint8_t first_lead,
                           std::string_view& into) noexcept {
  const unsigned form = static_cast<unsigned>(lead()) - first_lead;
  const std::size_t width = std::size_t{1} << (form & 3U);
  if (form > 2 || left() < 1 + width)
    return false;
  std::size_t size = 0;
  if (form == 0)
    size = big_endian<std::uint8_t>(at_ + 1);
  else if (form == 1)
    size = big_endian<std::uint16_t>(at_ + 1);
  else
    size = big_endian<std::uint32_t>(at_ + 1);
  return take(1 + width, size, into);
}

bool msgpack_reader::container(std::uint8_t first_lead, std::size_t bytes_each,
                               std::size_t& count) noexcept {
  const unsigned form = static_cast<unsigned>(lead()) - first_lead;
  const std::size_t width = form == 0 ? 2 : 4;
  if (form > 1 || left() < 1 + width)
    return false;
  const std::size_t value = form == 0 ? big_endian<std::uint16_t>(at_ + 1)
                                      : big_endian<std::uint32_t>(at_ + 1);
  return header(1 + width, value, bytes_each, count);
}

bool msgpack_reader::other_number(double& into) noexcept {
  if (left() >= 5 && lead() == 0xCA) {
    into = std::bit_cast<float>(big_endian<std::uint32_t>(at_ + 1));
    at_ += 5;
    return true;
  }
  any_integer value;
  if (!integer(value))
    return false;
  into = value.negative
             ? static_cast<double>(static_cast<std::int64_t>(value.bits))
             : static_cast<double>(value.bits);
  return true;
}

bool msgpack_reader::skip() noexcept {
  // Values are counted instead of recursed into, so depth costs no stack. Each
  // header promises no more values than bytes are left: the sum cannot wrap.
  const char* const start = at_;
  std::size_t pending = 1;
  while (pending > 0) {
    --pending;
    bool flag = false;
    double number_value = 0;
    std::string_view view;
    std::size_t count = 0;
    if (nil() || boolean(flag) || string(view) || bytes(view)
        || number(number_value))
      continue;
    if (array(count)) {
      pending += count;
      continue;
    }
    if (map(count)) {
      pending += 2 * count;
      continue;
    }
    at_ = start;
    return false;
  }
  return true;
}

std::string msgpack_reader::describe() const {
  if (at_ == end_)
    return "the end of the input";
  if (too_deep())
    return "values nested deeper than " + std::to_string(nesting_depth_max);
  msgpack_reader ahead{*this};
  bool flag = false;
  any_integer whole;
  double number_value = 0;
  std::string_view view;
  std::size_t count = 0;
  if (ahead.nil())
    return "null";
  if (ahead.boolean(flag))
    return flag ? "true" : "false";
  if (ahead.integer(whole))
    return "integer "
           + (whole.negative
                  ? std::to_string(static_cast<std::int64_t>(whole.bits))
                  : std::to_string(whole.bits));
  if (ahead.number(number_value)) {
    std::string out = "number ";
    append_json_number(out, number_value);
    return out;
  }
  if (ahead.string(view)) {
    return "string " + detail::shown_string(view);
  }
  if (ahead.bytes(view))
    return std::to_string(view.size()) + " bytes";
  if (ahead.array(count))
    return "array of " + std::to_string(count);
  if (ahead.map(count))
    return "object of " + std::to_string(count);
  const std::uint8_t first = lead();
  if (first == 0xC1 || (first >= 0xC7 && first <= 0xC9)
      || (first >= 0xD4 && first <= 0xD8))
    return "a value of an extension type";
  return "a truncated value";
}

} // namespace freehold::codec
