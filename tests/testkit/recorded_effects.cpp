#include "tests/testkit/recorded_effects.hpp"

#include "runtime/codec/codec.hpp"

namespace freehold::testkit {

std::string packed_to_text(std::string_view body) {
  const auto value = codec::parse_msgpack(body);
  return value ? codec::to_text(*value) : "(no MessagePack)";
}

std::string recorded_effects::to_text() const {
  std::string text;
  for (const auto& each : records) {
    text.append("  to topic ").append(each.topic).append(", key ");
    text.append(each.key).append(": ").append(each.type).append(" ");
    text.append(each.value).append("\n");
  }
  for (const auto& each : tells) {
    text.append("  to ").append(each.type).append("/").append(each.key);
    text.append(": ").append(each.message).append(" ");
    text.append(packed_to_text(each.body)).append("\n");
  }
  for (const auto& each : timers) {
    if (each.message.empty()) {
      text.append("  no timer ").append(each.name).append("\n");
      continue;
    }
    text.append("  timer ").append(each.name).append(" at ");
    text.append(std::to_string(each.due.value()))
        .append(each.clock == timer_clock::event_time ? " ms of event time: "
                                                      : " ms: ");
    text.append(each.message).append(" ");
    text.append(packed_to_text(each.body)).append("\n");
  }
  if (reply)
    text.append("  reply ").append(*reply).append("\n");
  if (text.empty())
    return "  nothing";
  text.pop_back();
  return text;
}

std::uint64_t recording_sink::random() {
  // splitmix64 (Steele, Lea, Flood 2014) over the message and the draw.
  std::uint64_t x = static_cast<std::uint64_t>(message_number_) << 32;
  x += ++drawn_ * 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

std::string recording_sink::next_event_id() const {
  const std::size_t ordinal = effects_.records.size() + effects_.tells.size();
  return "kit/0/" + std::to_string(message_number_) + "/"
         + std::to_string(ordinal);
}

std::string& recording_sink::scratch() {
  scratch_.clear();
  return scratch_;
}

void recording_sink::publish(const publication& what) {
  effects_.records.push_back(
      {std::string{what.topic}, std::string{what.key}, std::string{what.type},
       what.format, std::string{what.value}, what.sequence, what.version});
}

void recording_sink::tell(std::string_view type, std::string_view key,
                          std::string_view message, std::uint32_t version,
                          std::string_view body) {
  effects_.tells.push_back({std::string{type}, std::string{key},
                            std::string{message}, version, std::string{body}});
}

void recording_sink::schedule(std::string_view name, timer_clock by,
                              timestamp due, std::string_view message,
                              std::uint32_t version, std::string_view body) {
  effects_.timers.push_back({std::string{name}, due, std::string{message},
                             version, std::string{body}, by});
}

void recording_sink::cancel(std::string_view name) {
  effects_.timers.push_back({.name = std::string{name}});
}

void recording_sink::reply(std::string_view json) {
  effects_.reply = std::string{json};
}

} // namespace freehold::testkit
