// The stored form of a batch: its bytes are fixed, and damage is noticed.
#include "bridges/log/batch_format.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace freehold;
using namespace freehold::bridges::log;

namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char each : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text.push_back(digits[static_cast<unsigned char>(each) >> 4U]);
    text.push_back(digits[static_cast<unsigned char>(each) & 15U]);
  }
  return text;
}

std::string golden_batch() {
  batch_writer writer;
  std::string headers;
  append_header(headers, "h", "1");
  writer.add(record_offset{7}, {{}, timestamp{1000}, "k", "value", {}});
  writer.add(record_offset{8},
             {{}, timestamp{998}, {}, "", header_list{headers}});
  writer.add(record_offset{11}, {{}, timestamp{1300}, "", {}, {}});
  return std::string{writer.finish(2, 3, timestamp{5140})};
}

} // namespace

TEST_CASE("version 1 of the stored batch has these bytes", "[bridges][log]") {
  CHECK(hex(golden_batch()).substr(8)
        == "01000000"
           "02000000"
           "03000000"
           "0700000000000000"
           "e803000000000000"
           "1414000000000000"
           "03000000"
           "04000000"
           "0000020600"
           "6b"
           "76616c7565"
           "0003000108"
           "010001000000"
           "6831"
           "02d804010000");
}

TEST_CASE("a batch comes back as it was packed", "[bridges][log]") {
  const std::string bytes = golden_batch();
  REQUIRE(batch_is_sound(bytes));
  std::vector<record> found;
  std::uint64_t left = 1000;
  CHECK(decode_records(bytes, next_offset{0}, left, found)
        == decode_status::complete);
  REQUIRE(found.size() == 3);
  CHECK(found[0].offset == record_offset{7});
  CHECK(found[0].value == "value");
  CHECK(found[1].time == timestamp{998});
  CHECK(found[1].key.data() == nullptr);
  CHECK(found[1].value.data() != nullptr);
  CHECK(found[1].headers.find("h") == "1");
  CHECK(found[2].offset == record_offset{11});
  CHECK(found[2].time == timestamp{1300});
  CHECK(found[2].value.data() == nullptr);
}

TEST_CASE("every flipped bit and every cut of a batch is noticed",
          "[bridges][log]") {
  const std::string bytes = golden_batch();
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    CHECK(!batch_is_sound(damaged));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(!batch_is_sound(std::string_view{bytes}.substr(0, size)));
    // Even without its checksum it leads nobody out of its bytes.
    std::vector<record> found;
    std::uint64_t left = 1000;
    CHECK(decode_records(std::string_view{bytes}.substr(0, size),
                         next_offset{0}, left, found)
          == decode_status::malformed);
  }
}
