#include "bridges/log/fetch_service.hpp"

#include <string>
#include <utility>

namespace freehold::bridges::log {

void fetch_service::start(std::shared_ptr<lmdb_store> store,
                          std::vector<topic_entry> topics, tell_listener tell) {
  store_ = std::move(store);
  topics_ = std::move(topics);
  tell_ = std::move(tell);
  thread_ = std::thread{[this] { run(); }};
}

void fetch_service::submit(const ports::fetch_request& what) {
  const std::lock_guard lock{gate_};
  pending_[what.source] = {what, phase::ready, false, ++last_number_};
  ready_.push_back(what.source);
  changed_.notify_one();
}

void fetch_service::submit(std::shared_ptr<ports::lookup> what) {
  const std::lock_guard lock{gate_};
  lookups_.push_back(std::move(what));
  changed_.notify_one();
}

void fetch_service::cancel(topic_partition source) {
  const std::lock_guard lock{gate_};
  pending_.erase(source);
}

void fetch_service::advanced(const std::vector<topic_partition>& partitions) {
  const std::lock_guard lock{gate_};
  for (const topic_partition each : partitions) {
    const auto found = pending_.find(each);
    if (found == pending_.end())
      continue;
    if (found->second.at == phase::parked) {
      found->second.at = phase::ready;
      ready_.push_back(each);
    } else {
      found->second.again = true;
    }
  }
  changed_.notify_one();
}

void fetch_service::look_again() {
  std::vector<topic_partition> all;
  {
    const std::lock_guard lock{gate_};
    for (const auto& [source, one] : pending_)
      all.push_back(source);
  }
  advanced(all);
}

void fetch_service::stop() {
  {
    const std::lock_guard lock{gate_};
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable())
    thread_.join();
}

void fetch_service::run() {
  for (;;) {
    std::shared_ptr<ports::lookup> lookup;
    pending one;
    {
      std::unique_lock lock{gate_};
      changed_.wait(lock, [this] {
        return stopping_ || !ready_.empty() || !lookups_.empty();
      });
      if (stopping_)
        return;
      if (!lookups_.empty()) {
        lookup = std::move(lookups_.front());
        lookups_.pop_front();
      } else {
        const auto found = pending_.find(ready_.front());
        ready_.pop_front();
        // Cancelled, or replaced and already served.
        if (found == pending_.end() || found->second.at != phase::ready)
          continue;
        found->second.at = phase::running;
        found->second.again = false;
        one = found->second;
      }
    }
    if (lookup != nullptr)
      serve(lookup);
    else
      serve(one);
  }
}

void fetch_service::serve(const pending& one) {
  const topic_partition source = one.what.source;
  const auto where = find(source);
  auto answer =
      where ? store_->read(*where, one.what.from, one.what.bytes_max, source)
            : result<ports::record_batch_ptr>{where.error()};
  const bool waits = answer.has_value() && (*answer)->records.empty()
                     && (*answer)->next == one.what.from
                     && one.what.wait == ports::fetch_wait::for_records;
  {
    const std::lock_guard lock{gate_};
    const auto found = pending_.find(source);
    if (stopping_ || found == pending_.end()
        || found->second.number != one.number)
      return;
    if (waits) {
      found->second.at = found->second.again ? phase::ready : phase::parked;
      if (found->second.again)
        ready_.push_back(source);
      return;
    }
    pending_.erase(found);
  }
  tell_([&](ports::log_listener& listener) {
    if (answer)
      listener.fetched(one.what.from, *std::move(answer));
    else
      listener.fetch_failed(source, one.what.from, answer.error());
  });
}

void fetch_service::serve(const std::shared_ptr<ports::lookup>& one) {
  const auto where = find(one->source);
  auto outcome =
      where ? store_->look_up(*where, *one) : result<void>{where.error()};
  tell_([&](ports::log_listener& listener) {
    listener.looked_up(one, std::move(outcome));
  });
}

result<stored_partition> fetch_service::find(topic_partition source) const {
  const std::uint32_t topic = source.topic.value();
  const std::uint32_t partition = source.partition.value();
  if (topic >= topics_.size() || partition >= topics_[topic].partition_count)
    return error{errc::not_found,
                 "topic " + std::to_string(topic) + ", partition "
                     + std::to_string(partition) + " is not in the layout"};
  return stored_partition{topics_[topic].stored, partition};
}

} // namespace freehold::bridges::log
