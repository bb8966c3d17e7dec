// The one word that is left of an entity out of memory.
#include "runtime/engine/changelog.hpp"
#include "runtime/engine/stored_place.hpp"

#include <catch2/catch.hpp>

using freehold::engine::stored_place;

TEST_CASE("a place gives back its pack and where in it the entry begins",
          "[runtime][stored_place]") {
  CHECK(!stored_place{});
  CHECK(stored_place{}.live_bytes() == 0);
  CHECK(!stored_place{}.is_in(0));
  for (const std::uint64_t pack :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{70'000},
        stored_place::pack_max})
    for (const std::uint32_t at : {0U, 9U, 40'000U, stored_place::at_max}) {
      const stored_place place{pack, at, 100};
      REQUIRE(place);
      CHECK(place.pack() == pack);
      CHECK(place.at() == at);
      CHECK(place.is_in(pack));
      CHECK(!place.is_in(pack + 1));
      CHECK((place.word() & 1U) == 1);
      CHECK(stored_place::from_word(place.word()) == place);
    }
}

TEST_CASE("every entry of a pack of the largest size has a place",
          "[runtime][stored_place]") {
  // An entry that begins at the very end did not fit and is in the next pack.
  CHECK(freehold::engine::changelog::pack_bytes_max - 1
        <= stored_place::at_max);
}

TEST_CASE("a live size is the entry's size, rounded up by less than a "
          "sixteenth, and the same once more",
          "[runtime][stored_place]") {
  const auto check = [](std::uint32_t bytes) {
    const std::uint32_t live = stored_place{5, 7, bytes}.live_bytes();
    REQUIRE(live >= bytes);
    REQUIRE(std::uint64_t{live} * 16 < std::uint64_t{bytes} * 17 + 16);
    REQUIRE(stored_place{5, 7, live}.live_bytes() == live);
  };
  for (std::uint32_t bytes = 0; bytes < 100'000; ++bytes)
    check(bytes);
  for (std::uint32_t bytes = 100'000; bytes < 1U << 31U; bytes += bytes / 1000)
    check(bytes);
  CHECK(stored_place{5, 7, 31}.live_bytes() == 31);
}
