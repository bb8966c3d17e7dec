#pragma once

#include "runtime/engine/changelog.hpp"
#include "runtime/engine/changelog_index.hpp"
#include "runtime/engine/entity_table.hpp"
#include "runtime/ports/event_log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::engine {

/// Entities that are to come (back) into memory: which, and what a lookup in
/// the changelog found of them.
///
/// Life: `want` and `seal` on the shard's worker, then the log has it, then
/// the worker again.
class bringing final : public ports::lookup {
public:
  struct wanted {
    entity_table* table = nullptr;
    std::string key;
    std::uint64_t hash = 0;
    stored_place place;

    // what was found
    enum class outcome : std::uint8_t {
      nothing,
      state,
      /// The state of another entity, whose key has the same hash.
      other,
    };
    outcome found = outcome::nothing;
    std::uint32_t schema = 0;
    std::uint64_t sequence = 0;
    /// Where the state's bytes are in `bytes_of`.
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  explicit bringing(topic_partition changelog) { source = changelog; }

  void want(entity_table& table, std::string_view key, std::uint64_t hash,
            stored_place place);
  /// What is wanted so far takes in the changelog.
  [[nodiscard]] std::uint64_t bytes_wanted() const noexcept {
    return bytes_wanted_;
  }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

  /// Nothing more is wanted: makes the list of records. An entity that was
  /// wanted twice is once.
  void seal(const changelog_index& index);

  void found(const record& what) override;

  [[nodiscard]] const std::vector<wanted>& all() const noexcept { return all_; }
  [[nodiscard]] std::string_view bytes_of(const wanted& one) const noexcept {
    return std::string_view{bytes_}.substr(one.begin, one.end - one.begin);
  }
  /// A pack that does not decode.
  [[nodiscard]] const std::optional<error>& fault() const noexcept {
    return fault_;
  }

private:
  std::vector<wanted> all_; // by place
  /// For each record, its first entity in `all_`.
  std::vector<std::size_t> firsts_;
  std::size_t next_record_ = 0;
  std::uint64_t bytes_wanted_ = 0;
  std::string bytes_;
  std::optional<error> fault_;
};

} // namespace freehold::engine
