#include "bridges/kafka/transactional_producer.hpp"

#include "bridges/kafka/kafka_error.hpp"
#include "bridges/kafka/leaders.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace freehold::bridges::kafka {

using ports::commit_outcome;

namespace {

/// Between two tries to begin anew.
constexpr std::chrono::milliseconds retry_after{500};
constexpr int begin_ms_max = 30'000;
/// What a first try may take; each one more takes twice as long.
constexpr int first_begin_ms_max = 60;
/// Between two tries of a call that may be repeated.
constexpr int call_ms_max = 5'000;
/// Of the client's own queue, when it is full.
constexpr int queue_full_ms = 10;

headers_ptr headers_of(header_list all) {
  headers_ptr made{rd_kafka_headers_new(8)};
  for (const header each : all)
    rd_kafka_header_add(
        made.get(), each.name.data(), static_cast<ssize_t>(each.name.size()),
        each.value.data(), static_cast<ssize_t>(each.value.size()));
  return made;
}

} // namespace

transactional_producer::transactional_producer(
    const kafka_settings& how, std::string id,
    std::vector<std::string> topic_names, std::function<void(error)> refused)
    : how_(how),
      id_(std::move(id)),
      topic_names_(std::move(topic_names)),
      refused_(std::move(refused)) {}

void transactional_producer::plan_end(planned_end how) {
  thread_.post([this, how] { planned_ = how; });
}

void transactional_producer::begin_anew(std::function<void()> then) {
  thread_.post([this, then = std::move(then)]() mutable {
    const auto opened = open();
    if (opened)
      return then();
    if (opened.error().code == errc::invalid_argument)
      return refused_(opened.error());
    spdlog::warn("{}; trying again", to_string(opened.error()));
    thread_.post_after(retry_after, [this, then = std::move(then)]() mutable {
      begin_anew(std::move(then));
    });
  });
}

/// A coordinator that has to end a transaction first refuses, and the client
/// asks again half a second later; a fresh one asks at once.
result<void> transactional_producer::open() {
  for (int within_ms = first_begin_ms_max;;
       within_ms = std::min(within_ms * 2, begin_ms_max)) {
    close();
    auto made = open_client(how_, client_role::producer, id_);
    if (!made)
      return made.error();
    client_ = *std::move(made);
    auto learnt = learn_topics(*client_, topic_names_, call_ms_max);
    if (!learnt) {
      close();
      return learnt.error();
    }
    topics_ = *std::move(learnt);
    const error_ptr failed{
        rd_kafka_init_transactions(client_.get(), within_ms)};
    if (failed == nullptr)
      return {};
    if (stopping_ || rd_kafka_error_is_retriable(failed.get()) == 0) {
      close();
      return to_error(*failed, "kafka: " + id_ + " begins");
    }
  }
}

void transactional_producer::close() {
  topics_.clear();
  client_ = nullptr;
}

void transactional_producer::run(transaction what,
                                 std::function<void(outcome)> then) {
  thread_.post([this, what = std::move(what), then = std::move(then)] {
    then(write(what));
  });
}

transactional_producer::outcome
transactional_producer::write(const transaction& what) {
  if (client_ == nullptr)
    return {commit_outcome::failed,
            {errc::fenced, "kafka: " + id_ + " has not begun anew"},
            {}};
  const error_ptr begun{rd_kafka_begin_transaction(client_.get())};
  if (begun != nullptr)
    return {commit_outcome::failed,
            to_error(*begun, "kafka: " + id_ + " begins a transaction"),
            {}};
  if (auto sent = send(what); !sent)
    return give_up(sent.error());
  if (auto sent = send_positions(what); !sent)
    return give_up(sent.error());
  const auto planned = std::exchange(planned_, std::nullopt);
  if (planned)
    rd_kafka_flush(client_.get(), call_ms_max);
  if (planned == planned_end::failed)
    return give_up({errc::unavailable, "planned by a test"});
  if (planned == planned_end::unknown_lost) {
    (void)give_up({});
    return {commit_outcome::unknown,
            {errc::outcome_unknown, "planned by a test"},
            {}};
  }
  outcome ended = commit();
  if (planned == planned_end::unknown_applied)
    return {commit_outcome::unknown,
            {errc::outcome_unknown, "planned by a test"},
            {}};
  return ended;
}

result<void> transactional_producer::send(const transaction& what) {
  places_.clear();
  for (const auto& part : what.parts)
    places_.emplace_back(part->appends.size(), -1);
  for (std::size_t p = 0; p < what.parts.size(); ++p) {
    const auto& appends = what.parts[p]->appends;
    for (std::size_t i = 0; i < appends.size(); ++i)
      if (auto sent = send(appends[i], &places_[p][i]); !sent)
        return sent;
  }
  return {};
}

result<void> transactional_producer::send(const ports::append& one,
                                          std::int64_t* place) {
  rd_kafka_topic_t* const topic = topics_[one.target.topic.value()].get();
  for (;;) {
    // The library takes the headers over, unless it fails.
    headers_ptr headers;
    if (!one.headers.empty())
      headers = headers_of(one.headers);
    // Its pointers are not to const; with a copy it does not write there.
    const std::array<rd_kafka_vu_t, 8> fields{{
        {.vtype = RD_KAFKA_VTYPE_RKT, .u = {.rkt = topic}},
        {.vtype = RD_KAFKA_VTYPE_PARTITION,
         .u = {.i32 = static_cast<std::int32_t>(one.target.partition.value())}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u = {.i = RD_KAFKA_MSG_F_COPY}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u = {.mem = {const_cast<char*>(one.value.data()), one.value.size()}}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u = {.mem = {const_cast<char*>(one.key.data()), one.key.size()}}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP,
         .u = {.i64 = std::max(one.time, earliest_time).value()}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u = {.ptr = place}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u = {.headers = headers.get()}},
    }};
    const std::size_t count = headers == nullptr ? 7 : 8;
    const error_ptr failed{
        rd_kafka_produceva(client_.get(), fields.data(), count)};
    if (failed == nullptr) {
      (void)headers.release();
      return {};
    }
    if (rd_kafka_error_code(failed.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL
        || stopping_)
      return to_error(*failed, "kafka: " + id_ + " writes to "
                                   + topic_names_[one.target.topic.value()]);
    rd_kafka_poll(client_.get(), queue_full_ms);
  }
}

result<void> transactional_producer::send_positions(const transaction& what) {
  if (!what.offsets)
    return {};
  for (;;) {
    // Generations change without any change of what is ours.
    auto positions = what.offsets();
    if (!positions)
      return positions.error();
    if (!*positions)
      return {};
    const error_ptr failed{rd_kafka_send_offsets_to_transaction(
        client_.get(), (*positions)->offsets.get(), (*positions)->group.get(),
        call_ms_max)};
    if (failed == nullptr)
      return {};
    if (stopping_ || rd_kafka_error_is_retriable(failed.get()) == 0
        || rd_kafka_error_txn_requires_abort(failed.get()) != 0)
      return to_error(*failed, "kafka: " + id_ + " sends positions");
  }
}

transactional_producer::outcome transactional_producer::commit() {
  for (bool was_sent = false;; was_sent = true) {
    const error_ptr failed{rd_kafka_commit_transaction(client_.get(), -1)};
    if (failed == nullptr)
      return {commit_outcome::done, {}, std::move(places_)};
    const error why = to_error(*failed, "kafka: " + id_ + " commits");
    const auto code = rd_kafka_error_code(failed.get());
    // Something was not delivered: its end was never asked for.
    if (rd_kafka_error_txn_requires_abort(failed.get()) != 0 && !was_sent
        && code != RD_KAFKA_RESP_ERR__TIMED_OUT)
      return give_up(why);
    if (stopping_ || rd_kafka_error_is_retriable(failed.get()) == 0)
      return {
          commit_outcome::unknown, {errc::outcome_unknown, why.context}, {}};
  }
}

/// Nothing of it becomes visible, whether the cluster hears of it now or when
/// the producer begins anew.
transactional_producer::outcome transactional_producer::give_up(error why) {
  const error_ptr failed{
      rd_kafka_abort_transaction(client_.get(), call_ms_max)};
  if (failed != nullptr)
    spdlog::debug("kafka: {} aborts: {}", id_,
                  rd_kafka_error_string(failed.get()));
  return {commit_outcome::failed, std::move(why), {}};
}

} // namespace freehold::bridges::kafka
