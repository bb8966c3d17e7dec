#pragma once

#include "runtime/ports/event_log.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

/// How the embedded log stores a run of records: one packed batch.
///
/// All numbers are little endian.
///
/// | field        | type | meaning                                       |
/// |--------------|------|-----------------------------------------------|
/// | crc          | u32  | CRC-32C of everything behind this field       |
/// | version      | u16  | 1                                             |
/// | flags        | u16  | 0                                             |
/// | topic        | u32  | the number under which the topic is stored    |
/// | partition    | u32  |                                               |
/// | base offset  | i64  | of the first record                           |
/// | base time    | i64  | of the first record, ms                       |
/// | append time  | i64  | when the log took it, ms; never before that   |
/// |              |      | of the batch in front; what retention goes by |
/// | count        | u32  | records                                       |
/// | last delta   | u32  | last offset minus base offset                 |
///
/// then `count` records, numbers as LEB128 varints:
///
/// | field        | meaning                                              |
/// |--------------|------------------------------------------------------|
/// | gap          | offsets skipped since the record before              |
/// | time         | zigzag of the difference to the base time            |
/// | key size     | 0 for a null key, else the size plus one             |
/// | value size   | the same                                             |
/// | headers size | bytes in the form of `header_list`                   |
/// | bytes        | key, value, headers                                  |
namespace freehold::bridges::log {

inline constexpr std::uint16_t batch_version = 1;
inline constexpr std::size_t batch_header_bytes = 48;

/// Sizes of headers are stored as they lie in memory.
static_assert(std::endian::native == std::endian::little,
              "the stored form is little endian");

struct batch_header {
  std::uint32_t crc = 0;
  std::uint16_t version = 0;
  std::uint16_t flags = 0;
  std::uint32_t topic = 0;
  std::uint32_t partition = 0;
  std::int64_t base_offset = 0;
  std::int64_t base_time = 0;
  std::int64_t append_time = 0;
  std::uint32_t count = 0;
  std::uint32_t last_delta = 0;

  /// The position behind the last record.
  [[nodiscard]] next_offset next() const noexcept {
    return next_offset{base_offset + last_delta + 1};
  }
};
static_assert(sizeof(batch_header) == batch_header_bytes);

/// Reads the header alone; false where the bytes are too few.
[[nodiscard]] bool read_batch_header(std::string_view bytes,
                                     batch_header& into) noexcept;

/// Whether checksum and version are right.
[[nodiscard]] bool batch_is_sound(std::string_view bytes) noexcept;

/// Packs records of one partition into a batch. Reused from unit to unit;
/// one owner, no locks.
class batch_writer {
public:
  [[nodiscard]] bool empty() const noexcept { return used_ == 0; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return used_; }

  /// Begins the batch at an offset that may lie before its first record.
  /// @pre it is empty
  void begin(next_offset at);
  /// Adds a record. @pre `at` lies behind the record before.
  void add(record_offset at, const ports::append& what);

  /// Lets the batch end there. @pre `end` lies behind its last record, and
  /// behind where it begins
  void extend(next_offset end);
  /// Completes the header. The bytes stay until the next `add` or `clear`.
  [[nodiscard]] std::string_view finish(std::uint32_t topic,
                                        std::uint32_t partition,
                                        timestamp append_time) noexcept;
  [[nodiscard]] const batch_header& header() const noexcept { return header_; }

  /// Empties it; gives back memory that only a huge record needed.
  void clear() noexcept;

private:
  void reserve(std::size_t more);

  batch_header header_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

/// The most bytes a record takes in a batch besides key, value and headers.
inline constexpr std::size_t record_overhead_bytes_max = 5 + 10 + 3 * 5;

/// How a decoding ended.
enum class decode_status : std::uint8_t {
  /// All records were looked at.
  complete,
  /// The byte budget was used up before the last record.
  budget_used,
  /// The bytes contradict themselves.
  malformed,
};

/// Appends the records of a sound batch from offset `from` on to `into`, whose
/// views then point into `bytes`. Takes records while `bytes_left` lasts, and
/// one in any case if `into` is empty.
[[nodiscard]] decode_status decode_records(std::string_view bytes,
                                           next_offset from,
                                           std::uint64_t& bytes_left,
                                           std::vector<record>& into);

} // namespace freehold::bridges::log
