#pragma once

#include "node/application_wiring.hpp"
#include "node/commands/configuration_flags.hpp"
#include "node/stop_signals.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/event_log.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

/// What the commands have in common that append to the log and run nothing.
namespace freehold::node::commands {

/// Loads the configuration for appending, and prints what is wrong with it:
/// nothing then.
[[nodiscard]] std::optional<configuration>
load_for_appending(const configuration_flags& flags);

/// A log that was started to append to it. Ends it before what it listens
/// with goes. `bell` rings when the log breaks.
class appending_log final : public ports::log_listener {
public:
  explicit appending_log(std::shared_ptr<doorbell> bell)
      : bell_(std::move(bell)) {}
  ~appending_log() override;

  /// Errors: those of the log.
  [[nodiscard]] result<void> start(wiring& on);
  /// What broke the log.
  [[nodiscard]] std::optional<error> failure() const;

  void granted(std::vector<ports::shard_grant>) override {}
  void revoked(std::vector<partition_index>) override {}
  void lost(std::vector<partition_index>) override {}
  void fetched(next_offset, ports::record_batch_ptr) override {}
  void fetch_failed(topic_partition, next_offset, error) override {}
  void looked_up(std::shared_ptr<ports::lookup>, result<void>) override {}
  void committed(ports::commit_result) override {}
  void recovered(std::vector<ports::shard_grant>) override {}
  void broken(error why) override;

private:
  // Shared with what answers ring.
  std::shared_ptr<doorbell> bell_;
  ports::event_log* log_ = nullptr;
  mutable std::mutex gate_;
  std::optional<error> failure_;
};

} // namespace freehold::node::commands
