#pragma once

#include "runtime/engine/engine.hpp"
#include "runtime/engine/light_actor.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/engine/shard.hpp"

#include <caf/actor.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace freehold::engine {

/// Who is who among the engine's actors. Shards come anew when their
/// supervisor restarts them; the others live as long as the engine.
class directory {
public:
  explicit directory(std::uint32_t shard_count)
      : shards_(shard_count), revoked_(shard_count, false) {}

  void set_shard(partition_index index, caf::strong_actor_ptr actor) {
    const std::lock_guard lock{mutex_};
    shards_[index.value()] = std::move(actor);
  }
  [[nodiscard]] caf::strong_actor_ptr shard(partition_index index) const {
    const std::lock_guard lock{mutex_};
    return index.value() < shards_.size() ? shards_[index.value()] : nullptr;
  }
  /// Whether the log waits for the shard's release. Kept here, because the
  /// shard's actor may end with the log's message unread in its mailbox.
  void set_revoked(partition_index index, bool is_revoked) {
    const std::lock_guard lock{mutex_};
    if (index.value() < revoked_.size())
      revoked_[index.value()] = is_revoked;
  }
  [[nodiscard]] bool is_revoked(partition_index index) const {
    const std::lock_guard lock{mutex_};
    return index.value() < revoked_.size() && revoked_[index.value()];
  }
  [[nodiscard]] std::uint32_t shard_count() const noexcept {
    return static_cast<std::uint32_t>(shards_.size());
  }
  /// Lets go of all actors, so that they can be destroyed.
  void clear() {
    const std::lock_guard lock{mutex_};
    shards_.assign(shards_.size(), nullptr);
    group = nullptr;
    bridge = nullptr;
  }

  caf::strong_actor_ptr group;
  caf::strong_actor_ptr bridge;

private:
  mutable std::mutex mutex_;
  std::vector<caf::strong_actor_ptr> shards_;
  std::vector<bool> revoked_;
};

/// Sends one of the engine's own messages: marked as urgent, so that no full
/// mailbox refuses it. There are few of them at any time.
template <class Message>
void send(const caf::strong_actor_ptr& to, Message what) {
  if (to != nullptr)
    to->enqueue(caf::make_mailbox_element(
                    nullptr, caf::make_message_id(caf::message_priority::high),
                    {}, std::move(what)),
                nullptr);
}

/// What all actors of an engine share. Outlives them.
struct surroundings {
  std::shared_ptr<const application_plan> plan;
  ports::event_log& log;
  const clock& time;
  directory& who;
  ports::crash_ledger& ledger;
  /// By entity type; for the shards.
  std::deque<memory_budget>& budgets;
  answer_listener* listener = nullptr;
};

/// The last counters a shard has published; read from any thread.
struct published_counters {
  mutable std::mutex mutex;
  counters values;
  std::vector<input_position> positions;
  std::optional<restore_position> restoring;
};

/// A shard as an actor: turns messages into calls of `shard`, and what the
/// shard wants into messages, alarms and calls of the log.
class shard_actor final : public pinned_actor, public shard_host {
public:
  shard_actor(caf::actor_config& config, worker& home,
              const surroundings& around, partition_index index,
              ports::crash_slot& slot,
              const std::vector<ports::crash_ledger::suspect>& suspects,
              quarantine& alone, published_counters& published);

  [[nodiscard]] const char* name() const override { return "shard"; }
  /// Kept by the engine beyond the actor's life: entities refer to it.
  [[nodiscard]] const std::shared_ptr<shard>& content() const noexcept {
    return shard_;
  }

protected:
  bool handle(caf::mailbox_element& what) override;
  void terminated(const caf::error& reason) override;

private:
  // -- shard_host ------------------------------------------------------------
  worker& home() noexcept override { return pinned_actor::home(); }
  [[nodiscard]] timestamp now() const override { return around_.time.now(); }
  void fetch(const ports::fetch_request& what) override;
  void cancel_fetch(topic_partition source) override;
  void look_up(std::shared_ptr<ports::lookup> what) override;
  void truncate(topic_partition target, next_offset before) override;
  void close_wanted() override;
  void continue_later() override;
  void wake_at(timestamp due) override;
  void part_ready(unit_id unit, std::shared_ptr<shard_unit> part) override;
  void probed(bool idle) override;
  void released() override;
  void undo_wanted() override;
  void acquit(const ports::crash_ledger::suspect& whom) override;
  [[nodiscard]] bool wants_answers() const override;
  void failed(const error& why) override;
  void answered(const std::vector<answer_notice>& notices) override;

  void lose();
  void publish_counters();

  const surroundings around_;
  published_counters& published_;
  std::shared_ptr<shard> shard_;
  bool continuing_ = false;
  /// A shard that was restarted learns from `resume` that it is owned; any
  /// other one only from the log itself.
  bool heard_of_ownership_ = false;
  std::uint64_t last_probe_ = 0;
  std::optional<timestamp> wake_at_;
};

} // namespace freehold::engine
