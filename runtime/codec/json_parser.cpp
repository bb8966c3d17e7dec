#include "runtime/codec/describe.hpp"
#include "runtime/codec/dynamic_value.hpp"

// Header-only Boost.JSON: this is the one file that compiles it.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>

#include <charconv>
#include <cmath>
#include <optional>

namespace freehold::codec {

namespace {

namespace json = boost::json;

/// Builds the tree while the parser reports what it meets. Doubles are
/// converted by the standard library: this Boost's own conversion may be off
/// by the last bit.
class tree_builder {
public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  dynamic_value root;

  using error_code = json::error_code;
  using string_view = json::string_view;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    open_.push_back({dynamic_value{dynamic_value::object{}}, {}});
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) {
    open_.push_back({dynamic_value{dynamic_value::array{}}, {}});
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(string_view part, std::size_t, error_code&) {
    return gather(part);
  }
  bool on_key(string_view part, std::size_t, error_code&) {
    gather(part);
    open_.back().key = std::exchange(pieces_, {});
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    return gather(part);
  }
  bool on_string(string_view part, std::size_t, error_code&) {
    gather(part);
    return add(dynamic_value{std::exchange(pieces_, {})});
  }
  bool on_number_part(string_view part, error_code&) { return gather(part); }
  bool on_int64(std::int64_t value, string_view, error_code&) {
    pieces_.clear();
    return add(dynamic_value{value});
  }
  bool on_uint64(std::uint64_t value, string_view, error_code&) {
    pieces_.clear();
    return add(dynamic_value{value});
  }
  bool on_double(double near, string_view part, error_code& ec) {
    gather(part);
    const std::string text = std::exchange(pieces_, {});
    double exact = 0;
    const auto done =
        std::from_chars(text.data(), text.data() + text.size(), exact);
    // Below the least double, `1e-400`, the nearest one is 0; above the
    // largest there is none near.
    if (done.ec == std::errc::result_out_of_range && std::fabs(near) < 1)
      return add(dynamic_value{std::copysign(0.0, near)});
    if (done.ec != std::errc{} || done.ptr != text.data() + text.size()) {
      ec = json::error::exponent_overflow;
      return false;
    }
    return add(dynamic_value{exact});
  }
  bool on_bool(bool value, error_code&) { return add(dynamic_value{value}); }
  bool on_null(error_code&) { return add(dynamic_value{}); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

private:
  struct level {
    dynamic_value value;
    std::string key;
  };

  bool gather(string_view part) {
    pieces_.append(part.data(), part.size());
    return true;
  }

  bool add(dynamic_value value) {
    if (open_.empty()) {
      root = std::move(value);
      return true;
    }
    level& top = open_.back();
    if (dynamic_value::array* values = top.value.as_array())
      values->push_back(std::move(value));
    else
      top.value.as_object()->push_back(
          {std::exchange(top.key, {}), std::move(value)});
    return true;
  }

  bool close() {
    dynamic_value done = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(done));
  }

  std::vector<level> open_;
  std::string pieces_;
};

error malformed(std::size_t at, const std::string& why) {
  return {errc::undecodable,
          "malformed JSON at byte " + std::to_string(at) + ": " + why};
}

} // namespace

result<dynamic_value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = nesting_depth_max;
  json::basic_parser<tree_builder> parser{options};
  json::error_code ec;
  const std::size_t used =
      parser.write_some(false, text.data(), text.size(), ec);
  if (ec)
    return malformed(used, ec.message());
  const std::size_t behind = text.find_first_not_of(" \t\r\n", used);
  if (behind != std::string_view::npos)
    return malformed(behind, "text behind the value");
  return std::move(parser.handler().root);
}

} // namespace freehold::codec
