#include "runtime/codec/json_tokens.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/codec/nesting_depth.hpp"

// Header-only Boost.JSON: this is the one file that compiles it.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <utility>

namespace freehold::codec {

namespace {

namespace json = boost::json;

/// What a thread keeps between two texts: enough for messages of some ten
/// kilobytes. A larger one allocates its list anew.
constexpr std::size_t tokens_kept_max = 4096;
constexpr std::size_t unescaped_kept_max = std::size_t{64} * 1024;

thread_local std::unique_ptr<json_tokens> spare_tokens;

error malformed(std::size_t at, const std::string& why) {
  std::string said{"malformed JSON at byte "};
  said.append(std::to_string(at)).append(": ").append(why);
  return {errc::undecodable, std::move(said)};
}

} // namespace

/// Writes down what the parser meets. It is given the text in one part, so
/// only strings with escapes come in pieces. Doubles are converted by the
/// standard library: this Boost's own conversion may be off by the last bit.
class json_tokens::filler {
public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using error_code = json::error_code;
  using string_view = json::string_view;

  filler(json_tokens& into, std::string_view text) noexcept
      : tokens_(into.tokens_), unescaped_(into.unescaped_), text_(text) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(json_token::object); }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(json_token::array); }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(string_view part, std::size_t, error_code&) {
    return gather(part);
  }
  bool on_key(string_view part, std::size_t, error_code&) {
    return add_string(part);
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    return gather(part);
  }
  bool on_string(string_view part, std::size_t, error_code&) {
    return add_string(part);
  }

  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, string_view, error_code&) {
    return add(value < 0 ? json_token::negative : json_token::integer,
               static_cast<std::uint64_t>(value));
  }
  bool on_uint64(std::uint64_t value, string_view, error_code&) {
    return add(json_token::integer, value);
  }
  bool on_double(double near, string_view text, error_code& ec) {
    double exact = 0;
    const char* const end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, exact);
    // Below the least double, `1e-400`, the nearest one is 0; above the
    // largest there is none near.
    if (done.ec == std::errc::result_out_of_range && std::fabs(near) < 1) {
      exact = std::copysign(0.0, near);
    } else if (done.ec != std::errc{} || done.ptr != end) {
      ec = json::error::exponent_overflow;
      return false;
    }
    return add(json_token::number, std::bit_cast<std::uint64_t>(exact));
  }
  bool on_bool(bool value, error_code&) {
    return add(json_token::boolean, value ? 1 : 0);
  }
  bool on_null(error_code&) { return add(json_token::null, 0); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

private:
  bool add(json_token::kind what, std::uint64_t bits,
           const char* data = nullptr) {
    // In its place: a copy of what was just written in pieces has to wait for
    // them, which took half of all time.
    json_token& fresh = tokens_.emplace_back();
    fresh.what = what;
    fresh.bits = bits;
    fresh.data = data;
    return true;
  }

  bool open(json_token::kind what) {
    FREEHOLD_ASSERT(depth_ < open_.size(), "JSON nested beyond the bound");
    open_[depth_++] = tokens_.size();
    return add(what, 0);
  }
  bool close() {
    const std::size_t at = open_[--depth_];
    tokens_[at].bits = tokens_.size() - at;
    return true;
  }

  bool gather(string_view part) {
    if (start_ == nullptr) {
      // All that is unescaped is no longer than the text.
      unescaped_.reserve(text_.size());
      start_ = unescaped_.data() + unescaped_.size();
    }
    FREEHOLD_ASSERT(part.size() <= unescaped_.capacity() - unescaped_.size(),
                    "unescaped strings would move");
    unescaped_.append(part.data(), part.size());
    return true;
  }

  bool add_string(string_view last) {
    // In one piece it is still not in the text if it starts with an escape.
    if (start_ == nullptr && is_in_text(last.data())) [[likely]]
      return add(json_token::string, last.size(), last.data());
    gather(last);
    const char* const start = std::exchange(start_, nullptr);
    const char* const end = unescaped_.data() + unescaped_.size();
    return add(json_token::string, static_cast<std::uint64_t>(end - start),
               start);
  }

  [[nodiscard]] bool is_in_text(const char* at) const noexcept {
    // Any two pointers can be compared this way.
    return std::greater_equal<>{}(at, text_.data())
           && std::less<>{}(at, text_.data() + text_.size());
  }

  std::vector<json_token>& tokens_;
  std::string& unescaped_;
  std::string_view text_;
  /// Of the string that comes in pieces.
  const char* start_ = nullptr;
  /// The containers that are open.
  std::size_t depth_ = 0;
  std::array<std::size_t, nesting_depth_max> open_;
};

result<void> json_tokens::parse(std::string_view text) {
  tokens_.clear();
  unescaped_.clear();
  json::parse_options options;
  options.max_depth = nesting_depth_max;
  json::basic_parser<filler> parser{options, *this, text};
  json::error_code ec;
  const std::size_t used =
      parser.write_some(false, text.data(), text.size(), ec);
  if (ec)
    return malformed(used, ec.message());
  const std::size_t behind = text.find_first_not_of(" \t\r\n", used);
  if (behind != std::string_view::npos)
    return malformed(behind, "text behind the value");
  return {};
}

bool json_tokens::is_small() const noexcept {
  return tokens_.capacity() <= tokens_kept_max
         && unescaped_.capacity() <= unescaped_kept_max;
}

borrowed_tokens::borrowed_tokens() : tokens_(std::move(spare_tokens)) {
  if (tokens_ == nullptr) [[unlikely]]
    tokens_ = std::make_unique<json_tokens>();
}

borrowed_tokens::~borrowed_tokens() {
  if (tokens_->is_small()) [[likely]]
    spare_tokens = std::move(tokens_);
}

} // namespace freehold::codec
