#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace freehold::node {

/// A line `KEY<TAB>VALUE`, or why it is none.
struct keyed_line {
  /// From 1.
  std::uint64_t number = 0;
  std::string_view key;
  std::string_view value;
  /// Empty where there are key and value.
  std::string_view fault;
};

/// Splits bytes, which come in pieces, into lines of a key and a value: UTF-8,
/// neither of them empty, the first tab between them. The last line may end
/// without a line feed.
///
/// Memory: one line and what was given last; of a line that is longer than
/// allowed nothing is kept.
class keyed_lines {
public:
  /// Lines of more bytes are bad.
  explicit keyed_lines(std::size_t line_bytes_max)
      : line_bytes_max_(line_bytes_max) {}

  /// More bytes; views given so far end.
  void give(std::string_view bytes);
  /// There are no more.
  void end() { ended_ = true; }
  /// The next line that is complete; false until there is one.
  bool next(keyed_line& into);

  /// Lines begun so far.
  [[nodiscard]] std::uint64_t count() const noexcept { return number_; }

private:
  const std::size_t line_bytes_max_;
  std::string bytes_;
  std::size_t begin_ = 0;
  /// Up to here there is no line feed.
  std::size_t searched_ = 0;
  /// What is left of a line that is too long is dropped.
  bool skipping_ = false;
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

} // namespace freehold::node
