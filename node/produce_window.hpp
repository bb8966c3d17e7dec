#pragma once

#include "runtime/base/result.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace freehold::node {

/// What one feeder has handed to the log and not heard of yet: a bounded
/// number of batches. One thread sends and asks; the log answers on threads of
/// its own, also when the window is gone.
class produce_window {
public:
  /// Enough that the log's thread never waits for the reading of a file.
  static constexpr std::uint32_t batches_max = 4;

  /// `wake` is called on any thread when an answer has come.
  explicit produce_window(std::function<void()> wake)
      : wake_(std::move(wake)) {}

  [[nodiscard]] bool is_full() const;
  [[nodiscard]] bool is_empty() const;
  /// How much of what was counted the log has acknowledged.
  [[nodiscard]] std::uint64_t appended() const;
  /// The first thing that went wrong: nothing may be sent after it.
  [[nodiscard]] std::optional<error> failure() const;

  /// @pre not full
  void send(ports::event_log& log,
            std::shared_ptr<const ports::produce_request> batch,
            std::uint64_t count);

private:
  struct answers {
    std::mutex gate;
    std::uint64_t appended = 0;
    std::uint32_t in_flight = 0;
    std::optional<error> failure;
  };

  std::function<void()> wake_;
  /// Also held by answers that are on their way.
  std::shared_ptr<answers> answers_ = std::make_shared<answers>();
};

} // namespace freehold::node
