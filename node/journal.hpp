#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/record.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace freehold::node {

/// One event of a journal, as its record says. Views into the record.
struct journal_event {
  std::string_view key;
  /// From 1 in each entity's journal.
  std::uint64_t sequence = 0;
  std::string_view type;
  std::uint32_t version = 1;
  /// When it happened: `ce_time`.
  timestamp time;
  /// `topic/partition/offset/ordinal`: the message that caused it.
  std::string_view id;
  /// JSON.
  std::string_view value;
};

/// Errors: `undecodable` for a record that is no event of a journal.
[[nodiscard]] result<journal_event> read_event(const record& from);

/// The message that caused an event, for people: `property-commands partition
/// 3 offset 17`; the id itself where it has another form.
[[nodiscard]] std::string cause_text(std::string_view id);

} // namespace freehold::node
