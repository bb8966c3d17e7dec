#include "runtime/engine/shard_effects.hpp"

#include "runtime/base/rfc3339.hpp"
#include "runtime/engine/envelope.hpp"

#include <utility>

namespace freehold::engine {

namespace {

/// What a record's format and the engine's own words add to what a handler
/// says: a generous estimate of Kafka's record and batch formats, names of
/// topic and entity type.
constexpr std::size_t record_overhead_bytes =
    2 * application_plan::name_bytes_max + 128;

} // namespace

void shard::sink::begin(const taken_message& message, entity_cell& cell) {
  owner_.handling_ = &message;
  owner_.handling_cell_ = &cell;
  owner_.ordinal_ = 0;
  owner_.timer_changes_.clear();
  owner_.reply_.clear();
  mark_ = owner_.filling_->bytes.here();
  appends_ = owner_.filling_->appends.size();
  random_.reset();
  counted_ = {};
}

void shard::sink::take_back() {
  shard_unit& unit = *owner_.filling_;
  unit.appends.resize(appends_);
  unit.bytes.back_to(mark_);
  unit.done.published -= counted_.published;
  unit.done.told -= counted_.told;
  owner_.timer_changes_.clear();
}

timestamp shard::sink::now() const { return owner_.host_.now(); }

std::uint64_t shard::sink::random() {
  if (!random_) {
    const message_origin& origin = owner_.handling_->message.origin;
    random_.emplace(key_hash(origin.topic)
                    ^ static_cast<std::uint64_t>(origin.offset)
                          * 0x9E3779B97F4A7C15ULL
                    ^ (std::uint64_t{origin.partition.value()} << 48U));
  }
  return random_->next();
}

std::string shard::sink::next_event_id() const {
  const message_origin& origin = owner_.handling_->message.origin;
  std::string id{origin.topic};
  id.append("/").append(std::to_string(origin.partition.value()));
  id.append("/").append(std::to_string(origin.offset));
  id.append("/").append(std::to_string(owner_.ordinal_));
  return id;
}

std::string& shard::sink::scratch() {
  owner_.scratch_.clear();
  return owner_.scratch_;
}

void shard::sink::check_size(std::string_view what, std::string_view of_whom,
                             std::size_t bytes) const {
  const std::size_t limit = owner_.plan_->options.record_bytes_max;
  if (bytes + record_overhead_bytes > limit)
    throw permanent_failure(std::string{what}.append(of_whom) + " of "
                            + std::to_string(bytes)
                            + " bytes is above the log's limit of "
                            + std::to_string(limit) + " bytes per record");
}

void shard::sink::append(topic_index topic, partition_index partition,
                         std::string_view key, std::string_view value,
                         std::string_view headers) {
  shard_unit& unit = *owner_.filling_;
  ports::append& made = unit.appends.emplace_back();
  made.target = {topic, partition};
  made.time = owner_.handling_->message.time;
  made.key = unit.bytes.copy(key);
  made.value = unit.bytes.copy(value);
  if (!headers.empty())
    made.headers = header_list{unit.bytes.copy(headers)};
  ++owner_.ordinal_;
}

void shard::sink::publish(const publication& what) {
  const auto topic = owner_.plan_->topic(what.topic);
  if (!topic
      || owner_.plan_->layout.topics[topic->value()].role
             != ports::topic_role::output)
    throw permanent_failure("publishes to the topic \""
                            + std::string{what.topic}
                            + "\", which the application does not declare as "
                              "an output; add it with application::output");
  // Only what emit numbers belongs there; anything else would be an event that
  // never happened, or none.
  if (what.sequence == 0 && owner_.plan_->is_journal(*topic))
    throw permanent_failure("publishes to the topic \""
                            + std::string{what.topic}
                            + "\", which is a journal; emit an event");
  headers_.clear();
  if (!what.type.empty()) {
    const entity_table& table = *owner_.handling_->table;
    append_header(headers_, "ce_specversion", "1.0");
    append_header(headers_, "ce_id", next_event_id());
    append_header(headers_, "ce_type", what.type);
    append_header(headers_, "ce_source",
                  owner_.plan_->name + "/"
                      + std::string{table.type().traits().type});
    append_header(headers_, "ce_time",
                  to_rfc3339(owner_.handling_->message.time));
    append_header(headers_, "content-type", "application/json");
    if (what.version > 1)
      append_header(headers_, data_version_header,
                    std::to_string(what.version));
    if (what.sequence > 0)
      append_header(headers_, "ce_sequence", std::to_string(what.sequence));
  }
  check_size("a record for ", what.topic,
             what.key.size() + what.value.size() + headers_.size());
  const auto& spec = owner_.plan_->layout.topics[topic->value()];
  append(*topic, partition_of(what.key, spec.partition_count), what.key,
         what.value, headers_);
  ++owner_.filling_->done.published;
  ++counted_.published;
}

void shard::sink::tell(std::string_view type, std::string_view key,
                       std::string_view message, std::uint32_t version,
                       std::string_view body) {
  if (!owner_.plan_->type(type))
    throw permanent_failure("tells an entity of type \"" + std::string{type}
                            + "\", which the application does not have");
  std::string& value = owner_.envelope_scratch_;
  value.clear();
  const incoming& handled = owner_.handling_->message;
  encode(envelope{type, message, version, handled.time, next_event_id(), body,
                  handled.source_watermark},
         value);
  check_size("a message to ", type, key.size() + value.size());
  append(owner_.plan_->inbox,
         partition_of(key, owner_.plan_->layout.shard_count), key, value, {});
  ++owner_.filling_->done.told;
  ++counted_.told;
}

void shard::sink::schedule(std::string_view name, timer_clock by, timestamp due,
                           std::string_view message, std::uint32_t version,
                           std::string_view body) {
  if (by == timer_clock::event_time && !owner_.plan_->event_time)
    throw permanent_failure("sets a timer by event time, which the application "
                            "does not measure; call application::event_time");
  check_size("a timer", {},
             owner_.handling_cell_->key().size() + name.size() + message.size()
                 + body.size());
  owner_.timer_changes_.push_back(
      {true, timer::make(own_timer(name), {due, by, message, version, body})});
}

void shard::sink::cancel(std::string_view name) {
  owner_.timer_changes_.push_back({false, timer::make(own_timer(name), {})});
}

timer_identity shard::sink::own_timer(std::string_view name) const {
  return {owner_.handling_->table->type_index(), owner_.handling_->hash,
          owner_.handling_cell_->key(), name};
}

void shard::sink::reply(std::string_view json) {
  check_size("a reply", {}, json.size());
  owner_.reply_ = json;
}

} // namespace freehold::engine
