#include "runtime/codec/schema.hpp"

#include "runtime/codec/msgpack_reader.hpp"
#include "runtime/codec/msgpack_writer.hpp"

#include <algorithm>

namespace freehold::codec {

namespace {

/// The first element of an encoded schema; raise it when the layout changes.
constexpr std::uint64_t schema_format = 1;

error broken(std::string_view what, std::size_t at) {
  return {errc::undecodable, "schema: expected " + std::string{what}
                                 + " at byte " + std::to_string(at)};
}

template <class T>
bool number(msgpack_reader& in, T& into, std::int64_t low, std::int64_t high) {
  msgpack_reader::any_integer raw;
  if (!in.integer(raw))
    return false;
  const auto value = static_cast<std::int64_t>(raw.bits);
  if ((!raw.negative && value < 0) || value < low || value > high)
    return false;
  into = static_cast<T>(value);
  return true;
}

bool text(msgpack_reader& in, std::string& into) {
  std::string_view view;
  if (!in.string(view))
    return false;
  into = view;
  return true;
}

bool read_field(msgpack_reader& in, schema_field& into) {
  std::size_t count = 0;
  return in.array(count) && count == 3 && text(in, into.name)
         && text(in, into.wrap) && number(in, into.nested, -1, INT32_MAX);
}

bool read_struct(msgpack_reader& in, schema_struct& into) {
  std::size_t count = 0;
  if (!in.array(count) || count != 3 || !text(in, into.type)
      || !number(in, into.version, 1, UINT32_MAX) || !in.array(count))
    return false;
  for (std::size_t i = 0; i < count; ++i)
    if (!read_field(in, into.fields.emplace_back()))
      return false;
  return true;
}

} // namespace

std::string encode_schema(const schema& what) {
  std::string out;
  msgpack_writer writer{out};
  writer.array(2);
  writer.integer(schema_format);
  writer.array(what.structs.size());
  for (const schema_struct& each : what.structs) {
    writer.array(3);
    writer.string(each.type);
    writer.integer(std::uint64_t{each.version});
    writer.array(each.fields.size());
    for (const schema_field& field : each.fields) {
      writer.array(3);
      writer.string(field.name);
      writer.string(field.wrap);
      writer.integer(std::int64_t{field.nested});
    }
  }
  writer.finish();
  return out;
}

result<schema> decode_schema(std::string_view bytes) {
  msgpack_reader in{bytes};
  std::size_t count = 0;
  std::uint64_t format = 0;
  if (!in.array(count) || count != 2 || !number(in, format, 0, INT64_MAX))
    return broken("a format number", in.position());
  if (format != schema_format)
    return broken("format " + std::to_string(schema_format) + ", found "
                      + std::to_string(format),
                  in.position());
  if (!in.array(count))
    return broken("an array of structs", in.position());
  schema into;
  for (std::size_t i = 0; i < count; ++i)
    if (!read_struct(in, into.structs.emplace_back()))
      return broken("a struct [type, version, fields]", in.position());
  if (!in.at_end())
    return broken("the end of the input", in.position());
  const result<void> sound = check_schema(into);
  if (!sound)
    return sound.error();
  return into;
}

result<void> check_schema(const schema& what) {
  const auto bad = [](const std::string& context) {
    return error{errc::undecodable, "schema: " + context};
  };
  if (what.structs.empty())
    return bad("no structs");
  for (const schema_struct& each : what.structs) {
    std::vector<std::string_view> names;
    for (const schema_field& field : each.fields) {
      names.push_back(field.name);
      if (field.nested < -1
          || (field.nested >= 0
              && static_cast<std::size_t>(field.nested) >= what.structs.size()))
        return bad(each.type + "." + field.name + " names no struct");
      if (field.wrap.find_first_not_of("[{") != std::string::npos)
        return bad(each.type + "." + field.name + " has an unknown wrap");
    }
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end())
      return bad(each.type + " has two fields of one name");
  }
  return {};
}

} // namespace freehold::codec
