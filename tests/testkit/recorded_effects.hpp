#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/entity/effects.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::testkit {

/// What `effect_sink::publish` was given.
struct recorded_record {
  std::string topic;
  std::string key;
  std::string type;
  body_format format = body_format::json;
  std::string value;
  std::uint64_t sequence = 0;
  std::uint32_t version = 1;

  friend bool operator==(const recorded_record&,
                         const recorded_record&) = default;
};

struct recorded_tell {
  std::string type;
  std::string key;
  std::string message;
  std::uint32_t version = 1;
  std::string body;

  friend bool operator==(const recorded_tell&, const recorded_tell&) = default;
};

/// A timer set, or taken back if `message` is empty.
struct recorded_timer {
  std::string name;
  timestamp due{};
  std::string message{};
  std::uint32_t version = 1;
  std::string body{};
  timer_clock clock = timer_clock::processing_time;

  friend bool operator==(const recorded_timer&,
                         const recorded_timer&) = default;
};

/// All effects of one message, each kind in the order it was asked for.
struct recorded_effects {
  std::vector<recorded_record> records;
  std::vector<recorded_tell> tells;
  std::vector<recorded_timer> timers;
  std::optional<std::string> reply;

  /// One effect per line, indented; `  nothing` without any.
  [[nodiscard]] std::string to_text() const;

  friend bool operator==(const recorded_effects&,
                         const recorded_effects&) = default;
};

/// A MessagePack body for people; says so when it is none.
[[nodiscard]] std::string packed_to_text(std::string_view body);

/// An effect sink over plain lists. Time stands still, and chance depends on
/// the message's number alone. Ids have the engine's form, with the topic
/// `kit` and the message's number as its offset.
class recording_sink final : public effect_sink {
public:
  recording_sink(timestamp now, std::int64_t message_number)
      : now_(now), message_number_(message_number) {}

  [[nodiscard]] timestamp now() const override { return now_; }
  std::uint64_t random() override;
  [[nodiscard]] std::string next_event_id() const override;
  std::string& scratch() override;

  void publish(const publication& what) override;
  void tell(std::string_view type, std::string_view key,
            std::string_view message, std::uint32_t version,
            std::string_view body) override;
  void schedule(std::string_view name, timer_clock by, timestamp due,
                std::string_view message, std::uint32_t version,
                std::string_view body) override;
  void cancel(std::string_view name) override;
  void reply(std::string_view json) override;

  [[nodiscard]] recorded_effects& effects() { return effects_; }

private:
  const timestamp now_;
  const std::int64_t message_number_;
  std::uint64_t drawn_ = 0;
  std::string scratch_;
  recorded_effects effects_;
};

} // namespace freehold::testkit
