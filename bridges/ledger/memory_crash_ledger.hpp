#pragma once

#include "runtime/ports/crash_ledger.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace freehold::bridges::ledger {

/// A crash ledger for tests: what a file is for a process, this object is for
/// a simulated one. Each `begin` is the next life.
class memory_crash_ledger final : public ports::crash_ledger {
public:
  std::vector<suspect> begin(const std::vector<std::string>& topics,
                             std::uint32_t worker_count) override;
  ports::crash_slot& slot(worker_index worker) override;
  void acquit(const suspect& whom) override;

private:
  std::mutex gate_;
  std::vector<std::string> topics_;
  std::vector<std::unique_ptr<ports::crash_slot>> slots_;
  std::vector<suspect> suspects_;
};

} // namespace freehold::bridges::ledger
