#pragma once

#include "runtime/base/record.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/engine/event_clock.hpp"
#include "runtime/entity/effects.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace freehold::engine {

/// What an entity tells another one, as it lies in the inbox topic: address,
/// message and body in the record's value (headers are the dearest part of a
/// Kafka record). Layout in docs/formats/inbox.md.
struct envelope {
  std::string_view entity;
  std::string_view message;
  std::uint32_t version = 1;
  timestamp time;
  std::string_view event_id;
  std::string_view body;
  /// Of the source partition that the message goes back to.
  timestamp source_watermark = before_all_time;
};

void encode(const envelope& what, std::string& out);
/// The views point into `bytes`. Errors: `undecodable`.
result<envelope> decode_envelope(std::string_view bytes);

/// What a shard tells all shards about event time; between the messages in the
/// inbox, without a key.
struct marker {
  partition_index shard;
  time_mark mark;
};

void encode(const marker& what, std::string& out);
/// Nothing: it is no marker. Errors: `undecodable`.
result<std::optional<marker>> decode_marker(std::string_view bytes);

/// The CloudEvents extension attribute `dataversion`: the version of a
/// message's description. Left out at version 1.
inline constexpr std::string_view data_version_header = "ce_dataversion";

/// What a foreign record says about itself.
struct foreign_message {
  std::string_view type;
  std::string_view event_id;
  /// Of the type's description.
  std::uint32_t version = 1;
  body_format format = body_format::json;
  std::string_view content_type;
  /// What the source's event time field says; none where it has no such field.
  std::optional<timestamp> time;
  /// Why its body cannot be read, where it had to be.
  std::string fault;
};

/// Reads CloudEvents headers (`ce_type`, `ce_id`) first, then, in a JSON or
/// MessagePack body without them, the fields `type` and `eventId`. A header
/// counts more than a field, which then is not looked at. The version is the
/// header `ce_dataversion`, 1 without it. `scratch` keeps what has to be
/// unescaped.
///
/// The event time that a source takes from a field of the body is the body's
/// in any case: a body that does not have it, as RFC 3339, is a fault.
foreign_message read_foreign(const record& from,
                             const application_plan::source& source,
                             std::string& scratch);

} // namespace freehold::engine
