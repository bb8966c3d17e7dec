#include "node/produce_window.hpp"

#include "runtime/base/assert.hpp"

#include <utility>

namespace freehold::node {

bool produce_window::is_full() const {
  const std::lock_guard lock{answers_->gate};
  return answers_->in_flight >= batches_max;
}

bool produce_window::is_empty() const {
  const std::lock_guard lock{answers_->gate};
  return answers_->in_flight == 0;
}

std::uint64_t produce_window::appended() const {
  const std::lock_guard lock{answers_->gate};
  return answers_->appended;
}

std::optional<error> produce_window::failure() const {
  const std::lock_guard lock{answers_->gate};
  return answers_->failure;
}

void produce_window::send(ports::event_log& log,
                          std::shared_ptr<const ports::produce_request> batch,
                          std::uint64_t count) {
  {
    const std::lock_guard lock{answers_->gate};
    FREEHOLD_ASSERT(answers_->in_flight < batches_max, "the window is full");
    ++answers_->in_flight;
  }
  log.produce(std::move(batch), [answers = answers_, count, wake = wake_](
                                    const ports::produce_result& answer) {
    {
      const std::lock_guard lock{answers->gate};
      --answers->in_flight;
      if (answer.outcome == ports::commit_outcome::done)
        answers->appended += count;
      else if (!answers->failure)
        answers->failure = answer.why;
    }
    wake();
  });
}

} // namespace freehold::node
