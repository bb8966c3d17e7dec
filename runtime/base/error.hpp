#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace freehold {

/// What went wrong, by what a caller does about it. Numbers are stable: they
/// appear in logs and dead letters.
enum class errc : std::uint8_t {
  ok = 0,
  /// The caller passed something that makes no sense; mend the call.
  invalid_argument = 1,
  /// What was named does not exist.
  not_found = 2,
  /// Another process holds it; stop that one or use another directory.
  in_use = 3,
  /// The medium or the service failed; trying again later may help.
  unavailable = 4,
  /// The operation may or may not have happened. Read back, never guess.
  outcome_unknown = 5,
  /// A newer owner or producer took over; drop what was in flight.
  fenced = 6,
  /// Stored bytes contradict their checksum, length or format.
  corrupt = 7,
  /// Bytes of a message do not have the form its description asks for.
  undecodable = 8,
  /// A named bound would be passed.
  limit_reached = 9,
  /// What exists contradicts what is configured; somebody has to choose.
  mismatch = 10,
  /// The component was stopped.
  stopped = 11,
  /// The disk or the map is full.
  no_space = 12,
  /// A stored state of an older version has no way to the present one.
  missing_upcaster = 13,
};

/// The lower-case name of a code, for instance `in_use`.
[[nodiscard]] std::string_view to_string(errc code) noexcept;

/// A failure that was expected to happen now and then: its code for the
/// program, its context (what, where, what to do) for a person.
struct error {
  errc code = errc::ok;
  std::string context;
};

/// `code: context`, for logs.
[[nodiscard]] std::string to_string(const error& what);

} // namespace freehold
