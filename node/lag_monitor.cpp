#include "node/lag_monitor.hpp"

#include "node/logging.hpp"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

namespace freehold::node {

lag_monitor::lag_monitor(const wiring& on, const engine::engine& engine,
                         std::chrono::milliseconds interval,
                         lag_watch::settings how)
    : on_(on),
      engine_(engine),
      interval_(interval),
      watch_(how),
      thread_([this] { run(); }) {}

lag_monitor::~lag_monitor() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void lag_monitor::run() {
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, interval_, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void lag_monitor::look() {
  const auto log = logger_of("lag");
  const auto say = [&log](const std::vector<lag_watch::finding>& all) {
    for (const auto& each : all)
      log->log(each.is_warning ? spdlog::level::warn : spdlog::level::info,
               "{}", each.text);
  };
  say(watch_.look_at_restores(engine_.restoring(), on_.time->now()));
  if (reader_ == nullptr) {
    auto opened = on_.open_reader();
    if (!opened)
      return log->info("cannot be seen now: {}", to_string(opened.error()));
    reader_ = *std::move(opened);
  }
  std::vector<lag_meter::position> positions;
  for (const auto& each : engine_.positions())
    positions.push_back({on_.plan->topic_name(each.source.topic),
                         each.source.partition.value(), each.next,
                         each.is_paused});
  const auto found = lag_meter{*reader_, *on_.plan, *on_.time}.of(positions);
  if (!found)
    return log->info("cannot be seen now: {}", to_string(found.error()));
  say(watch_.look(*found, on_.time->now()));
}

} // namespace freehold::node
