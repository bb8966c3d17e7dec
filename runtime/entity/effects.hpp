#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace freehold {

/// Thrown by a handler for what may pass: the message is tried again later,
/// in its place. Any other exception but `permanent_failure` counts as this.
class transient_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Thrown by a handler for what no repetition mends: the message becomes a
/// dead letter at once.
class permanent_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// What a timer's due time is measured by.
enum class timer_clock : std::uint8_t {
  /// The node's clock.
  processing_time,
  /// The watermark of the entity's shard.
  event_time,
};

enum class body_format : std::uint8_t {
  /// JSON text: what mostly comes from outside.
  json,
  /// MessagePack map with field names: what entities tell each other.
  msgpack,
  /// Bytes nobody looks into: any other content type.
  raw,
};

/// Where a message came from: what ids, retries and dead letters refer to.
/// For a timer the topic is `timer` and the offset the timer's number.
struct message_origin {
  std::string_view topic;
  partition_index partition;
  std::int64_t offset = 0;
};

/// A message on its way into a handler. All views live until it returns.
struct incoming {
  std::string_view key;
  /// The message type's name; empty where the record names none.
  std::string_view type;
  std::uint32_t version = 1;
  body_format format = body_format::json;
  /// What the record calls its content; for the text of a failure.
  std::string_view content_type{};
  std::string_view body;
  /// The sender's id of this message, or empty.
  std::string_view event_id{};
  timestamp time{};
  message_origin origin{};
  /// 1 at the first try.
  std::uint32_t attempt = 1;
  /// The watermark of the source partition that the message goes back to, as
  /// of the record it goes back to: the latest event time read from there.
  timestamp source_watermark = before_all_time;
  /// The watermark of the receiving shard when it took the message.
  timestamp watermark = before_all_time;
};

/// One record that a handler publishes.
struct publication {
  std::string_view topic;
  std::string_view key;
  /// CloudEvents type; empty publishes the bare value without headers.
  std::string_view type;
  /// The version of that type's description.
  std::uint32_t version = 1;
  body_format format = body_format::json;
  std::string_view value;
  /// The event's number in its journal, from 1; 0 outside a journal.
  std::uint64_t sequence = 0;
};

/// Where the effects of a message go. The engine implements it over its
/// commit unit, the test kit over plain lists. Everything may throw
/// `permanent_failure` (an undeclared topic, an effect above the log's limit).
class effect_sink {
public:
  effect_sink() = default;
  effect_sink(const effect_sink&) = delete;
  effect_sink& operator=(const effect_sink&) = delete;
  virtual ~effect_sink() = default;

  [[nodiscard]] virtual timestamp now() const = 0;
  /// The same numbers for the same message, also when it is tried again.
  virtual std::uint64_t random() = 0;
  /// The id that the next published record will have.
  [[nodiscard]] virtual std::string next_event_id() const = 0;
  /// An empty buffer to encode into; valid until the next call here.
  virtual std::string& scratch() = 0;

  virtual void publish(const publication& what) = 0;
  virtual void tell(std::string_view type, std::string_view key,
                    std::string_view message, std::uint32_t version,
                    std::string_view body) = 0;
  /// Replaces a timer of the same name, whatever its clock.
  virtual void schedule(std::string_view name, timer_clock by, timestamp due,
                        std::string_view message, std::uint32_t version,
                        std::string_view body) = 0;
  virtual void cancel(std::string_view name) = 0;
  /// `json` becomes the answer to the message; the last one counts.
  virtual void reply(std::string_view json) = 0;
};

} // namespace freehold
