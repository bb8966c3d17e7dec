#include "runtime/codec/detail/decode_packed.hpp"

#include "runtime/codec/dynamic_value.hpp"
#include "runtime/codec/schema.hpp"

namespace freehold::codec {

namespace detail {

bool not_the(std::string_view expected, const msgpack_reader& in,
             decode_failure& failure) {
  return failure.mismatch(expected, in.describe(), in.position());
}

bool packed_key_text(msgpack_reader& in, std::string& holder,
                     std::string_view& into) {
  if (in.string(into))
    return true;
  msgpack_reader::any_integer whole;
  if (!in.integer(whole))
    return false;
  holder = whole.negative
               ? std::to_string(static_cast<std::int64_t>(whole.bits))
               : std::to_string(whole.bits);
  into = holder;
  return true;
}

bool read_end(const msgpack_reader& in, decode_failure& failure) {
  return in.at_end() || not_the("the end of the input", in, failure);
}

} // namespace detail

namespace {

using detail::not_the;

/// What a field's schema says about the value at hand.
struct shape {
  const schema* written = nullptr;
  std::string_view wrap{};
  std::int32_t nested = -1;
  /// Texts must be UTF-8.
  bool of_message = false;

  [[nodiscard]] bool is_struct() const { return nested >= 0 && wrap.empty(); }
  [[nodiscard]] shape inside(char layer) const {
    if (nested < 0 || wrap.empty() || wrap.front() != layer)
      return {.of_message = of_message};
    return {written, wrap.substr(1), nested, of_message};
  }
};

bool read_tree(msgpack_reader& in, dynamic_value& into, const shape& like,
               decode_failure& failure);

bool read_stored_struct(msgpack_reader& in, dynamic_value& into,
                        const shape& like, decode_failure& failure) {
  const schema_struct& stored =
      like.written->structs[static_cast<std::size_t>(like.nested)];
  const msgpack_reader before = in;
  std::size_t count = 0;
  if (!in.array(count) || count != stored.fields.size())
    return not_the("array of " + std::to_string(stored.fields.size()), before,
                   failure);
  dynamic_value::object members;
  members.reserve(count);
  for (const schema_field& field : stored.fields) {
    members.push_back({field.name, {}});
    if (!read_tree(in, members.back().value,
                   {like.written, field.wrap, field.nested, false}, failure))
      return failure.in_field(field.name);
  }
  into = dynamic_value{std::move(members)};
  into.stored_version(stored.version);
  return true;
}

bool read_container(msgpack_reader& in, dynamic_value& into, const shape& like,
                    decode_failure& failure) {
  std::size_t count = 0;
  if (in.array(count)) {
    dynamic_value::array values;
    values.reserve(std::min(count, detail::elements_reserved_max));
    for (std::size_t i = 0; i < count; ++i)
      if (!read_tree(in, values.emplace_back(), like.inside('['), failure))
        return failure.in_element(i);
    into = dynamic_value{std::move(values)};
    return true;
  }
  if (in.map(count)) {
    dynamic_value::object members;
    members.reserve(std::min(count, detail::elements_reserved_max));
    for (std::size_t i = 0; i < count; ++i) {
      std::string holder;
      std::string_view name;
      const msgpack_reader before = in;
      if (!detail::packed_key_text(in, holder, name))
        return not_the("a string or integer key", in, failure);
      if (like.of_message && !is_utf8(name))
        return not_the("UTF-8 text", before, failure);
      members.push_back({std::string{name}, {}});
      if (!read_tree(in, members.back().value, like.inside('{'), failure))
        return failure.in_key(name);
    }
    into = dynamic_value{std::move(members)};
    return true;
  }
  return not_the("a value", in, failure);
}

bool read_tree(msgpack_reader& in, dynamic_value& into, const shape& like,
               decode_failure& failure) {
  bool flag = false;
  msgpack_reader::any_integer whole;
  double number = 0;
  std::string_view view;
  if (in.nil()) {
    into = dynamic_value{};
  } else if (in.boolean(flag)) {
    into = dynamic_value{flag};
  } else if (in.integer(whole)) {
    into = whole.negative ? dynamic_value{static_cast<std::int64_t>(whole.bits)}
                          : dynamic_value{whole.bits};
  } else if (in.number(number)) {
    into = dynamic_value{number};
  } else if (const msgpack_reader before = in; in.string(view)) {
    if (like.of_message && !is_utf8(view))
      return not_the("UTF-8 text", before, failure);
    into = dynamic_value{view};
  } else if (in.bytes(view)) {
    into = dynamic_value{dynamic_value::bytes{std::string{view}}};
  } else {
    if (!in.enter())
      return not_the("a shallower value", in, failure);
    const bool good = like.is_struct()
                          ? read_stored_struct(in, into, like, failure)
                          : read_container(in, into, like, failure);
    in.leave();
    return good;
  }
  return true;
}

result<dynamic_value> whole_tree(std::string_view bytes, const shape& like,
                                 std::string_view what) {
  msgpack_reader in{bytes};
  decode_failure failure;
  dynamic_value into;
  if (!read_tree(in, into, like, failure) || !detail::read_end(in, failure))
    return failure.to_error(what);
  return into;
}

} // namespace

result<dynamic_value> parse_msgpack(std::string_view bytes) {
  return whole_tree(bytes, {}, "MessagePack");
}

result<dynamic_value> detail::parse_message(std::string_view bytes) {
  return whole_tree(bytes, {.of_message = true}, "MessagePack");
}

result<dynamic_value> stored_to_dynamic(std::string_view bytes,
                                        const schema& written) {
  const result<void> sound = check_schema(written);
  if (!sound)
    return sound.error();
  return whole_tree(bytes, {&written, {}, 0, false}, written.root().type);
}

} // namespace freehold::codec
