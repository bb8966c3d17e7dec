#pragma once

#include "runtime/base/assert.hpp"
#include "runtime/base/ids.hpp"

#include <cstdint>
#include <deque>

namespace freehold::engine {

/// Where the packs of a shard's changelog lie, and how much of it is live.
///
/// Packs are numbered from 0 in the order in which this owner learned of
/// them; an entity remembers the number (plus one) and not the offset, because
/// the offset is known only after the commit. The numbers begin anew with
/// every restore.
class changelog_index {
public:
  struct place {
    record_offset offset;
    std::uint32_t bytes = 0;
  };

  /// The number that the next pack gets.
  [[nodiscard]] std::uint64_t next_number() const noexcept {
    return first_ + places_.size();
  }
  [[nodiscard]] std::uint64_t first_number() const noexcept { return first_; }
  [[nodiscard]] bool contains(std::uint64_t number) const noexcept {
    return number >= first_ && number < next_number();
  }

  void append(place where) {
    total_ += where.bytes;
    places_.push_back(where);
  }
  [[nodiscard]] const place& at(std::uint64_t number) const {
    FREEHOLD_ASSERT(contains(number), "a pack that is no longer there");
    return places_[number - first_];
  }
  /// Forgets the packs below `number`: they were compacted away.
  void cut(std::uint64_t number) {
    while (first_ < number && !places_.empty()) {
      total_ -= places_.front().bytes;
      places_.pop_front();
      ++first_;
    }
  }
  void clear() {
    places_.clear();
    first_ = 0;
    total_ = 0;
    live_ = 0;
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
};

} // namespace freehold::engine
