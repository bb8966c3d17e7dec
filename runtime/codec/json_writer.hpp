#pragma once

#include "runtime/codec/encode_failure.hpp"
#include "runtime/codec/nesting_depth.hpp"
#include "runtime/codec/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace freehold::codec {

/// Appends a quoted JSON string. UTF-8 passes through; each byte that belongs
/// to no UTF-8 sequence becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// What becomes of text that is not UTF-8: U+FFFD, as people are shown it, or
/// an `encode_failure`, as others should get it.
enum class bad_text : std::uint8_t { replaced, refused };

/// The front of a text, at most that many bytes, cut where a character ends.
[[nodiscard]] std::string_view cut_text(std::string_view text,
                                        std::size_t bytes_max) noexcept;

/// Appends text for people: control characters (also DEL and C1, which can
/// steer a terminal) are escaped, what is not UTF-8 becomes U+FFFD.
void append_shown(std::string& out, std::string_view text);

/// The same in quotes, which are escaped in it, cut to that many bytes with a
/// word about the rest.
void append_shown_string(std::string& out, std::string_view text,
                         std::size_t bytes_max);

/// Appends the shortest form that reads back as the same double, with a sign
/// of -0; non-finite numbers as `"NaN"`, `"Infinity"`, `"-Infinity"`.
void append_json_number(std::string& out, double value);

/// Appends lower-case hexadecimal digits, without quotes.
void append_hex(std::string& out, std::string_view bytes);

/// Reads what `append_hex` wrote (either case); false when it is something
/// else. `into` gets `text.size() / 2` bytes.
[[nodiscard]] bool parse_hex(std::string_view text, std::string& into);

/// Writes JSON, or with `text_form` the form for logs, piece by piece; puts
/// the commas. `out` must outlive it.
class json_writer {
public:
  /// `strict` is JSON that throws `encode_failure` for text that is not UTF-8.
  enum class form : std::uint8_t { json, strict, text };

  explicit json_writer(std::string& out, form shape = form::json) noexcept
      : out_(out), text_(shape == form::text), strict_(shape == form::strict) {}

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void integer(std::uint64_t value);
  void number(double value);
  void string(std::string_view value);
  /// An enumerator: quoted in JSON only.
  void word(std::string_view value);
  void bytes(std::string_view value);

  /// Around each array and object of a typed value; throws `encode_failure`
  /// beyond `nesting_depth_max`, though not in the form for logs.
  void enter() {
    if (++depth_ > nesting_depth_max && !text_) [[unlikely]]
      detail::throw_too_deep();
  }
  void leave() noexcept { --depth_; }

  void begin_array();
  void end_array();
  /// `name` is written in the text form only.
  void begin_object(std::string_view name);
  void end_object();
  /// `quoted` is `"name":`, so that JSON needs no escaping.
  void field(std::string_view quoted, std::string_view plain);
  void key(std::string_view name);

private:
  void separate();

  std::string& out_;
  bool text_;
  bool strict_;
  bool follows_ = false;
  std::size_t depth_ = 0;
};

} // namespace freehold::codec
