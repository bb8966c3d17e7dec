#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/engine/changelog.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace freehold::engine {

/// How a message ended, as its sender is told.
enum class answer_status : std::uint8_t {
  applied = 0,
  rejected = 1,
  dead_lettered = 2,
};

/// The hash under which a message is recognised. 128 bits: among 10^9 ids two
/// share one with a probability of about 10^-21.
[[nodiscard]] changelog::message_fingerprint
fingerprint_of(std::string_view entity, std::string_view key,
               std::string_view event_id) noexcept;

/// The messages a shard has handled within the dedupe window, with the answer
/// each got. Bounded by time, by count and by the bytes of memory; what falls
/// out is forgotten, the oldest first, and what a bound pushes out is counted.
class dedupe_table {
public:
  /// What an answer takes besides its text: table, order and allocator.
  static constexpr std::size_t entry_bytes = 128;

  struct kept_answer {
    timestamp time;
    answer_status status = answer_status::applied;
    std::string body;
    /// Pack number + 1 that holds the entry; 0 before its first unit closed.
    std::uint64_t pack = 0;
    std::uint32_t packed_bytes = 0;
  };

  dedupe_table(std::chrono::milliseconds window, std::size_t entries_max,
               std::uint64_t bytes_max)
      : window_(window), entries_max_(entries_max), bytes_max_(bytes_max) {}

  /// Null where the message is new, or was handled before the window.
  [[nodiscard]] kept_answer* find(const changelog::message_fingerprint& id,
                                  timestamp now);
  /// Keeps an answer. Replaces one that the window has passed; returns the
  /// bytes that the replaced one had in the changelog.
  std::uint64_t insert(const changelog::message_fingerprint& id,
                       kept_answer answer);
  /// Forgets an answer, for instance because its unit was undone.
  void erase(const changelog::message_fingerprint& id);
  /// Drops what the window or a bound has passed. Returns the bytes that
  /// the dropped entries had in the changelog.
  std::uint64_t expire(timestamp now);
  void clear();

  /// After a restore: puts the entries back into the order of their times.
  void sort_by_time();

  [[nodiscard]] std::size_t size() const noexcept { return answers_.size(); }
  /// Bytes of memory, about.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Entries dropped because of a bound, within the window.
  [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }

private:
  struct hash {
    std::size_t
    operator()(const changelog::message_fingerprint& id) const noexcept {
      return id.low;
    }
  };

  [[nodiscard]] static std::uint64_t bytes_of(const kept_answer& what) {
    return entry_bytes + what.body.size();
  }
  [[nodiscard]] bool is_past(timestamp then, timestamp now) const noexcept {
    return then.value() < now.value() - window_.count();
  }

  const std::chrono::milliseconds window_;
  const std::size_t entries_max_;
  const std::uint64_t bytes_max_;
  boost::unordered_flat_map<changelog::message_fingerprint, kept_answer, hash>
      answers_;
  /// By time; entries that were erased since are passed over.
  std::deque<std::pair<timestamp, changelog::message_fingerprint>> order_;
  std::uint64_t bytes_ = 0;
  std::uint64_t forgotten_ = 0;
};

} // namespace freehold::engine
