#pragma once

#include "runtime/ports/event_log.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace freehold::testkit {

/// Stands between an engine and its log and passes everything on, both ways.
/// A test derives from it to watch, hold back or repeat.
class forwarding_log : public ports::event_log, public ports::log_listener {
public:
  explicit forwarding_log(ports::event_log& below) : below_(below) {}

  // -- down ------------------------------------------------------------------

  result<void> start(const ports::log_layout& layout,
                     ports::log_listener& listener) override {
    above_ = &listener;
    return below_.start(layout, *this);
  }
  void fetch(const ports::fetch_request& what) override { below_.fetch(what); }
  void cancel_fetch(topic_partition source) override {
    below_.cancel_fetch(source);
  }
  void look_up(std::shared_ptr<ports::lookup> what) override {
    below_.look_up(std::move(what));
  }
  void commit(std::shared_ptr<const ports::commit_unit> unit) override {
    below_.commit(std::move(unit));
  }
  void recover() override { below_.recover(); }
  void produce(std::shared_ptr<const ports::produce_request> what,
               std::function<void(ports::produce_result)> answer) override {
    below_.produce(std::move(what), std::move(answer));
  }
  void truncate(topic_partition target, next_offset before) override {
    below_.truncate(target, before);
  }
  void release(const std::vector<partition_index>& shards) override {
    below_.release(shards);
  }
  void stop() override { below_.stop(); }

  // -- up --------------------------------------------------------------------

  void granted(std::vector<ports::shard_grant> shards) override {
    above_->granted(std::move(shards));
  }
  void revoked(std::vector<partition_index> shards) override {
    above_->revoked(std::move(shards));
  }
  void lost(std::vector<partition_index> shards) override {
    above_->lost(std::move(shards));
  }
  void fetched(next_offset from, ports::record_batch_ptr batch) override {
    above_->fetched(from, std::move(batch));
  }
  void fetch_failed(topic_partition source, next_offset from,
                    error why) override {
    above_->fetch_failed(source, from, std::move(why));
  }
  void looked_up(std::shared_ptr<ports::lookup> what,
                 result<void> outcome) override {
    above_->looked_up(std::move(what), std::move(outcome));
  }
  void committed(ports::commit_result outcome) override {
    above_->committed(std::move(outcome));
  }
  void recovered(std::vector<ports::shard_grant> shards) override {
    above_->recovered(std::move(shards));
  }
  void broken(error why) override { above_->broken(std::move(why)); }

protected:
  ports::event_log& below_;
  ports::log_listener* above_ = nullptr;
};

} // namespace freehold::testkit
