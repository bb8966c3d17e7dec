#include "node/commands/appending.hpp"

#include "node/console.hpp"
#include "node/logging.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace freehold::node::commands {

std::optional<configuration>
load_for_appending(const configuration_flags& flags) {
  auto loaded = flags.load();
  if (!loaded)
    return std::nullopt;
  start_logging(loaded->values);
  if (loaded->values.log_kind == log_kind::memory) {
    complain("log.kind is memory: what is appended would be gone at once. Use "
             "log.kind: embedded, or `freehold run --import`");
    return std::nullopt;
  }
  if (loaded->values.log_kind == log_kind::kafka) {
    complain("log.kind is kafka: write to its topics with any Kafka producer, "
             "keyed as the Java client does, or use `freehold run --import`");
    return std::nullopt;
  }
  for (const auto& warning : loaded->warnings)
    logger_of("configuration")->warn("{}", warning);
  return std::move(loaded->values);
}

appending_log::~appending_log() {
  if (log_ != nullptr)
    log_->stop();
}

result<void> appending_log::start(wiring& on) {
  log_ = on.log.get();
  return log_->start(on.plan->layout, *this);
}

std::optional<error> appending_log::failure() const {
  const std::lock_guard lock{gate_};
  return failure_;
}

void appending_log::broken(error why) {
  {
    const std::lock_guard lock{gate_};
    failure_ = std::move(why);
  }
  bell_->ring();
}

} // namespace freehold::node::commands
