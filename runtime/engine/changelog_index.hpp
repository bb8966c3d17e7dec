#pragma once

#include "runtime/base/assert.hpp"
#include "runtime/base/ids.hpp"

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace freehold::engine {

/// Where the packs of a shard's changelog lie, and how much of it is live.
///
/// Packs are numbered from 0 in the order in which this owner learned of
/// them; an entity remembers the number (plus one) and not the offset, because
/// the offset is known only after the commit. The numbers begin anew with
/// every restore.
class changelog_index {
public:
  /// Whose state it was: a type and the upper half of the key's hash.
  struct state_of {
    std::uint32_t type = 0;
    std::uint32_t hash_half = 0;
  };
  struct place {
    record_offset offset;
    std::uint32_t bytes = 0;
    /// The states in it, where nothing else but schemas can be live in it: who
    /// compacts it need not read it. Otherwise none.
    std::vector<state_of> states{};
  };
  /// What is remembered of packs' states, of all packs; beyond it a pack is
  /// read.
  static constexpr std::size_t states_max = std::size_t{1} << 20U;

  /// The number that the next pack gets.
  [[nodiscard]] std::uint64_t next_number() const noexcept {
    return first_ + places_.size();
  }
  [[nodiscard]] std::uint64_t first_number() const noexcept { return first_; }
  [[nodiscard]] bool contains(std::uint64_t number) const noexcept {
    return number >= first_ && number < next_number();
  }

  void append(place where) {
    if (states_ + where.states.size() > states_max)
      where.states = {};
    states_ += where.states.size();
    total_ += where.bytes;
    places_.push_back(std::move(where));
  }
  [[nodiscard]] const place& at(std::uint64_t number) const {
    FREEHOLD_ASSERT(contains(number), "a pack that is no longer there");
    return places_[number - first_];
  }
  /// Forgets the packs below `number`: they were compacted away.
  void cut(std::uint64_t number) {
    while (first_ < number && !places_.empty()) {
      total_ -= places_.front().bytes;
      states_ -= places_.front().states.size();
      places_.pop_front();
      ++first_;
    }
  }
  void clear() {
    places_.clear();
    first_ = 0;
    total_ = 0;
    live_ = 0;
    states_ = 0;
  }

  /// Bytes of all packs between front and end.
  [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_; }
  /// Bytes of the entries that a restore would keep.
  [[nodiscard]] std::uint64_t live_bytes() const noexcept { return live_; }
  void live_grew(std::uint64_t bytes) noexcept { live_ += bytes; }
  void live_shrank(std::uint64_t bytes) noexcept {
    live_ -= bytes < live_ ? bytes : live_;
  }

private:
  std::deque<place> places_;
  std::uint64_t first_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t live_ = 0;
  std::size_t states_ = 0;
};

} // namespace freehold::engine
