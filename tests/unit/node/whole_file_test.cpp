// A file is put in place as a whole or not at all, and nothing else is left.

#include "node/whole_file.hpp"

#include <catch2/catch.hpp>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace freehold;
using namespace freehold::node;

namespace {

namespace fs = std::filesystem;

/// A directory of its own, gone at the end.
class folder {
public:
  folder() {
    std::string name =
        (fs::temp_directory_path() / "freehold-whole-file-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { fs::remove_all(path_); }

  [[nodiscard]] fs::path file(const std::string& name) const {
    return path_ / name;
  }
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator{path_},
                         fs::directory_iterator{});
  }

private:
  fs::path path_;
};

std::string content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

TEST_CASE("a whole file is made, replaced, and stands alone",
          "[node][whole-file]") {
  const folder here;
  const auto file = here.file("a.html");
  REQUIRE(write_whole_file(file, "one"));
  CHECK(content_of(file) == "one");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  REQUIRE(write_whole_file(file, std::string(3'000'000, 'x')));
  CHECK(content_of(file) == std::string(3'000'000, 'x'));
  CHECK(fs::status(file).permissions()
        == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(here.entries() == 1);
}

TEST_CASE("a link to a whole file stays a link", "[node][whole-file]") {
  const folder here;
  REQUIRE(write_whole_file(here.file("a"), "one"));
  fs::create_symlink(here.file("a"), here.file("b"));
  REQUIRE(write_whole_file(here.file("b"), "two"));
  CHECK(fs::is_symlink(here.file("b")));
  CHECK(content_of(here.file("a")) == "two");
}

TEST_CASE("what cannot be written is named and nothing is left",
          "[node][whole-file]") {
  const folder here;
  const auto missing = here.file("none") / "a.html";
  const auto nowhere = write_whole_file(missing, "x");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == errc::not_found);
  CHECK(nowhere.error().context.find(missing.string()) != std::string::npos);

  const auto directory = write_whole_file(here.file(""), "x");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == errc::invalid_argument);

  const auto device = write_whole_file("/dev/null", "x");
  REQUIRE_FALSE(device);
  CHECK(device.error().code == errc::invalid_argument);

  const auto long_name = here.file(std::string(300, 'x'));
  const auto refused = write_whole_file(long_name, "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().context.find(long_name.string()) != std::string::npos);
  CHECK(here.entries() == 0);
}
