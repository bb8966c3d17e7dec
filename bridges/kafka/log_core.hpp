#pragma once

#include "bridges/kafka/copy_keeper.hpp"
#include "bridges/kafka/group_member.hpp"
#include "bridges/kafka/kafka_settings.hpp"
#include "bridges/kafka/lookup_service.hpp"
#include "bridges/kafka/partition_reader.hpp"
#include "bridges/kafka/record_deleter.hpp"
#include "bridges/kafka/serial_thread.hpp"
#include "bridges/kafka/shard_questions.hpp"
#include "bridges/kafka/transactional_producer.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/ports/changelog_copy.hpp"
#include "runtime/ports/event_log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace freehold::bridges::kafka {

/// What `kafka_log` is made of, put together: who owns what, what is under way,
/// and in which order things happen. All of it but `start` and `stop` runs on
/// one thread, by `post`.
class log_core {
public:
  /// @param copy  may be none
  log_core(const kafka_settings& how, const clock& time,
           const ports::log_layout& layout, ports::log_listener& listener,
           std::unique_ptr<ports::changelog_copy> copy);
  result<void> start();
  void stop(bool leaves);

  /// On the thread on which everything else is called.
  void post(serial_thread::task work) { home_.post(std::move(work)); }

  // -- calls of the port -----------------------------------------------------

  void fetch(const ports::fetch_request& what);
  void cancel_fetch(topic_partition source);
  void look_up(std::shared_ptr<ports::lookup> what);
  void commit(const std::shared_ptr<const ports::commit_unit>& unit);
  void recover();
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer);
  void truncate(topic_partition target, next_offset before);
  void release(const std::vector<partition_index>& shards);

  // -- ownership, as the group tells it --------------------------------------

  void assigned(const group_member::shards& which);
  void to_release(const group_member::shards& which);
  void lost(const group_member::shards& which);

  transactional_producer& units() noexcept { return units_; }
  transactional_producer& outside() noexcept { return outside_; }

private:
  enum class shard_phase : std::uint8_t {
    taking,
    ours,
    /// The engine was asked to let it go.
    releasing,
    /// It has; records may still be deleted.
    released,
  };
  struct shard_entry {
    shard_phase phase = shard_phase::taking;
    shard_epoch epoch{0};
    /// Tells one taking from the next.
    std::uint64_t number = 0;
    /// The first offset of the changelog that we did not give up ourselves.
    next_offset begin{0};
  };
  [[nodiscard]] bool exists(topic_partition which) const;
  [[nodiscard]] bool holds(partition_index shard, shard_epoch epoch) const;
  /// Still, and by that very taking.
  [[nodiscard]] bool is_taking(std::uint32_t shard, std::uint64_t number) const;

  static constexpr std::chrono::milliseconds ask_again_after{500};

  /// By the cluster, and for good. On any thread.
  void refused(const error& why);

  /// Grows on this node with each grant, and from life to life as far as the
  /// clock does.
  shard_epoch next_epoch();

  // -- ownership -------------------------------------------------------------

  void taken(std::uint64_t number, const shard_questions::all_bounds& found);
  ports::shard_grant make_ours(std::uint32_t shard, shard_entry& entry,
                               const shard_questions::bounds& bounds);

  // -- the copy --------------------------------------------------------------

  using last_in_copy = std::optional<copy_keeper::last_record>;

  /// A shard is ours when it is known whether its copy is of this log.
  void open_copy(std::uint32_t shard, std::uint64_t number,
                 const shard_questions::bounds& bounds);
  void check_copy(std::uint32_t shard, std::uint64_t number,
                  const shard_questions::bounds& bounds,
                  const last_in_copy& last);
  void copy_checked(std::uint32_t shard, const shard_questions::bounds& bounds);

  /// Of shards that are still held as they were: no other has written since.
  void copy(const ports::commit_unit& unit,
            const std::vector<std::vector<std::int64_t>>& places);

  /// DeleteRecords is not fenced: the next owner must not meet ours.
  void let_go(std::uint32_t shard);
  void forget_reading(std::uint32_t shard);

  // -- reading ---------------------------------------------------------------

  void fetched(const ports::fetch_request& what,
               result<ports::record_batch_ptr> found);
  void out_of_range(const ports::fetch_request& what, const error& why,
                    const shard_questions::bounds& kept);
  void look_up_in_cluster(std::shared_ptr<ports::lookup> what);
  void look_up_again(const std::shared_ptr<ports::lookup>& what,
                     const error& why);

  /// Whoever was no member all that time has been told so by then: a node that
  /// stood still does not take what others have deleted for a loss.
  void when_membership_is_sure(serial_thread::task work);

  /// What we have written ourselves is not overlooked.
  /// @param places  where it lies, as far as that is known
  void appended(const ports::unit_part& what,
                const std::vector<std::int64_t>& places);

  // -- writing ---------------------------------------------------------------

  [[nodiscard]] result<void> check(const ports::commit_unit& unit) const;

  using positions = result<std::optional<offsets_to_send>>;

  /// On the producer's thread.
  positions
  offsets_from_home(const std::shared_ptr<const ports::commit_unit>& unit);

  /// In the same step in which the generation is read: what was lost with an
  /// older one must not be written under this one.
  positions offsets_of(const ports::commit_unit& unit);
  void committed(const ports::commit_unit& unit,
                 transactional_producer::outcome how);
  void begin_recovery();
  void read_ends();
  void recovered(const std::map<std::uint32_t, shard_epoch>& epochs,
                 const shard_questions::all_bounds& found);

  const kafka_settings how_;
  const clock& time_;
  const ports::log_layout layout_;
  const std::vector<std::string> names_;
  ports::log_listener& listener_;
  const std::optional<topic_index> changelog_;
  /// Of the changelog, not yet passed on to the reader.
  std::map<std::uint32_t, std::uint64_t> copy_fetches_;
  bool is_copying_ = false;
  std::shared_ptr<const ports::commit_unit> waiting_unit_;

  std::map<std::uint32_t, shard_entry> shards_;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_epoch_ = 0;
  bool is_committing_ = false;
  bool recovery_needed_ = false;
  bool is_recovering_ = false;
  std::uint32_t recoveries_wanted_ = 0;

  serial_thread home_;
  copy_keeper copy_;
  transactional_producer units_;
  transactional_producer outside_;
  shard_questions questions_;
  lookup_service lookups_;
  partition_reader reader_;
  record_deleter deleter_;
  group_member member_;
};

} // namespace freehold::bridges::kafka
