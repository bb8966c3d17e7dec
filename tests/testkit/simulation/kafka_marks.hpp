#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace freehold::simulation {

/// Rare things that a campaign must have met before it proves anything.
enum class kafka_mark : std::uint8_t {
  /// A producer's batch came a second time and was recognised (KIP-98).
  batch_repeated,
  /// Something of an epoch that is over was refused.
  old_epoch_refused,
  /// An end of a transaction came when its epoch was over.
  late_end_refused,
  /// A transaction was aborted because its producer began anew.
  aborted_by_next_life,
  /// A transaction was aborted by the coordinator.
  aborted_by_coordinator,
  /// Somebody waited because a transaction's markers were not all written.
  markers_awaited,
  /// A reader of committed records stopped at an open transaction.
  reader_stopped,
  /// One partition showed a transaction of which another one did not know.
  torn_view,
  /// A shard's taking waited for the offsets of a transaction under way.
  offsets_unstable,
  /// Offsets of an old generation, or of somebody who is no member, were
  /// refused (KIP-447).
  old_generation_refused,
  stranger_refused,
  member_expired,
  /// A process took up its static membership again (KIP-345).
  member_replaced,
  /// A join that was late put out the process that had come after it.
  late_join,
  rebalanced,
  shard_moved,
  /// A shard went away while it was being taken.
  taking_given_up,
  /// A unit was given up because one of its shards was not ours any more.
  unit_without_shard,
  commit_unknown,
  /// A reader asked for what others had deleted.
  out_of_range,
};

inline constexpr std::size_t kafka_mark_count =
    static_cast<std::size_t>(kafka_mark::out_of_range) + 1;

[[nodiscard]] std::string_view name_of(kafka_mark which) noexcept;

/// How often each came to pass.
class kafka_marks {
public:
  void reached(kafka_mark which) {
    ++counts_[static_cast<std::size_t>(which)];
    if (listener_)
      listener_(which);
  }
  [[nodiscard]] std::uint64_t count(kafka_mark which) const noexcept {
    return counts_[static_cast<std::size_t>(which)];
  }
  void listen(std::function<void(kafka_mark)> listener) {
    listener_ = std::move(listener);
  }

private:
  std::array<std::uint64_t, kafka_mark_count> counts_{};
  std::function<void(kafka_mark)> listener_;
};

} // namespace freehold::simulation
