#pragma once

#include "runtime/engine/shard_actor.hpp"

#include <caf/actor_control_block.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace freehold::engine {

/// The shards that share one transaction: closes a unit over all of them at
/// every commit interval, or earlier when one is large, and tells them its
/// outcome. While a unit commits, the shards fill the next one; the next close
/// begins when the outcome is known.
///
/// ```
///   idle ──tick──► collecting ──parts──► committing ──done──► idle
///                      │ nothing to commit ► idle     │ failed, unknown
///                      └──── undo wanted ──► recovering ◄┘
///                                                └── recovered ──► idle
/// ```
class commit_group final : public pinned_actor {
public:
  commit_group(caf::actor_config& config, worker& home,
               const surroundings& around);

  [[nodiscard]] const char* name() const override { return "commit-group"; }

protected:
  bool handle(caf::mailbox_element& what) override;

private:
  enum class phase : std::uint8_t { idle, collecting, committing, recovering };

  void schedule_tick();
  void tick();
  void collect();
  void take_part(const messages::part& part);
  void all_parts_in();
  void outcome(const ports::commit_result& result);
  void recover();
  void recovered(const std::vector<ports::shard_grant>& grants);
  void nothing_to_commit();
  void take_probe(const messages::probed& answer);
  void to_all(auto message);

  const surroundings around_;
  phase phase_ = phase::idle;
  std::uint64_t last_unit_ = 0;
  std::size_t parts_missing_ = 0;
  std::vector<std::shared_ptr<shard_unit>> parts_;
  bool close_again_ = false;
  bool undo_wanted_ = false;

  std::uint64_t last_probe_ = 0;
  std::size_t probes_missing_ = 0;
  bool all_idle_ = false;
  std::vector<std::function<void()>> idle_waiters_;
  bool finishing_ = false;
  std::vector<std::function<void()>> finish_waiters_;
};

} // namespace freehold::engine
