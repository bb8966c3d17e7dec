#pragma once

#include "runtime/ports/crash_ledger.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What all crash ledgers have in common.
namespace freehold::bridges::ledger::internal {

/// A longer list would mean that something else kills the process. Those with
/// the fewest deaths are forgotten first.
inline constexpr std::size_t suspects_max = 1024;

/// What a slot held when its process ended.
struct last_words {
  std::uint64_t source = ports::crash_slot::idle;
  std::int64_t offset = 0;
};

/// Adds one death for every slot that was entered. `topics` are the names of
/// the life that ended; an index that is none of them is called `timer`.
void add_deaths(std::vector<ports::crash_ledger::suspect>& suspects,
                const std::vector<last_words>& slots,
                const std::vector<std::string>& topics);

[[nodiscard]] bool same_record(const ports::crash_ledger::suspect& left,
                               const ports::crash_ledger::suspect& right);

} // namespace freehold::bridges::ledger::internal
