#pragma once

#include "runtime/base/hash.hpp"
#include "runtime/engine/shard.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace freehold::engine {

/// Where the handlers of a shard's entities put their effects: into the
/// filling unit, from which a failed message takes them back.
class shard::sink final : public effect_sink {
public:
  explicit sink(shard& owner) : owner_(owner) {}

  [[nodiscard]] timestamp now() const override;
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

  /// Begins a message: later effects are its.
  void begin(const taken_message& message, entity_cell& cell);
  /// Takes the effects of the message back.
  void take_back();

private:
  void append(topic_index topic, partition_index partition,
              std::string_view key, std::string_view value,
              std::string_view headers);
  /// A timer of the entity that is being handled.
  [[nodiscard]] timer_identity own_timer(std::string_view name) const;
  void check_size(std::string_view what, std::string_view of_whom,
                  std::size_t bytes) const;

  shard& owner_;
  arena::mark mark_;
  std::size_t appends_ = 0;
  std::optional<random_source> random_;
  std::string headers_;
  counters counted_;
};

} // namespace freehold::engine
