#include "runtime/codec/decode_failure.hpp"

#include "runtime/codec/json_writer.hpp"

#include <utility>

namespace freehold::codec {

namespace {

/// What a path in a failure shows of names that the input gave.
constexpr std::size_t field_bytes_shown_max = 80;
constexpr std::size_t key_bytes_shown_max = 40;

} // namespace

bool decode_failure::mismatch(std::string_view expected, std::string found,
                              std::optional<std::size_t> byte) {
  sentence_.assign("expected ").append(expected).append(", found ");
  sentence_ += found;
  if (byte)
    sentence_.append(" at byte ").append(std::to_string(*byte));
  return false;
}

bool decode_failure::missing(std::string_view type, std::string_view field) {
  missing_ = true;
  sentence_.assign("expected a field of ").append(type);
  sentence_.append(", found none");
  return in_field(field);
}

bool decode_failure::other(errc code, std::string sentence) {
  code_ = code;
  sentence_ = std::move(sentence);
  return false;
}

bool decode_failure::too_large() {
  return other(errc::undecodable,
               "its elements would take more than "
                   + std::to_string(decoded_bytes_per_byte_max)
                   + " times the message's size in memory");
}

bool decode_failure::in_field(std::string_view name) {
  std::string step{'.'};
  append_shown(step, cut_text(name, field_bytes_shown_max));
  step.append(path_);
  path_ = std::move(step);
  return false;
}

bool decode_failure::in_element(std::size_t index) {
  return in_key(std::to_string(index));
}

bool decode_failure::in_key(std::string_view key) {
  std::string step{'['};
  append_shown(step, cut_text(key, key_bytes_shown_max));
  step.append("]").append(path_);
  path_ = std::move(step);
  return false;
}

void decode_failure::no_upcaster(std::string_view type, std::uint32_t from,
                                 std::uint32_t to) {
  if (code_ == errc::missing_upcaster)
    return; // a nested struct said it already, more exactly
  code_ = errc::missing_upcaster;
  sentence_.append("; written as ").append(type).append(" version ");
  sentence_.append(std::to_string(from)).append(", read as version ");
  sentence_.append(std::to_string(to));
  sentence_.append(": give the field a default or the type an upcast()");
}

void decode_failure::version_not_raised(std::string_view type,
                                        std::uint32_t version) {
  code_ = errc::mismatch;
  sentence_.append("; stored and present ").append(type);
  sentence_.append(" are both version ").append(std::to_string(version));
  sentence_.append(": raise the version or give the field a default");
}

error decode_failure::to_error(std::string_view type) const {
  std::string context{type};
  context.append(path_).append(": ").append(sentence_);
  return {code_, std::move(context)};
}

error no_version(std::string_view type) {
  std::string context{type};
  context.append(": versions start at 1, found 0");
  return {errc::undecodable, std::move(context)};
}

error newer_version(std::string_view type, std::uint32_t found,
                    std::uint32_t known) {
  std::string context{type};
  context.append(": written as version ").append(std::to_string(found));
  context.append(", this program knows version ").append(std::to_string(known));
  context.append(": upgrade the program");
  return {errc::mismatch, std::move(context)};
}

} // namespace freehold::codec
