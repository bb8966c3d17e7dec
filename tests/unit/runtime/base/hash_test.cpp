// Keys must land where other clients put them, and checksums must be the
// published ones: both are compared with values computed elsewhere.
#include "runtime/base/hash.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

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

TEST_CASE("crc32c of long texts is that of their bytes one by one",
          "[runtime][base]") {
  std::string text;
  std::uint32_t one_by_one = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const char next = static_cast<char>(i * i * 2654435761U >> 13U);
    text.push_back(next);
    one_by_one = crc32c({&next, 1}, one_by_one);
    REQUIRE(crc32c(text) == one_by_one);
  }
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

TEST_CASE("the hash of a key is the one that fingerprints were stored with",
          "[runtime][base]") {
  // Word by word, as it was first written down.
  const auto plain = [](std::string_view key) {
    std::uint64_t hash = 1469598103934665603ULL;
    const auto mix = [&hash](std::uint64_t word) {
      hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    };
    for (; key.size() >= 8; key.remove_prefix(8)) {
      std::uint64_t word = 0;
      std::memcpy(&word, key.data(), 8);
      mix(word);
      hash ^= hash >> 29;
    }
    std::uint64_t rest = std::uint64_t{key.size()} << 56;
    for (std::size_t i = 0; i < key.size(); ++i)
      rest ^= std::uint64_t{static_cast<unsigned char>(key[i])} << (8 * i);
    mix(rest);
    return hash ^ (hash >> 32);
  };
  CHECK(key_hash("") == plain(""));
  CHECK(key_hash({}) == plain({}));
  std::string key;
  for (int i = 0; i < 40; ++i) {
    key.push_back(static_cast<char>(200 + 7 * i));
    CHECK(key_hash(key) == plain(key));
    // Also where nothing may be read behind it.
    const std::vector<char> alone(key.begin(), key.end());
    CHECK(key_hash({alone.data(), alone.size()}) == plain(key));
  }
}
