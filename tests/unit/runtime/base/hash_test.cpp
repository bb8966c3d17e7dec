// Keys must land where other clients put them, and checksums must be the
// published ones: both are compared with values computed elsewhere.
#include "runtime/base/hash.hpp"

#include <catch2/catch.hpp>

using namespace freehold;

TEST_CASE("murmur2 equals the Java client's published test values",
          "[runtime][base]") {
  // From UtilsTest.testMurmur2 of Apache Kafka.
  CHECK(static_cast<std::int32_t>(murmur2("21")) == -973932308);
  CHECK(static_cast<std::int32_t>(murmur2("foobar")) == -790332482);
  CHECK(static_cast<std::int32_t>(murmur2("a-little-bit-long-string"))
        == -985981536);
  CHECK(static_cast<std::int32_t>(murmur2("a-little-bit-longer-string"))
        == -1486304829);
  CHECK(static_cast<std::int32_t>(
            murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"))
        == -58897971);
  CHECK(static_cast<std::int32_t>(murmur2("abc")) == 479470107);
}

TEST_CASE("a key always lands in a partition that exists", "[runtime][base]") {
  for (std::uint32_t count : {1U, 3U, 8U})
    for (int i = 0; i < 1000; ++i)
      CHECK(partition_of(std::to_string(i), count).value() < count);
}

TEST_CASE("crc32c equals the check value of its definition",
          "[runtime][base]") {
  CHECK(crc32c("123456789") == 0xE3069283U);
  CHECK(crc32c("") == 0U);
}

TEST_CASE("crc32c can be computed in pieces", "[runtime][base]") {
  const std::string_view text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    CHECK(crc32c(text.substr(cut), crc32c(text.substr(0, cut)))
          == crc32c(text));
}

TEST_CASE("key hashes differ by content and by length", "[runtime][base]") {
  CHECK(key_hash("") != key_hash(std::string_view{"\0", 1}));
  CHECK(key_hash("12345678") != key_hash("12345679"));
  CHECK(key_hash("123456789") != key_hash("12345678"));
}
