#include "runtime/engine/changelog_view.hpp"

#include "runtime/base/assert.hpp"
#include "runtime/engine/any_state.hpp"

#include <algorithm>
#include <cstddef>

namespace freehold::engine {

namespace {

using changelog::entry_kind;
using changelog::pack_reader;

constexpr std::uint32_t read_bytes = 1U << 20U;

/// Compaction may cut the front while it is read; what was there has then
/// been written again behind it, and reading begins anew.
constexpr int reads_max = 10;

std::tuple<std::string, std::string, std::string>
identity_of(const changelog::timer_entry& which) {
  return {std::string{which.entity}, std::string{which.key},
          std::string{which.name}};
}

error unknown_type(std::string_view what, std::string_view entity) {
  return {errc::mismatch, std::string{what} + " of the entity type \""
                              + std::string{entity}
                              + "\", which this application does not have"};
}

} // namespace

std::optional<topic_index>
topic_of_role(const std::vector<ports::topic_description>& topics,
              ports::topic_role role) {
  for (std::uint32_t i = 0; i < topics.size(); ++i)
    if (topics[i].spec.role == role)
      return topic_index{i};
  return std::nullopt;
}

changelog_view::changelog_view(std::shared_ptr<const application_plan> plan,
                               partition_index shard)
    : plan_(std::move(plan)), shard_(shard), states_(plan_->types.size()) {}

// -- reading -----------------------------------------------------------------

result<changelog_view>
changelog_view::read(ports::log_reader& from,
                     std::shared_ptr<const application_plan> plan,
                     partition_index shard) {
  for (int i = 1;; ++i) {
    const auto topics = from.topics();
    if (!topics)
      return topics.error();
    const auto topic = topic_of_role(*topics, ports::topic_role::changelog);
    if (!topic)
      return error{errc::not_found, "the log has no changelog: no node has run "
                                    "on it yet"};
    const auto& partitions = (*topics)[topic->value()].partitions;
    if (shard.value() >= partitions.size())
      return error{errc::not_found, "the log has "
                                        + std::to_string(partitions.size())
                                        + " shards and no shard "
                                        + std::to_string(shard.value())};
    changelog_view view{plan, shard};
    const auto done =
        view.read_all(from, {*topic, shard}, partitions[shard.value()]);
    if (done)
      return view;
    if (done.error().code != errc::not_found || i == reads_max)
      return error{done.error().code, "shard " + std::to_string(shard.value())
                                          + ": " + done.error().context};
  }
}

result<void> changelog_view::read_all(ports::log_reader& from,
                                      topic_partition source,
                                      ports::partition_bounds bounds) {
  next_offset at = bounds.begin;
  while (at < bounds.end) {
    const auto batch = from.read(source, at, read_bytes);
    if (!batch)
      return batch.error();
    for (const record& each : (*batch)->records) {
      if (next_offset{each.offset.value()} >= bounds.end)
        return all_schemas_known();
      if (auto taken = take_pack(each.value); !taken)
        return error{taken.error().code,
                     "changelog offset " + std::to_string(each.offset.value())
                         + ": " + taken.error().context};
    }
    if ((*batch)->next <= at)
      return error{errc::corrupt, "the changelog ends at offset "
                                      + std::to_string(at.value())
                                      + ", before its end "
                                      + std::to_string(bounds.end.value())};
    at = (*batch)->next;
  }
  return all_schemas_known();
}

result<void> changelog_view::all_schemas_known() const {
  if (early_.empty())
    return {};
  return error{errc::corrupt, "a state names schema "
                                  + std::to_string(early_.begin()->first)
                                  + ", which the changelog does not have"};
}

result<void> changelog_view::take_pack(std::string_view pack) {
  auto reader = pack_reader::open(pack);
  if (!reader)
    return reader.error();
  unit_ = std::max(unit_, reader->unit());
  pack_reader::entry next;
  while (reader->next(next))
    if (auto taken = take(next.kind, next.payload); !taken)
      return taken;
  return reader->end();
}

result<void> changelog_view::take(entry_kind kind, std::string_view payload) {
  switch (kind) {
  case entry_kind::header: {
    auto header = pack_reader::header(payload);
    if (!header)
      return header.error();
    epoch_ = header->epoch;
    positions_ = std::move(header->positions);
    return {};
  }
  case entry_kind::schema:
    return take_schema(payload);
  case entry_kind::state:
  case entry_kind::state_of_shared_hash:
    return take_state(payload);
  case entry_kind::held:
    return take_held(payload);
  case entry_kind::held_gone: {
    const auto gone = pack_reader::held_gone(payload);
    if (!gone)
      return gone.error();
    held_.erase(*gone);
    return {};
  }
  case entry_kind::timer:
    return take_timer(payload);
  case entry_kind::timer_gone: {
    const auto entry = pack_reader::timer_gone(payload);
    if (!entry)
      return entry.error();
    timers_.erase(identity_of(*entry));
    return {};
  }
  case entry_kind::event_time: {
    const auto entry = pack_reader::event_time(payload);
    if (!entry)
      return entry.error();
    watermark_ = entry->watermark;
    return {};
  }
  case entry_kind::answer:
    return {}; // ids of messages, of no use to a reader
  }
  return error{errc::corrupt, "an entry of unknown kind "
                                  + std::to_string(static_cast<int>(kind))
                                  + "; a newer build wrote it"};
}

result<void> changelog_view::take_schema(std::string_view payload) {
  const auto entry = pack_reader::schema(payload);
  if (!entry)
    return entry.error();
  const auto type = plan_->type(entry->entity);
  if (!type)
    return unknown_type("the changelog has states", entry->entity);
  known_schema& schema = schemas_[entry->id];
  schema = {};
  schema.type = *type;
  auto decoder = plan_->types[*type]->decoder(entry->schema);
  if (decoder)
    schema.decoder = std::move(*decoder);
  else
    schema.fault = to_string(decoder.error());
  // States that compaction has not moved lie before the schema, which it has.
  const auto waiting = early_.equal_range(entry->id);
  for (auto each = waiting.first; each != waiting.second; ++each)
    if (auto taken = take_state(each->second); !taken)
      return taken;
  early_.erase(waiting.first, waiting.second);
  return {};
}

result<void> changelog_view::take_state(std::string_view payload) {
  const auto entry = pack_reader::state(payload);
  if (!entry)
    return entry.error();
  const auto schema = schemas_.find(entry->schema);
  if (schema == schemas_.end()) {
    early_.emplace(entry->schema, payload);
    return {};
  }
  states& all = states_[schema->second.type];
  auto found = all.find(entry->key);
  if (found == all.end())
    found = all.emplace(entry->key, stored_state{}).first;
  else if (found->second.sequence > entry->sequence)
    return {}; // a newer one did not have to wait for its schema
  found->second.schema = entry->schema;
  found->second.sequence = entry->sequence;
  found->second.bytes = entry->bytes;
  return {};
}

result<void> changelog_view::take_held(std::string_view payload) {
  const auto entry = pack_reader::held(payload);
  if (!entry)
    return entry.error();
  if (!plan_->type(entry->entity))
    return unknown_type("a held message is for an entity", entry->entity);
  held_message& held = held_[entry->number];
  held.number = entry->number;
  held.entity = entry->entity;
  held.key = entry->key;
  held.attempts = entry->attempts;
  held.due = entry->due;
  held.last_error = entry->last_error;
  held.topic = entry->topic;
  held.offset = entry->offset;
  held.time = entry->time;
  held.value = entry->value;
  held.headers = entry->headers;
  return {};
}

result<void> changelog_view::take_timer(std::string_view payload) {
  const auto entry = pack_reader::timer(payload);
  if (!entry)
    return entry.error();
  if (!plan_->type(entry->entity))
    return unknown_type("a timer is for an entity", entry->entity);
  timers_.insert_or_assign(
      identity_of(*entry),
      timer{std::string{entry->entity}, std::string{entry->key},
            std::string{entry->name}, entry->number, entry->due,
            std::string{entry->message}, entry->version,
            std::string{entry->body}, entry->clock});
  return {};
}

// -- looking -----------------------------------------------------------------

const changelog_view::stored_state*
changelog_view::find(std::uint32_t type, std::string_view key) const {
  FREEHOLD_ASSERT(type < states_.size(), "a type of the plan");
  const auto found = states_[type].find(key);
  return found == states_[type].end() ? nullptr : &found->second;
}

result<void> changelog_view::decode(std::uint32_t type, std::string_view key,
                                    const stored_state& which,
                                    void* into) const {
  FREEHOLD_ASSERT(type < states_.size(), "a type of the plan");
  const auto whose = [&] {
    return "the state of " + std::string{plan_->types[type]->traits().type}
           + "/" + std::string{key} + " cannot be read: ";
  };
  const auto schema = schemas_.find(which.schema);
  FREEHOLD_ASSERT(schema != schemas_.end(), "states were read with a schema");
  if (schema->second.decoder == nullptr)
    return error{errc::missing_upcaster, whose() + schema->second.fault};
  const auto read = schema->second.decoder->read(which.bytes, into);
  if (!read)
    return error{read.error().code, whose() + read.error().context};
  return {};
}

result<std::string> changelog_view::json(std::uint32_t type,
                                         std::string_view key,
                                         const stored_state& which) const {
  FREEHOLD_ASSERT(type < plan_->types.size(), "a type of the plan");
  const any_state state{*plan_->types[type]};
  if (auto decoded = decode(type, key, which, state.get()); !decoded)
    return decoded.error();
  return plan_->types[type]->to_json(state.get());
}

} // namespace freehold::engine
