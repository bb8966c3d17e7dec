#include "bridges/kafka/kafka_log.hpp"

#include "bridges/kafka/log_core.hpp"
#include "bridges/kafka/topic_setup.hpp"

#include <utility>

namespace freehold::bridges::kafka {

kafka_log::kafka_log(kafka_settings how, const clock& time,
                     std::unique_ptr<ports::changelog_copy> copy)
    : how_(std::move(how)), time_(time), copy_(std::move(copy)) {}

kafka_log::~kafka_log() { stop(); }

result<void> kafka_log::start(const ports::log_layout& layout,
                              ports::log_listener& listener) {
  if (core_ || stopped_)
    return error{errc::invalid_argument, "a log is started once"};
  if (auto made = set_up_topics(how_, layout); !made)
    return made;
  auto made_core = std::make_unique<log_core>(how_, time_, layout, listener,
                                              std::move(copy_));
  if (auto started = made_core->start(); !started) {
    made_core->stop(false);
    return started;
  }
  core_ = std::move(made_core);
  return {};
}

void kafka_log::stop() {
  if (core_ && !std::exchange(stopped_, true))
    core_->stop(leaves_);
  stopped_ = true;
}

void kafka_log::fetch(const ports::fetch_request& what) {
  if (core_)
    core_->post([on = core_.get(), what] { on->fetch(what); });
}

void kafka_log::cancel_fetch(topic_partition source) {
  if (core_)
    core_->post([on = core_.get(), source] { on->cancel_fetch(source); });
}

void kafka_log::look_up(std::shared_ptr<ports::lookup> what) {
  if (core_)
    core_->post([on = core_.get(), what = std::move(what)]() mutable {
      on->look_up(std::move(what));
    });
}

void kafka_log::commit(std::shared_ptr<const ports::commit_unit> unit) {
  if (core_)
    core_->post(
        [on = core_.get(), unit = std::move(unit)] { on->commit(unit); });
}

void kafka_log::recover() {
  if (core_)
    core_->post([on = core_.get()] { on->recover(); });
}

void kafka_log::produce(std::shared_ptr<const ports::produce_request> what,
                        std::function<void(ports::produce_result)> answer) {
  if (core_)
    core_->post([on = core_.get(), what = std::move(what),
                 answer = std::move(answer)]() mutable {
      on->produce(std::move(what), std::move(answer));
    });
}

void kafka_log::truncate(topic_partition target, next_offset before) {
  if (core_)
    core_->post(
        [on = core_.get(), target, before] { on->truncate(target, before); });
}

void kafka_log::release(const std::vector<partition_index>& shards) {
  if (core_)
    core_->post([on = core_.get(), shards] { on->release(shards); });
}

void kafka_log::plan_commit(planned_end how) {
  core_->post([on = core_.get(), how] { on->units().plan_end(how); });
}

void kafka_log::plan_produce(planned_end how) {
  core_->post([on = core_.get(), how] { on->outside().plan_end(how); });
}

void kafka_log::move(movement how, const std::vector<partition_index>& shards) {
  group_member::shards which;
  for (const partition_index each : shards)
    which.insert(each.value());
  core_->post([on = core_.get(), how, which] {
    if (how == movement::assigned)
      on->assigned(which);
    else if (how == movement::revoked)
      on->to_release(which);
    else
      on->lost(which);
  });
}

} // namespace freehold::bridges::kafka
