#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

/// The form of a CSV file (RFC 4180), without any meaning of its columns.
namespace freehold::node::internal {

/// One record, which may span lines where a quoted field does.
struct csv_record {
  /// The line it begins in, counted from 1.
  std::uint64_t line = 0;
  std::vector<std::string> fields;
  /// Why there are no fields; empty if there are.
  std::string fault;
};

/// Splits a stream into records.
///
/// A quote that is never closed must not swallow the rest of the file: such a
/// record ends with its first line, and reading goes on behind that.
class csv_records {
public:
  /// A record that is longer is a fault.
  static constexpr std::size_t record_bytes_max = 64 * 1024;

  explicit csv_records(const std::string& path)
      : stream_(path, std::ios::binary) {}

  /// Whether the file could be opened.
  [[nodiscard]] bool is_open() const { return stream_.is_open(); }
  /// Whether reading stopped before the end of the file.
  [[nodiscard]] bool is_broken() const { return stream_.bad(); }

  /// Skips `bytes` if the file begins with them.
  bool skip(std::string_view bytes);

  /// Reads the next record that is not an empty line. False at the end.
  bool next(csv_record& into);

private:
  bool fill(std::size_t size);
  void drop_line(csv_record& into, std::string fault);
  void parse(csv_record& into);
  bool parse_quoted(std::size_t& at, std::string& field, csv_record& into);

  std::ifstream stream_;
  std::string buffer_;
  /// `buffer_[begin_, end)` is not taken yet.
  std::size_t begin_ = 0;
  std::uint64_t line_ = 1;
};

} // namespace freehold::node::internal
