#include "runtime/engine/envelope.hpp"

#include "runtime/base/rfc3339.hpp"
#include "runtime/codec/dynamic_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <utility>

namespace freehold::engine {

namespace {

// The first byte of what lies in an inbox.
constexpr char plain_message = 1;
constexpr char timed_message = 2; // with the watermark of its source
constexpr char time_marker = 3;

constexpr std::size_t marker_bytes = 1 + 4 + 8 + 1;

void put_short(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint16_t>(text.size());
  char bytes[2];
  std::memcpy(bytes, &size, 2);
  out.append(bytes, 2).append(text);
}

bool take_short(std::string_view& from, std::string_view& into) {
  std::uint16_t size = 0;
  if (from.size() < 2)
    return false;
  std::memcpy(&size, from.data(), 2);
  if (from.size() - 2 < size)
    return false;
  into = from.substr(2, size);
  from.remove_prefix(2U + size);
  return true;
}

/// A member's text, empty where there is none.
std::string text_field(const codec::dynamic_value& object,
                       std::string_view name) {
  const codec::dynamic_value* field = object.find(name);
  const auto* text = field == nullptr ? nullptr : field->as_string();
  return text == nullptr ? std::string{} : *text;
}

/// The member `eventId`: its text, an integer's digits, nothing where it is
/// absent or null. False for anything else: an id that is not taken for one
/// would let a record that comes twice count twice.
bool read_event_id(const codec::dynamic_value& object, std::string& into) {
  const codec::dynamic_value* const field = object.find("eventId");
  if (field == nullptr || field->is_null())
    return true;
  if (const std::string* text = field->as_string())
    into = *text;
  else if (const std::int64_t* whole = field->as_int())
    into = std::to_string(*whole);
  else if (const std::uint64_t* large = field->as_uint())
    into = std::to_string(*large);
  return !into.empty();
}

/// The member that a source takes event time from.
result<timestamp> read_event_time(const codec::dynamic_value& object,
                                  const std::string& name) {
  const codec::dynamic_value* const field = object.find(name);
  const auto* const text = field == nullptr ? nullptr : field->as_string();
  if (text == nullptr)
    return error{errc::undecodable,
                 "it has no text " + name + ", which tells its event time"};
  auto time = parse_rfc3339(*text);
  if (!time)
    return error{errc::undecodable, name + ", which tells its event time: "
                                        + time.error().context};
  return time;
}

/// Media types are compared without regard to case (RFC 9110, 8.3.1); a record
/// that names none is JSON.
body_format format_of(std::string_view content_type) {
  const auto names = [&](std::string_view word) {
    return std::search(content_type.begin(), content_type.end(), word.begin(),
                       word.end(),
                       [](char a, char b) {
                         return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
                       })
           != content_type.end();
  };
  if (content_type.empty() || names("json"))
    return body_format::json;
  return names("msgpack") ? body_format::msgpack : body_format::raw;
}

/// A version from 1 in decimal digits, 0 for any other text.
std::uint32_t version_of(std::string_view text) {
  std::uint32_t version = 0;
  const char* const end = text.data() + text.size();
  const auto done = std::from_chars(text.data(), end, version);
  return done.ec == std::errc{} && done.ptr == end ? version : 0;
}

} // namespace

void encode(const envelope& what, std::string& out) {
  const bool is_timed = what.source_watermark != before_all_time;
  out.push_back(is_timed ? timed_message : plain_message);
  char fixed[20];
  const std::int64_t time = what.time.value();
  const std::int64_t watermark = what.source_watermark.value();
  std::memcpy(fixed, &what.version, 4);
  std::memcpy(fixed + 4, &time, 8);
  std::memcpy(fixed + 12, &watermark, 8);
  out.append(fixed, is_timed ? 20 : 12);
  put_short(out, what.entity);
  put_short(out, what.message);
  put_short(out, what.event_id);
  out.append(what.body);
}

result<envelope> decode_envelope(std::string_view bytes) {
  envelope found;
  std::int64_t time = 0;
  const bool is_timed = !bytes.empty() && bytes[0] == timed_message;
  const std::size_t fixed = is_timed ? 21 : 13;
  if (bytes.size() < fixed || (!is_timed && bytes[0] != plain_message))
    return error{errc::undecodable,
                 "an inbox message of another version, or cut"};
  std::memcpy(&found.version, bytes.data() + 1, 4);
  std::memcpy(&time, bytes.data() + 5, 8);
  found.time = timestamp{time};
  if (is_timed) {
    std::memcpy(&time, bytes.data() + 13, 8);
    found.source_watermark = timestamp{time};
  }
  bytes.remove_prefix(fixed);
  if (!take_short(bytes, found.entity) || !take_short(bytes, found.message)
      || !take_short(bytes, found.event_id))
    return error{errc::undecodable, "an inbox message is cut"};
  found.body = bytes;
  return found;
}

void encode(const marker& what, std::string& out) {
  char bytes[marker_bytes];
  const std::uint32_t shard = what.shard.value();
  const std::int64_t time = what.mark.time.value();
  bytes[0] = time_marker;
  std::memcpy(bytes + 1, &shard, 4);
  std::memcpy(bytes + 5, &time, 8);
  bytes[13] = static_cast<char>((what.mark.is_idle ? 1 : 0)
                                | (what.mark.is_resting ? 2 : 0));
  out.append(bytes, marker_bytes);
}

result<std::optional<marker>> decode_marker(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != time_marker)
    return std::optional<marker>{};
  if (bytes.size() != marker_bytes)
    return error{errc::undecodable, "a marker is cut or too long"};
  std::uint32_t shard = 0;
  std::int64_t time = 0;
  std::memcpy(&shard, bytes.data() + 1, 4);
  std::memcpy(&time, bytes.data() + 5, 8);
  return std::optional<marker>{
      {partition_index{shard},
       {timestamp{time}, (bytes[13] & 1) != 0, (bytes[13] & 2) != 0}}};
}

foreign_message read_foreign(const record& from,
                             const application_plan::source& source,
                             std::string& scratch) {
  foreign_message found;
  for (const header each : from.headers) {
    if (each.name == "ce_type")
      found.type = each.value;
    else if (each.name == "ce_id")
      found.event_id = each.value;
    else if (each.name == data_version_header)
      found.version = version_of(each.value);
    else if (each.name == "content-type")
      found.content_type = each.value;
  }
  found.format = format_of(found.content_type);
  if (found.version == 0) {
    found.fault = std::string{data_version_header}
                  + " is no version: expected an integer from 1";
    return found;
  }
  const bool knows_type =
      !found.type.empty() || !source.default_message.empty();
  const bool knows_id = !found.event_id.empty() || !source.deduplicate;
  const bool knows_time = source.event_time_field.empty();
  if (!knows_time && found.format == body_format::raw) {
    found.fault = "its event time cannot be read from its content type";
    return found;
  }
  if (!(knows_type && knows_id && knows_time)
      && found.format != body_format::raw) {
    // What is looked at in a body; the rest of it is only checked.
    const std::array<std::string_view, 3> fields{"type", "eventId",
                                                 source.event_time_field};
    const std::span wanted{fields.data(),
                           knows_time ? std::size_t{2} : fields.size()};
    const auto said = found.format == body_format::json
                          ? codec::parse_json_fields(from.value, wanted)
                          : codec::parse_msgpack(from.value);
    if (!said) {
      found.fault = said.error().context;
      return found;
    }
    if (!knows_time) {
      const auto time = read_event_time(*said, source.event_time_field);
      if (!time) {
        found.fault = time.error().context;
        return found;
      }
      found.time = *time;
    }
    const std::string type = text_field(*said, "type");
    // Both texts into one buffer that no later append moves.
    std::string id;
    if (found.event_id.empty() && source.deduplicate
        && !read_event_id(*said, id)) {
      found.fault = "its eventId is neither a text with a character in it nor "
                    "an integer";
      return found;
    }
    scratch.assign(type).append(id);
    const std::string_view both{scratch};
    if (found.type.empty())
      found.type = both.substr(0, type.size());
    if (found.event_id.empty())
      found.event_id = both.substr(type.size());
  }
  if (found.type.empty())
    found.type = source.default_message;
  return found;
}

} // namespace freehold::engine
