#include "bridges/ledger/memory_crash_ledger.hpp"

#include "bridges/ledger/suspect_list.hpp"
#include "runtime/base/assert.hpp"

namespace freehold::bridges::ledger {

std::vector<ports::crash_ledger::suspect>
memory_crash_ledger::begin(const std::vector<std::string>& topics,
                           std::uint32_t worker_count) {
  const std::lock_guard lock{gate_};
  std::vector<internal::last_words> last;
  for (const auto& each : slots_)
    last.push_back({each->source.load(), each->offset.load()});
  internal::add_deaths(suspects_, last, topics_);
  topics_ = topics;
  slots_.clear();
  for (std::uint32_t i = 0; i < worker_count; ++i)
    slots_.push_back(std::make_unique<ports::crash_slot>());
  return suspects_;
}

ports::crash_slot& memory_crash_ledger::slot(worker_index worker) {
  FREEHOLD_ASSERT(worker.value() < slots_.size(), "a worker of this life");
  return *slots_[worker.value()];
}

void memory_crash_ledger::acquit(const suspect& whom) {
  const std::lock_guard lock{gate_};
  std::erase_if(suspects_, [&](const suspect& each) {
    return internal::same_record(each, whom);
  });
}

} // namespace freehold::bridges::ledger
