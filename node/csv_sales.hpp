#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace freehold::node {

/// One sale, as a line of the file tells it.
struct sale_row {
  /// The line the sale begins in, counted from 1; the header counts too.
  std::uint64_t line = 0;
  timestamp time;
  std::string property;
  std::string neighborhood;
  std::int64_t price_cents = 0;
  /// In hundredths of the file's unit. Absent if not mapped or left empty.
  std::optional<std::int64_t> area_hundredths;
  std::optional<std::int32_t> year;
};

/// A line that gives no sale, and why. The lines after it are read on.
struct bad_line {
  std::uint64_t line = 0;
  /// The column's name in the file; empty if the line as a whole is bad.
  std::string column;
  std::string reason;
};

/// Reads the sales of a CSV file one by one, in memory that does not depend
/// on the file's size.
///
/// The form is RFC 4180: commas, a header line, fields in double quotes where
/// needed, CRLF or LF. A UTF-8 byte order mark is skipped, and so are empty
/// lines. Blanks around a value do not belong to it. Columns come in any
/// order; those that are not mapped are ignored.
///
/// | field        | form                                                    |
/// |--------------|---------------------------------------------------------|
/// | time         | `2014-05-02` or `2014-05-02T13:45[:00[.000]][Z]`, UTC    |
/// | property     | UTF-8 without control characters, 1 to 1024 bytes       |
/// | neighborhood | the same                                                |
/// | price        | dollars, at most two decimals, no sign, no separators   |
/// | area         | optional; a number with at most two decimals            |
/// | year         | optional; 1 to 9999                                     |
///
/// One thread at a time. Reading waits for the disk.
class csv_sales {
public:
  using row = std::variant<sale_row, bad_line>;

  /// Opens the file and reads its header. `mapping` is `field=column` pairs
  /// with commas between: `time=sale_date,price=price_usd`. Errors:
  /// `not_found` or `unavailable` for the file, `invalid_argument` for the
  /// header or the mapping, with the columns that the file has.
  [[nodiscard]] static result<csv_sales> open(const std::string& path,
                                              std::string_view mapping);

  csv_sales(csv_sales&&) noexcept;
  csv_sales& operator=(csv_sales&&) noexcept;
  ~csv_sales();

  /// The next sale or bad line; nothing at the end of the file. If the file
  /// cannot be read to its end, the last thing returned is a bad line.
  [[nodiscard]] std::optional<row> next();

private:
  class reader;
  explicit csv_sales(std::unique_ptr<reader> from);

  std::unique_ptr<reader> reader_;
};

} // namespace freehold::node
