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
  /// A changelog was read from the machine's own copy.
  read_from_copy,
  /// That copy ended too early, and was thrown away.
  copy_discarded,
};

inline constexpr std::array all_kafka_marks{
    kafka_mark::batch_repeated,
    kafka_mark::old_epoch_refused,
    kafka_mark::late_end_refused,
    kafka_mark::aborted_by_next_life,
    kafka_mark::aborted_by_coordinator,
    kafka_mark::markers_awaited,
    kafka_mark::reader_stopped,
    kafka_mark::torn_view,
    kafka_mark::offsets_unstable,
    kafka_mark::old_generation_refused,
    kafka_mark::stranger_refused,
    kafka_mark::member_expired,
    kafka_mark::member_replaced,
    kafka_mark::late_join,
    kafka_mark::rebalanced,
    kafka_mark::shard_moved,
    kafka_mark::taking_given_up,
    kafka_mark::unit_without_shard,
    kafka_mark::commit_unknown,
    kafka_mark::out_of_range,
    kafka_mark::read_from_copy,
    kafka_mark::copy_discarded,
};

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
  std::array<std::uint64_t, all_kafka_marks.size()> counts_{};
  std::function<void(kafka_mark)> listener_;
};

} // namespace freehold::simulation
