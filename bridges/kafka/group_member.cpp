#include "bridges/kafka/group_member.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/topic_setup.hpp"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

/// The library wants to be asked now and then, or it gives the membership up;
/// and lost assignments are looked for.
constexpr std::chrono::milliseconds poll_interval{500};
constexpr std::chrono::milliseconds join_again_after{1000};
/// How long a stop waits for the group to answer for the first time.
constexpr int first_answer_ms_max = 5000;
/// A rebalance that is under way ends first.
constexpr int leave_ms_max = 10'000;
constexpr int look_again_ms = 50;
/// In one life; more are another process with this node's name.
constexpr std::uint32_t put_out_max = 5;

group_member::shards shards_of(const rd_kafka_topic_partition_list_t& which) {
  group_member::shards all;
  for (int i = 0; i < which.cnt; ++i)
    all.insert(static_cast<std::uint32_t>(which.elems[i].partition));
  return all;
}

} // namespace

group_member::group_member(const kafka_settings& how, serial_thread& home,
                           listener tells)
    : how_(how),
      home_(home),
      tells_(std::move(tells)),
      waker_(home, [this] { poll(); }) {}

result<void> group_member::start() {
  auto made = open_client(how_, client_role::member);
  if (!made)
    return made.error();
  client_ = *std::move(made);
  was_assigned_ = false;
  rd_kafka_poll_set_consumer(client_.get());
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  waker_.watch(*queue_);
  const partitions_ptr topics = new_partitions();
  rd_kafka_topic_partition_list_add(topics.get(), shards_topic(how_).c_str(),
                                    RD_KAFKA_PARTITION_UA);
  const auto code = rd_kafka_subscribe(client_.get(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return to_error(code, "kafka: joins the group " + how_.application);
  poll();
  return {};
}

void group_member::stop(bool leaves) {
  if (client_ == nullptr)
    return;
  queue_waker::ignore(*queue_);
  await_first_assignment();
  if (leaves && was_assigned_)
    leave_group();
  queue_ = nullptr;
  if (!was_assigned_) {
    spdlog::warn("kafka: {} stops before the group {} has answered it",
                 how_.node_id, how_.application);
    (void)client_.release(); // it would end the process
  }
  client_ = nullptr;
}

/// A member that ends before its first assignment ends the process with an
/// assertion of the library (librdkafka #4381, mended in 2.3.0).
void group_member::await_first_assignment() {
  for (int waited_ms = 0;
       !was_assigned_ && !is_refused_ && waited_ms < first_answer_ms_max;
       waited_ms += look_again_ms) {
    const event_ptr event{rd_kafka_queue_poll(queue_.get(), look_again_ms)};
    if (event == nullptr
        || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE)
      continue;
    const error_ptr ignored{rd_kafka_incremental_assign(
        client_.get(), rd_kafka_event_topic_partition_list(event.get()))};
    was_assigned_ = true;
  }
}

/// A static member that is closed says nothing to the group (KIP-345); one that
/// has given its subscription up does.
void group_member::leave_group() {
  if (!revoked_.empty())
    answer_revoke();
  rd_kafka_unsubscribe(client_.get());
  for (int waited_ms = 0; waited_ms < leave_ms_max;
       waited_ms += look_again_ms) {
    const event_ptr event{rd_kafka_queue_poll(queue_.get(), look_again_ms)};
    if (event == nullptr && owned_.empty()) {
      rd_kafka_consumer_close(client_.get()); // nothing is left to be revoked
      return;
    }
    if (event == nullptr
        || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE)
      continue;
    const auto* const which = rd_kafka_event_topic_partition_list(event.get());
    if (rd_kafka_event_error(event.get())
        == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      const error_ptr ignored{
          rd_kafka_incremental_assign(client_.get(), which)};
      owned_.merge(shards_of(*which));
      continue;
    }
    {
      const error_ptr ignored{
          rd_kafka_incremental_unassign(client_.get(), which)};
    }
    rd_kafka_consumer_close(client_.get()); // when the group has heard of it
    return;
  }
  spdlog::warn("kafka: {} does not know whether the group {} has let it go",
               how_.node_id, how_.application);
}

group_ptr group_member::identity() const {
  return group_ptr{rd_kafka_consumer_group_metadata(client_.get())};
}

void group_member::poll() {
  if (client_ == nullptr)
    return;
  if (!waker_.looks())
    home_.post_after(poll_interval, [this] { poll(); });
  // Not answered yet, and by now somebody else's.
  if (!revoked_.empty() && rd_kafka_assignment_lost(client_.get()) != 0)
    lose_asked();
  std::optional<error> put_out;
  while (const event_ptr event{rd_kafka_queue_poll(queue_.get(), 0)}) {
    switch (rd_kafka_event_type(event.get())) {
    case RD_KAFKA_EVENT_REBALANCE:
      rebalance(*event);
      break;
    case RD_KAFKA_EVENT_ERROR: {
      const auto code = rd_kafka_event_error(event.get());
      const error why =
          to_error(*event, "kafka: the group " + how_.application);
      if (code == RD_KAFKA_RESP_ERR__FATAL
          || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        put_out = why;
      else if (why.code == errc::invalid_argument)
        refuse(why);
      else
        spdlog::info("{}", to_string(why));
      break;
    }
    default:
      break;
    }
  }
  if (put_out)
    begin_anew(*put_out);
}

/// The client asks again and again, but nobody waits for the answer.
void group_member::refuse(const error& why) {
  if (!std::exchange(is_refused_, true))
    tells_.refused(why);
}

/// A join that a process before had sent may arrive after ours and put us out;
/// so does another process with this node's name.
void group_member::begin_anew(const error& why) {
  if (++put_out_count_ > put_out_max)
    return refuse(
        {why.code, why.context + "; it was put out "
                       + std::to_string(put_out_count_) + " times as "
                       + how_.node_id
                       + ": does another process run with this node.id?"});
  spdlog::warn("{}; {} joins again", to_string(why), how_.node_id);
  stop(false);
  revoked_.clear();
  awaited_.clear();
  if (const shards gone = std::exchange(owned_, {}); !gone.empty())
    tells_.lost(gone);
  home_.post_after(join_again_after, [this] {
    if (auto started = start(); !started)
      refuse(started.error());
  });
}

// -- rebalances --------------------------------------------------------------

void group_member::rebalance(const rd_kafka_event_t& event) {
  const auto* const which = rd_kafka_event_topic_partition_list(
      const_cast<rd_kafka_event_t*>(&event));
  if (rd_kafka_event_error(const_cast<rd_kafka_event_t*>(&event))
      == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
    assign(*which);
  else
    revoke(*which);
}

void group_member::assign(const rd_kafka_topic_partition_list_t& which) {
  was_assigned_ = true;
  // From a place of ours: nobody asks where the group has come to.
  const partitions_ptr from{rd_kafka_topic_partition_list_copy(&which)};
  for (int i = 0; i < from->cnt; ++i)
    from->elems[i].offset = 0;
  const error_ptr failed{
      rd_kafka_incremental_assign(client_.get(), from.get())};
  if (failed != nullptr)
    spdlog::warn("kafka: takes shards: {}",
                 rd_kafka_error_string(failed.get()));
  const shards added = shards_of(which);
  owned_.insert(added.begin(), added.end());
  if (!added.empty())
    tells_.assigned(added);
}

void group_member::revoke(const rd_kafka_topic_partition_list_t& which) {
  revoked_ = shards_of(which);
  awaited_ = revoked_;
  if (rd_kafka_assignment_lost(client_.get()) != 0)
    return lose_asked();
  if (revoked_.empty())
    return answer_revoke();
  tells_.to_release(revoked_);
}

void group_member::lose_asked() {
  const shards gone = std::exchange(awaited_, {});
  answer_revoke();
  if (!gone.empty())
    tells_.lost(gone);
}

void group_member::released(const shards& which) {
  if (awaited_.empty())
    return;
  for (const std::uint32_t each : which)
    awaited_.erase(each);
  if (awaited_.empty())
    answer_revoke();
}

void group_member::answer_revoke() {
  for (const std::uint32_t each : revoked_)
    owned_.erase(each);
  const shards gone = std::exchange(revoked_, {});
  const error_ptr failed{
      rd_kafka_incremental_unassign(client_.get(), partitions_of(gone).get())};
  if (failed != nullptr)
    spdlog::warn("kafka: lets shards go: {}",
                 rd_kafka_error_string(failed.get()));
}

partitions_ptr group_member::partitions_of(const shards& which) const {
  partitions_ptr made = new_partitions();
  const std::string topic = shards_topic(how_);
  for (const std::uint32_t each : which)
    rd_kafka_topic_partition_list_add(made.get(), topic.c_str(),
                                      static_cast<std::int32_t>(each));
  return made;
}

} // namespace freehold::bridges::kafka
