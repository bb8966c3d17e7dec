#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/application_plan.hpp"
#include "runtime/engine/changelog.hpp"
#include "runtime/ports/log_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace freehold::engine {

/// One shard as its changelog tells it, without an engine: the latest states,
/// the positions, held messages and timers. Read at once, up to the end that
/// is committed at that moment, by the rules of `shard_restore.cpp`; units are
/// seen as a whole or not at all, also beside a running node.
///
/// A plain value after `read`; keeps the stored bytes of every state in
/// memory. One thread at a time.
class changelog_view {
public:
  struct stored_state {
    std::uint32_t schema = 0;
    std::uint64_t sequence = 0;
    std::string bytes;
  };
  /// The states of one entity type, by key.
  using states = std::map<std::string, stored_state, std::less<>>;

  /// A message that was taken and is not finished.
  struct held_message {
    std::uint64_t number = 0;
    std::string entity;
    std::string key;
    std::uint32_t attempts = 0;
    timestamp due;
    std::string last_error;
    /// `timer` for what a timer sent.
    std::string topic;
    record_offset offset;
    timestamp time;
    std::string value;
    /// In the form of `header_list`.
    std::string headers;
  };

  struct timer {
    std::string entity;
    std::string key;
    std::string name;
    std::uint64_t number = 0;
    timestamp due;
    std::string message;
    std::uint32_t version = 1;
    /// MessagePack.
    std::string body;
    timer_clock clock = timer_clock::processing_time;
  };

  /// Reads a shard. Waits for the medium. Errors: `not_found` where the log
  /// has no changelog or no such partition, `corrupt`, `mismatch` for an
  /// entity type that the application does not have, those of the reader.
  static result<changelog_view>
  read(ports::log_reader& from, std::shared_ptr<const application_plan> plan,
       partition_index shard);

  [[nodiscard]] partition_index shard() const noexcept { return shard_; }
  /// The unit and the ownership that wrote last; 0 where there was none.
  [[nodiscard]] std::uint64_t unit() const noexcept { return unit_; }
  [[nodiscard]] shard_epoch epoch() const noexcept { return epoch_; }
  /// Up to where each input was taken, by topic name.
  [[nodiscard]] const std::vector<std::pair<std::string, next_offset>>&
  positions() const noexcept {
    return positions_;
  }

  /// @pre `type` is an index into the plan's types
  [[nodiscard]] const states& of_type(std::uint32_t type) const {
    return states_[type];
  }
  /// Null where there is none.
  [[nodiscard]] const stored_state* find(std::uint32_t type,
                                         std::string_view key) const;
  /// In the order in which they were taken.
  [[nodiscard]] const std::map<std::uint64_t, held_message>&
  held() const noexcept {
    return held_;
  }
  /// By entity type, key and name.
  [[nodiscard]] const auto& timers() const noexcept { return timers_; }
  /// Up to where results by event time are complete; `before_all_time` where
  /// the application measures none.
  [[nodiscard]] timestamp watermark() const noexcept { return watermark_; }

  /// The state as JSON. Errors: `missing_upcaster`, `undecodable`, `corrupt`,
  /// each naming the entity.
  [[nodiscard]] result<std::string> json(std::uint32_t type,
                                         std::string_view key,
                                         const stored_state& which) const;

  /// The same into a state that is constructed, as of `any_state`.
  [[nodiscard]] result<void> decode(std::uint32_t type, std::string_view key,
                                    const stored_state& which,
                                    void* into) const;

  /// The state as its C++ type. Same errors.
  /// @pre the plan's type of that index was made from `Entity`
  template <class Entity>
  [[nodiscard]] result<typename Entity::state>
  state(std::uint32_t type, std::string_view key,
        const stored_state& which) const {
    typename Entity::state into{};
    if (auto decoded = decode(type, key, which, &into); !decoded)
      return decoded.error();
    return into;
  }

private:
  struct known_schema {
    std::uint32_t type = 0;
    /// None where `fault` says why.
    std::shared_ptr<const state_decoder> decoder;
    std::string fault;
  };

  changelog_view(std::shared_ptr<const application_plan> plan,
                 partition_index shard);
  result<void> read_all(ports::log_reader& from, topic_partition source,
                        ports::partition_bounds bounds);
  result<void> take_pack(std::string_view pack);
  result<void> take(changelog::entry_kind kind, std::string_view payload);
  result<void> take_schema(std::string_view payload);
  [[nodiscard]] result<void> all_schemas_known() const;
  result<void> take_state(std::string_view payload);
  result<void> take_held(std::string_view payload);
  result<void> take_timer(std::string_view payload);

  std::shared_ptr<const application_plan> plan_;
  partition_index shard_;
  timestamp watermark_ = before_all_time;
  std::uint64_t unit_ = 0;
  shard_epoch epoch_;
  std::vector<std::pair<std::string, next_offset>> positions_;
  std::map<std::uint32_t, known_schema> schemas_;
  std::vector<states> states_;
  /// By schema: states that came before it.
  std::multimap<std::uint32_t, std::string> early_;
  std::map<std::uint64_t, held_message> held_;
  std::map<std::tuple<std::string, std::string, std::string>, timer> timers_;
};

/// The topic of a role among what a log has; nothing where it has none.
[[nodiscard]] std::optional<topic_index>
topic_of_role(const std::vector<ports::topic_description>& topics,
              ports::topic_role role);

} // namespace freehold::engine
