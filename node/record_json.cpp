#include "node/record_json.hpp"

#include "node/console.hpp"
#include "runtime/codec/json_writer.hpp"
#include "runtime/engine/changelog.hpp"
#include "runtime/engine/envelope.hpp"

#include <algorithm>
#include <utility>

namespace freehold::node {

namespace {

using codec::dynamic_value;
using engine::changelog::entry_kind;
using engine::changelog::pack_reader;

constexpr std::uint32_t read_bytes = 1U << 20U;

dynamic_value json_of_msgpack(std::string_view bytes) {
  auto parsed = codec::parse_msgpack(bytes);
  if (parsed)
    return *std::move(parsed);
  dynamic_value shown;
  shown.set("fault", parsed.error().context);
  shown.set("base64", base64(bytes));
  return shown;
}

dynamic_value header_json(const engine::changelog::unit_header& header) {
  dynamic_value shown;
  shown.set("kind", "header");
  shown.set("epoch", header.epoch.value());
  shown.set("nextNumber", header.next_number);
  dynamic_value positions{dynamic_value::object{}};
  for (const auto& [topic, next] : header.positions)
    positions.set(topic, next.value());
  shown.set("positions", std::move(positions));
  return shown;
}

dynamic_value held_json(const engine::changelog::held_entry& held) {
  dynamic_value shown;
  shown.set("kind", "held");
  shown.set("number", held.number);
  shown.set("entity", held.entity);
  set_text(shown, "key", held.key);
  shown.set("attempts", std::uint64_t{held.attempts});
  shown.set("due", held.due.value());
  set_text(shown, "lastError", held.last_error);
  shown.set("topic", held.topic);
  shown.set("offset", held.offset.value());
  shown.set("timestamp", held.time.value());
  shown.set("headers", headers_json(header_list{held.headers}));
  set_value(shown, held.value);
  return shown;
}

dynamic_value timer_json(const engine::changelog::timer_entry& timer) {
  dynamic_value shown;
  shown.set("kind", "timer");
  shown.set("entity", timer.entity);
  set_text(shown, "key", timer.key);
  shown.set("name", timer.name);
  shown.set("number", timer.number);
  shown.set("due", timer.due.value());
  shown.set("message", timer.message);
  shown.set("version", std::uint64_t{timer.version});
  shown.set("body", json_of_msgpack(timer.body));
  return shown;
}

dynamic_value answer_json(const engine::changelog::answer_entry& answer) {
  dynamic_value shown;
  std::string id;
  const std::uint64_t words[] = {answer.id.high, answer.id.low};
  for (const std::uint64_t word : words)
    for (int shift = 60; shift >= 0; shift -= 4)
      id.push_back(
          "0123456789abcdef"[word >> static_cast<unsigned>(shift) & 15U]);
  constexpr const char* names[] = {"applied", "rejected", "deadLettered"};
  shown.set("kind", "answer");
  shown.set("fingerprint", id);
  shown.set("timestamp", answer.time.value());
  shown.set("status", answer.status < 3 ? names[answer.status] : "unknown");
  set_text(shown, "body", answer.body);
  return shown;
}

dynamic_value fault_json(const error& why) {
  dynamic_value shown;
  shown.set("fault", why.context);
  return shown;
}

/// Milliseconds since 1970; null where event time has not begun.
dynamic_value event_time_of(timestamp at) {
  return at == before_all_time ? dynamic_value{} : dynamic_value{at.value()};
}

dynamic_value mark_json(const engine::time_mark& mark) {
  dynamic_value shown;
  shown.set("time", event_time_of(mark.time));
  shown.set("idle", mark.is_idle);
  shown.set("resting", mark.is_resting);
  return shown;
}

dynamic_value event_time_json(const engine::changelog::event_time_entry& time) {
  dynamic_value shown;
  shown.set("kind", "eventTime");
  shown.set("watermark", event_time_of(time.watermark));
  shown.set("announced", mark_json(time.announced));
  dynamic_value sources{dynamic_value::object{}};
  for (const auto& [topic, at] : time.sources)
    sources.set(topic, event_time_of(at));
  shown.set("sources", std::move(sources));
  dynamic_value::array marks;
  for (const engine::time_mark& mark : time.marks)
    marks.push_back(mark_json(mark));
  shown.set("shards", std::move(marks));
  return shown;
}

} // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "abcdefghijklmnopqrstuvwxyz"
                                      "0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j)
      word = word << 8U
             | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      text.push_back(j <= count ? digits[word >> (18 - 6 * j) & 63U] : '=');
  }
  return text;
}

void set_text(dynamic_value& into, const std::string& name,
              std::string_view text) {
  if (text.data() == nullptr)
    into.set(name, dynamic_value{});
  else if (codec::is_utf8(text))
    into.set(name, text);
  else
    into.set(name + "Base64", base64(text));
}

void set_value(dynamic_value& into, std::string_view bytes) {
  if (bytes.data() == nullptr)
    into.set("value", dynamic_value{});
  else if (auto parsed = codec::parse_json(bytes))
    into.set("value", *std::move(parsed));
  else if (codec::is_utf8(bytes))
    into.set("valueText", bytes);
  else
    into.set("valueBase64", base64(bytes));
}

dynamic_value headers_json(const header_list& headers) {
  dynamic_value shown{dynamic_value::object{}};
  for (const header each : headers) {
    dynamic_value value = codec::is_utf8(each.value)
                              ? dynamic_value{each.value}
                              : dynamic_value{"base64:" + base64(each.value)};
    dynamic_value* const known = shown.find(each.name);
    if (known == nullptr)
      shown.set(each.name, std::move(value));
    else if (auto* const list = known->as_array())
      list->push_back(std::move(value));
    else
      *known = dynamic_value{
          dynamic_value::array{std::move(*known), std::move(value)}};
  }
  return shown;
}

// -- record_renderer ---------------------------------------------------------

result<record_renderer>
record_renderer::make(ports::log_reader& from,
                      const ports::topic_description& topic,
                      topic_partition source) {
  record_renderer made{topic.spec.role, source};
  if (topic.spec.role == ports::topic_role::changelog)
    if (auto read =
            made.read_schemas(from, topic.partitions[source.partition.value()]);
        !read)
      return read.error();
  return made;
}

result<void> record_renderer::read_schemas(ports::log_reader& from,
                                           ports::partition_bounds bounds) {
  for (next_offset at = bounds.begin; at < bounds.end;) {
    const auto batch = from.read(source_, at, read_bytes);
    if (!batch)
      return batch.error();
    for (const record& each : (*batch)->records)
      note_schemas(each.value);
    if ((*batch)->next <= at)
      break;
    at = (*batch)->next;
  }
  return {};
}

void record_renderer::note_schemas(std::string_view pack) {
  auto reader = pack_reader::open(pack);
  if (!reader)
    return;
  pack_reader::entry next;
  while (reader->next(next)) {
    if (next.kind != entry_kind::schema)
      continue;
    const auto entry = pack_reader::schema(next.payload);
    if (!entry)
      continue;
    if (auto schema = codec::decode_schema(entry->schema))
      schemas_[entry->id] = {std::string{entry->entity}, *std::move(schema)};
  }
}

dynamic_value record_renderer::json(const record& of) const {
  dynamic_value shown;
  shown.set("partition", std::uint64_t{source_.partition.value()});
  shown.set("offset", of.offset.value());
  set_text(shown, "key", of.key);
  shown.set("timestamp", of.time.value());
  shown.set("headers", headers_json(of.headers));
  render_value(of, shown);
  return shown;
}

std::string record_renderer::line(const record& of) const {
  std::string text = std::to_string(source_.partition.value()) + "/"
                     + std::to_string(of.offset.value()) + "  "
                     + time_text(of.time) + "  "
                     + (of.key.data() == nullptr ? "-"
                        : codec::is_utf8(of.key) ? std::string{of.key}
                                                 : base64(of.key));
  if (const auto type = of.headers.find("ce_type"))
    text.append("  ").append(*type);
  dynamic_value value;
  render_value(of, value);
  text.append("  ");
  codec::to_json(text, value.as_object()->front().value);
  return text;
}

void record_renderer::render_value(const record& of,
                                   dynamic_value& into) const {
  if (role_ == ports::topic_role::changelog && of.value.data() != nullptr) {
    into.set("value", pack_json(of.value));
    return;
  }
  if (role_ == ports::topic_role::inbox && of.value.data() != nullptr) {
    const auto marker = engine::decode_marker(of.value);
    if (marker && *marker) {
      dynamic_value shown = mark_json((*marker)->mark);
      shown.set("marker", std::uint64_t{(*marker)->shard.value()});
      into.set("value", std::move(shown));
      return;
    }
    const auto said = engine::decode_envelope(of.value);
    if (said) {
      dynamic_value shown;
      shown.set("entity", said->entity);
      shown.set("message", said->message);
      shown.set("version", std::uint64_t{said->version});
      shown.set("timestamp", said->time.value());
      set_text(shown, "eventId", said->event_id);
      shown.set("body", json_of_msgpack(said->body));
      into.set("value", std::move(shown));
      return;
    }
  }
  set_value(into, of.value);
}

// NOLINTNEXTLINE(readability-function-size): one case per kind
dynamic_value record_renderer::pack_json(std::string_view pack) const {
  auto reader = pack_reader::open(pack);
  if (!reader)
    return fault_json(reader.error());
  dynamic_value::array entries;
  const auto add = [&entries](const auto& decoded, auto&& render) {
    entries.push_back(decoded ? render(*decoded) : fault_json(decoded.error()));
  };
  pack_reader::entry next;
  while (reader->next(next)) {
    const std::string_view payload = next.payload;
    switch (next.kind) {
    case entry_kind::header:
      add(pack_reader::header(payload), header_json);
      break;
    case entry_kind::schema:
      add(pack_reader::schema(payload), [](const auto& schema) {
        dynamic_value shown;
        shown.set("kind", "schema");
        shown.set("id", std::uint64_t{schema.id});
        shown.set("entity", schema.entity);
        return shown;
      });
      break;
    case entry_kind::state:
    case entry_kind::state_of_shared_hash:
      add(pack_reader::state(payload), [this](const auto& state) {
        dynamic_value shown;
        shown.set("kind", "state");
        const auto schema = schemas_.find(state.schema);
        if (schema != schemas_.end())
          shown.set("entity", schema->second.entity);
        set_text(shown, "key", state.key);
        shown.set("version", state.sequence);
        if (schema == schemas_.end()) {
          shown.set("stateBase64", base64(state.bytes));
          return shown;
        }
        auto decoded =
            codec::stored_to_dynamic(state.bytes, schema->second.schema);
        shown.set("state",
                  decoded ? *std::move(decoded) : fault_json(decoded.error()));
        return shown;
      });
      break;
    case entry_kind::held:
      add(pack_reader::held(payload), held_json);
      break;
    case entry_kind::held_gone:
      add(pack_reader::held_gone(payload), [](std::uint64_t number) {
        dynamic_value shown;
        shown.set("kind", "heldGone");
        shown.set("number", number);
        return shown;
      });
      break;
    case entry_kind::timer:
      add(pack_reader::timer(payload), timer_json);
      break;
    case entry_kind::timer_gone:
      add(pack_reader::timer_gone(payload), [](const auto& gone) {
        dynamic_value shown;
        shown.set("kind", "timerGone");
        shown.set("entity", gone.entity);
        set_text(shown, "key", gone.key);
        shown.set("name", gone.name);
        return shown;
      });
      break;
    case entry_kind::answer:
      add(pack_reader::answer(payload), answer_json);
      break;
    case entry_kind::event_time:
      add(pack_reader::event_time(payload), event_time_json);
      break;
    }
  }
  if (const auto whole = reader->end(); !whole)
    entries.push_back(fault_json(whole.error()));
  dynamic_value shown;
  shown.set("unit", reader->unit());
  shown.set("entries", std::move(entries));
  return shown;
}

} // namespace freehold::node
