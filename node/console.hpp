#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What the command line tells a person: results to stdout, everything else
/// to stderr.
namespace freehold::node {

/// What a command's exit status means; the same for all of them.
enum class exit_status : std::uint8_t {
  /// All of it was done.
  done = 0,
  /// Only a part of it: some lines were bad, what was named is not there, or
  /// a signal came first.
  partly = 1,
  /// It could not begin: wrong arguments, configuration or data directory.
  cannot_run = 2,
  /// The engine stopped by itself while running.
  failed = 3,
};

/// The paragraph about exit statuses in every `--help`.
inline constexpr std::string_view exit_status_help =
    "Exit status: 0 done, 1 partly done (bad lines, nothing of that name, "
    "stopped early),\n2 could not begin, 3 the engine failed while running.";

/// Prints `freehold: what went wrong` to stderr.
void complain(std::string_view what);
/// The same for an error; its context is a sentence for people already.
void complain(const error& why);

/// Prints to stdout. Output that nobody takes ends the process, as usual.
void print(std::string_view text);

/// `1234567` as `1,234,567`.
[[nodiscard]] std::string with_commas(std::uint64_t number);
/// `54008814` as `$540,088.14`.
[[nodiscard]] std::string dollars(std::int64_t cents);
/// `2014-05-02T13:45:00.000Z`; the bare number outside the years 0 to 9999.
[[nodiscard]] std::string time_text(timestamp at);

/// A line on stderr that says how far something is: written over again on a
/// terminal, now and then as a line of its own elsewhere.
class progress_line {
public:
  explicit progress_line(const clock& time);
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { clear(); }

  /// Whether it is time for another `show`.
  [[nodiscard]] bool is_due() const;
  void show(std::string_view text);
  /// Takes the line off a terminal, before something else is printed.
  void clear();

private:
  const clock& time_;
  const bool terminal_;
  std::int64_t last_shown_;
  std::size_t shown_columns_ = 0;
};

} // namespace freehold::node
