#include "runtime/codec/json_tokens.hpp"

#include <algorithm>

namespace freehold::codec {

namespace {

std::string_view take_name(json_reader& in) {
  std::string_view name;
  static_cast<void>(in.string(name)); // in front of a value there is one
  return name;
}

/// Recurses as deep as values nest, which the parser bounds.
dynamic_value take_tree(json_reader& in) {
  const json_token& front = in.peek();
  json_reader::items items;
  switch (front.what) {
  case json_token::object: {
    dynamic_value::object members;
    for (static_cast<void>(in.begin_object(items)); items.more(in);) {
      std::string name{take_name(in)};
      members.push_back({std::move(name), take_tree(in)});
    }
    return dynamic_value{std::move(members)};
  }
  case json_token::array: {
    dynamic_value::array values;
    for (static_cast<void>(in.begin_array(items)); items.more(in);)
      values.push_back(take_tree(in));
    return dynamic_value{std::move(values)};
  }
  default:
    break;
  }
  in.skip();
  switch (front.what) {
  case json_token::boolean:
    return dynamic_value{front.bits != 0};
  case json_token::integer:
    return dynamic_value{front.bits};
  case json_token::negative:
    return dynamic_value{static_cast<std::int64_t>(front.bits)};
  case json_token::number:
    return dynamic_value{std::bit_cast<double>(front.bits)};
  case json_token::string:
    return dynamic_value{std::string_view{front.data, front.bits}};
  default:
    return {};
  }
}

} // namespace

dynamic_value json_tokens::tree() const {
  json_reader in = reader();
  return take_tree(in);
}

result<dynamic_value> parse_json(std::string_view text) {
  const borrowed_tokens tokens;
  const result<void> parsed = tokens->parse(text);
  if (!parsed)
    return parsed.error();
  return tokens->tree();
}

result<dynamic_value>
parse_json_fields(std::string_view text,
                  std::span<const std::string_view> names) {
  const borrowed_tokens tokens;
  const result<void> parsed = tokens->parse(text);
  if (!parsed)
    return parsed.error();
  json_reader in = tokens->reader();
  json_reader::items items;
  if (!in.begin_object(items))
    return tokens->tree();
  dynamic_value::object members;
  while (items.more(in)) {
    const std::string_view name = take_name(in);
    if (std::find(names.begin(), names.end(), name) == names.end())
      in.skip();
    else
      members.push_back({std::string{name}, take_tree(in)});
  }
  return dynamic_value{std::move(members)};
}

} // namespace freehold::codec
