#include "bridges/kafka/record_deleter.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/leaders.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace freehold::bridges::kafka {

namespace {

/// Between two requests for one partition: each unit may ask for one.
constexpr std::chrono::milliseconds rest_time{1000};
constexpr int answer_ms_max = 10'000;
/// On the thread that has all the state.
constexpr int not_waiting_ms = 1;

std::uint64_t number_of(topic_partition which) noexcept {
  return std::uint64_t{which.topic.value()} << 32U | which.partition.value();
}

topic_partition partition_of_number(std::uint64_t number) noexcept {
  return {topic_index{static_cast<std::uint32_t>(number >> 32U)},
          partition_index{static_cast<std::uint32_t>(number)}};
}

/// Of the one partition that was asked for.
rd_kafka_resp_err_t outcome_of(rd_kafka_event_t& event) {
  if (const auto code = rd_kafka_event_error(&event);
      code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return code;
  const auto* const told = rd_kafka_event_DeleteRecords_result(&event);
  if (told == nullptr)
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  const auto* const offsets = rd_kafka_DeleteRecords_result_offsets(told);
  return offsets->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : offsets->elems[0].err;
}

} // namespace

record_deleter::record_deleter(const kafka_settings& how, serial_thread& home,
                               std::vector<std::string> topic_names,
                               answer answered)
    : how_(how),
      home_(home),
      topic_names_(std::move(topic_names)),
      answered_(std::move(answered)),
      waker_(home, [this] { poll(); }) {}

result<void> record_deleter::start() {
  auto made = open_client(how_, client_role::admin);
  if (!made)
    return made.error();
  client_ = *std::move(made);
  queue_.reset(rd_kafka_queue_new(client_.get()));
  waker_.watch(*queue_);
  return {};
}

void record_deleter::stop() {
  if (client_ == nullptr)
    return;
  queue_waker::ignore(*queue_);
  queue_ = nullptr;
  client_ = nullptr;
}

void record_deleter::delete_before(topic_partition target, next_offset before) {
  auto& entry = partitions_[target];
  entry.wanted = std::max(entry.wanted, before);
  if (!entry.is_under_way && !entry.rests)
    send(target, entry);
}

void record_deleter::forget(topic_partition target) {
  const auto known = partitions_.find(target);
  if (known != partitions_.end())
    known->second.wanted = known->second.sent;
}

bool record_deleter::is_idle(topic_partition target) const {
  const auto known = partitions_.find(target);
  return known == partitions_.end() || !known->second.is_under_way;
}

void record_deleter::send(topic_partition target, partition_entry& entry) {
  if (entry.wanted <= entry.sent)
    return;
  entry.sent = entry.wanted;
  entry.is_under_way = true;
  entry.rests = true;
  const partitions_ptr before = new_partitions();
  rd_kafka_topic_partition_list_add(
      before.get(), topic_names_[target.topic.value()].c_str(),
      static_cast<std::int32_t>(target.partition.value()))
      ->offset = entry.sent.value();
  const delete_records_ptr request{rd_kafka_DeleteRecords_new(before.get())};
  const admin_options_ptr options{rd_kafka_AdminOptions_new(
      client_.get(), RD_KAFKA_ADMIN_OP_DELETERECORDS)};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), answer_ms_max,
                                            nullptr, 0);
  rd_kafka_AdminOptions_set_opaque(
      options.get(), reinterpret_cast<void*>(number_of(target) + 1));
  rd_kafka_DeleteRecords_t* one = request.get();
  rd_kafka_DeleteRecords(client_.get(), &one, 1, options.get(), queue_.get());
  home_.post_after(rest_time, [this, target] {
    auto& rested = partitions_[target];
    rested.rests = false;
    if (client_ != nullptr && !rested.is_under_way)
      send(target, rested);
  });
}

void record_deleter::poll() {
  if (client_ == nullptr)
    return;
  waker_.looks();
  while (const event_ptr event{rd_kafka_queue_poll(queue_.get(), 0)}) {
    const auto number =
        reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event.get()));
    if (number == 0)
      continue;
    const topic_partition target = partition_of_number(number - 1);
    auto& entry = partitions_[target];
    entry.is_under_way = false;
    if (const auto code = outcome_of(*event);
        code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      entry.gone = entry.sent;
    } else {
      // The next one deletes that, too.
      const error why =
          to_error(code, "kafka: deletes the front of "
                             + topic_names_[target.topic.value()]);
      spdlog::log(why.code == errc::invalid_argument ? spdlog::level::warn
                                                     : spdlog::level::info,
                  "{}", to_string(why));
      look_for_leaders(*client_, not_waiting_ms);
    }
    const next_offset gone = entry.gone;
    if (!entry.rests)
      send(target, entry);
    answered_(target, gone);
  }
}

} // namespace freehold::bridges::kafka
