#include "tests/testkit/simulation/simulated_kafka.hpp"

#include "runtime/base/hash.hpp"
#include "runtime/ports/log_layout.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace freehold::simulation {

namespace {

constexpr std::uint32_t marker_lanes_per_broker = 2;
/// The marker that a fault delays is one of the first so many.
constexpr std::uint64_t delayed_among = 4;

} // namespace

/// Reads committed records of all partitions, in no time.
class simulated_kafka::reader_of_all final : public ports::log_reader {
public:
  explicit reader_of_all(simulated_kafka& whose) : whose_(whose) {}

  result<std::vector<ports::topic_description>> topics() override {
    std::vector<ports::topic_description> all;
    for (const auto& topic : whose_.topics_) {
      auto& one = all.emplace_back();
      one.spec = topic.spec;
      for (const auto& each : topic.partitions)
        one.partitions.push_back({each.begin(), each.stable_end()});
    }
    return all;
  }
  result<ports::record_batch_ptr> read(topic_partition source, next_offset from,
                                       std::uint32_t bytes_max) override {
    const place where{source.topic.value(), source.partition.value()};
    if (where.topic >= whose_.topics_.size()
        || where.partition >= whose_.topics_[where.topic].partitions.size())
      return error{errc::not_found, "there is no such partition"};
    return whose_.at(where).read(from, bytes_max, source);
  }

private:
  simulated_kafka& whose_;
};

simulated_kafka::simulated_kafka(schedule& time, std::uint64_t seed,
                                 settings how)
    : time_(time),
      how_(how),
      network_(seed, purpose::network),
      lanes_(how.broker_count),
      stopped_until_(how.broker_count, moment{0}),
      transactions_(time, marks_,
                    [this](place where, producer_session who, bool commit,
                           schedule::task written) {
                      send_marker(where, who, commit, std::move(written));
                    }),
      reader_(std::make_unique<reader_of_all>(*this)) {
  for (std::uint32_t i = 0; i < how.broker_count * marker_lanes_per_broker;
       ++i) {
    marker_lanes_.push_back(time.open("markers " + std::to_string(i)));
    add_lane(i / marker_lanes_per_broker, marker_lanes_.back());
  }
}

simulated_kafka::~simulated_kafka() = default;

// -- topics and brokers ------------------------------------------------------

result<std::vector<std::uint32_t>>
simulated_kafka::ensure(const ports::log_layout& layout) {
  if (auto checked = ports::check_layout(layout); !checked)
    return checked.error();
  const auto number_of = [this](const std::string& name) {
    return static_cast<std::uint32_t>(
        std::find_if(topics_.begin(), topics_.end(),
                     [&](const auto& each) { return each.spec.name == name; })
        - topics_.begin());
  };
  for (const auto& wanted : layout.topics) {
    const std::uint32_t number = number_of(wanted.name);
    if (number == topics_.size())
      continue;
    const auto& known = topics_[number].spec;
    if (known.partition_count != wanted.partition_count)
      return error{errc::mismatch,
                   "topic " + wanted.name + " has "
                       + std::to_string(known.partition_count)
                       + " partitions, not "
                       + std::to_string(wanted.partition_count)};
  }
  std::vector<std::uint32_t> numbers;
  for (const auto& wanted : layout.topics) {
    const std::uint32_t number = number_of(wanted.name);
    if (number == topics_.size()) {
      auto& made = topics_.emplace_back();
      made.spec = wanted;
      made.partitions.resize(wanted.partition_count);
      made.parked.resize(wanted.partition_count);
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::uint32_t
simulated_kafka::coordinator_of(std::string_view id) const noexcept {
  return static_cast<std::uint32_t>(key_hash(id) % how_.broker_count);
}

void simulated_kafka::add_lane(std::uint32_t broker, schedule::lane which) {
  lanes_[broker].push_back(which);
  time_.block(which, stopped_until_[broker]);
}

void simulated_kafka::changed(place where) {
  ++changes_;
  auto& parked = topics_[where.topic].parked[where.partition];
  for (const auto& [waiter, look] : std::exchange(parked, {}))
    look();
}

void simulated_kafka::park(place where, std::uint64_t waiter,
                           std::function<void()> look) {
  topics_[where.topic].parked[where.partition][waiter] = std::move(look);
}

// -- requests ----------------------------------------------------------------

consumer_group& simulated_kafka::group(const std::string& name,
                                       std::uint32_t shard_count) {
  auto& entry = groups_[name];
  if (!entry.coordinator) {
    entry.number = static_cast<std::uint32_t>(groups_.size() - 1);
    entry.coordinator = std::make_unique<consumer_group>(
        time_, marks_, name,
        consumer_group::settings{shard_count, how_.session_timeout,
                                 how_.rebalance_timeout});
  }
  return *entry.coordinator;
}

kafka_error
simulated_kafka::produce(const std::string& id, producer_session who,
                         place where, std::int32_t sequence,
                         const std::shared_ptr<const producer_batch>& what,
                         record_offset& first) {
  if (const auto wrong = transactions_.verify(id, who, where);
      wrong != kafka_error::none)
    return wrong;
  switch (at(where).append(who, sequence, what, first)) {
  case partition_log::appended::done:
    time_.note(static_cast<std::uint64_t>(first.value()));
    changed(where);
    return kafka_error::none;
  case partition_log::appended::duplicate:
    marks_.reached(kafka_mark::batch_repeated);
    return kafka_error::none;
  case partition_log::appended::fenced:
    marks_.reached(kafka_mark::old_epoch_refused);
    return kafka_error::invalid_producer_epoch;
  case partition_log::appended::out_of_order:
    break;
  }
  return kafka_error::out_of_order_sequence_number;
}

kafka_error simulated_kafka::commit_offsets(const std::string& id,
                                            producer_session producer,
                                            const std::string& group,
                                            const member_identity& who,
                                            const group_offsets& offsets) {
  if (const auto wrong = transactions_.verify(id, producer, offsets_of(group));
      wrong != kafka_error::none)
    return wrong;
  return groups_.at(group).coordinator->commit(producer, who, offsets);
}

void simulated_kafka::delete_records(place where, next_offset before) {
  at(where).truncate(before);
  changed(where);
}

void simulated_kafka::send_marker(place where, producer_session who,
                                  bool commit, schedule::task written) {
  const std::uint32_t broker = where.topic == offsets_topic
                                   ? where.partition % how_.broker_count
                                   : leader_of(where);
  const auto lane = marker_lanes_[broker * marker_lanes_per_broker
                                  + where.partition % marker_lanes_per_broker];
  const auto write = [this, where, who, commit, written = std::move(written)] {
    write_marker(where, who, commit);
    written();
  };
  if (marker_delay_ && network_.one_in(delayed_among))
    time_.post_after(*std::exchange(marker_delay_, std::nullopt), lane, write);
  else
    time_.post(lane, write);
}

void simulated_kafka::write_marker(place where, producer_session who,
                                   bool commit) {
  if (where.topic == offsets_topic) {
    for (const auto& [name, each] : groups_)
      if (each.number == where.partition)
        each.coordinator->end_transaction(who, commit);
    return;
  }
  at(where).end_transaction(who, commit);
  time_.note(static_cast<std::uint64_t>(at(where).end().value()));
  changed(where);
}

// -- from outside ------------------------------------------------------------

place simulated_kafka::find(std::string_view topic,
                            partition_index partition) const {
  for (std::uint32_t number = 0; number < topics_.size(); ++number)
    if (topics_[number].spec.name == topic)
      return {number, partition.value()};
  throw std::invalid_argument("there is no topic " + std::string{topic});
}

void simulated_kafka::append_from_outside(std::string_view topic,
                                          partition_index partition,
                                          timestamp when, std::string_view key,
                                          std::string_view value,
                                          header_list headers) {
  const place where = find(topic, partition);
  const ports::append one{{}, when, key, value, headers};
  const auto first = at(where).append(producer_batch::copy({&one}));
  time_.note(static_cast<std::uint64_t>(first.value()));
  changed(where);
}

ports::log_reader& simulated_kafka::reader() noexcept { return *reader_; }

// -- faults ------------------------------------------------------------------

void simulated_kafka::stop_broker(std::uint32_t broker, moment until) {
  stopped_until_[broker] = std::max(stopped_until_[broker], until);
  for (const schedule::lane each : lanes_[broker])
    time_.block(each, stopped_until_[broker]);
}

void simulated_kafka::expire_records(std::string_view topic,
                                     partition_index partition,
                                     next_offset before) {
  delete_records(find(topic, partition), before);
}

void simulated_kafka::mend() {
  std::fill(stopped_until_.begin(), stopped_until_.end(), moment{0});
  for (const auto& of_broker : lanes_)
    for (const schedule::lane each : of_broker)
      time_.unblock(each);
  marker_delay_.reset();
}

} // namespace freehold::simulation
