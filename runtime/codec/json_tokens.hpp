#pragma once

#include "runtime/base/result.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::codec {

/// One item of `json_tokens`.
struct json_token {
  enum class kind : std::uint8_t {
    null,
    boolean,
    integer,  ///< from 0 to 2^64 - 1
    negative, ///< from -2^63 to -1
    number,   ///< a double
    string,
    array,
    object
  };
  using enum kind;

  kind what = null;
  /// Of a boolean or an integer the value (a negative one in two's complement),
  /// of a double its bits, of a string its bytes, of a container how many
  /// tokens it has, this one included.
  std::uint64_t bits = 0;
  /// Where a string is.
  const char* data = nullptr;
};

/// Walks over what `json_tokens` holds. A function that returns false found
/// another kind of value and stays in front of it. Owns nothing.
class json_reader {
public:
  explicit json_reader(const json_token* at) noexcept : at_(at) {}

  /// What comes next. @pre something does
  [[nodiscard]] const json_token& peek() const noexcept { return *at_; }

  /// Consumes a null if there is one.
  [[nodiscard]] bool null() noexcept { return take(json_token::null); }

  [[nodiscard]] bool boolean(bool& into) noexcept {
    const bool value = at_->bits != 0;
    if (!take(json_token::boolean))
      return false;
    into = value;
    return true;
  }

  /// A negative one in two's complement.
  [[nodiscard]] bool integer(std::uint64_t& bits, bool& negative) noexcept {
    const json_token& found = *at_;
    if (!take(json_token::integer) && !take(json_token::negative))
      return false;
    bits = found.bits;
    negative = found.what == json_token::negative;
    return true;
  }

  /// Any number.
  [[nodiscard]] bool number(double& into) noexcept {
    const std::uint64_t bits = at_->bits;
    if (take(json_token::number))
      into = std::bit_cast<double>(bits);
    else if (take(json_token::integer))
      into = static_cast<double>(bits);
    else if (take(json_token::negative))
      into = static_cast<double>(static_cast<std::int64_t>(bits));
    else
      return false;
    return true;
  }

  /// A string, or the name of a member. The view lives as long as the text and
  /// the tokens.
  [[nodiscard]] bool string(std::string_view& into) noexcept {
    if (at_->what != json_token::string) [[unlikely]]
      return false;
    into = {at_->data, at_->bits};
    ++at_;
    return true;
  }

  /// Consumes this very name. @pre a name comes next
  [[nodiscard, gnu::always_inline]] bool
  name(std::string_view expected) noexcept {
    if (at_->bits != expected.size()
        || std::memcmp(at_->data, expected.data(), expected.size()) != 0)
      return false;
    ++at_;
    return true;
  }

  /// What is left of a container: elements, or names and values in turn.
  class items {
  public:
    items() noexcept = default;
    [[nodiscard]] bool more(const json_reader& in) const noexcept {
      return in.at_ != end_;
    }

  private:
    friend json_reader;
    explicit items(const json_token* end) noexcept : end_(end) {}
    const json_token* end_ = nullptr;
  };

  [[nodiscard]] bool begin_array(items& into) noexcept {
    return begin(json_token::array, into);
  }
  [[nodiscard]] bool begin_object(items& into) noexcept {
    return begin(json_token::object, into);
  }

  /// Passes over one value of any kind.
  void skip() noexcept {
    at_ += at_->what >= json_token::array ? at_->bits : 1;
  }

private:
  [[nodiscard]] bool take(json_token::kind expected) noexcept {
    if (at_->what != expected)
      return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool begin(json_token::kind expected, items& into) noexcept {
    const json_token* const at = at_;
    if (!take(expected))
      return false;
    into = items{at + at->bits};
    return true;
  }

  const json_token* at_;
};

/// A JSON text as a flat list: each value in its order, a container in front of
/// what is in it, a member's name in front of its value. Boost.JSON's push
/// parser checks the whole text and reports what it meets, which is written
/// down here and no more: no tree, and no string is copied unless it has an
/// escape. Everything from there on deals with a valid text.
///
/// To be used again and again, so that neither the list nor the buffer of
/// unescaped strings is allocated for each text: see `borrowed_tokens`. One
/// thread.
class json_tokens {
public:
  json_tokens() = default;
  json_tokens(const json_tokens&) = delete;
  json_tokens& operator=(const json_tokens&) = delete;

  /// Replaces what is held; `text` must outlive its use. Errors: `undecodable`,
  /// with the byte position (see `parse_json`); then nothing can be read.
  [[nodiscard]] result<void> parse(std::string_view text);

  /// At the front of the text. @pre it was parsed
  [[nodiscard]] json_reader reader() const noexcept {
    return json_reader{tokens_.data()};
  }

  /// All of it as a tree. @pre it was parsed
  [[nodiscard]] dynamic_value tree() const;

  /// Whether it takes little enough to be kept.
  [[nodiscard]] bool is_small() const noexcept;

private:
  class filler;

  std::vector<json_token> tokens_;
  /// Strings that had an escape, behind one another. Not moved while filled.
  std::string unescaped_;
};

/// The calling thread's `json_tokens` for as long as this lives; new ones where
/// those are in use already, as when an author's `from_primitive` reads JSON.
class borrowed_tokens {
public:
  borrowed_tokens();
  borrowed_tokens(const borrowed_tokens&) = delete;
  borrowed_tokens& operator=(const borrowed_tokens&) = delete;
  ~borrowed_tokens();

  [[nodiscard]] json_tokens& operator*() const noexcept { return *tokens_; }
  [[nodiscard]] json_tokens* operator->() const noexcept {
    return tokens_.get();
  }

private:
  std::unique_ptr<json_tokens> tokens_;
};

} // namespace freehold::codec
