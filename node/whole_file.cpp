#include "node/whole_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>

namespace freehold::node {

namespace {

namespace fs = std::filesystem;

error cannot_write(const fs::path& file, const std::string& why) {
  return {errc::unavailable, "cannot write " + file.string() + ": " + why};
}

error cannot_write(const fs::path& file, int code) {
  return cannot_write(file, std::generic_category().message(code)
                                + "; make room or name a place where this "
                                  "user may write");
}

/// 0, or the error's number.
int write_all(int to, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(to, content.data(), content.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : ENOSPC;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Where a chain of links ends. Errors as of `write_whole_file`.
result<fs::path> place_of(const fs::path& file) {
  std::error_code code;
  const fs::file_status status = fs::status(file, code);
  if (fs::is_directory(status))
    return error{errc::invalid_argument,
                 file.string() + " is a directory; name a file in it"};
  if (fs::exists(status) && !fs::is_regular_file(status))
    return error{errc::invalid_argument,
                 file.string() + " is no regular file; name one"};
  if (fs::exists(status)) {
    const fs::path place = fs::canonical(file, code);
    if (code)
      return cannot_write(file, code.value());
    return place;
  }
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!fs::is_directory(folder, code))
    return error{errc::not_found, "cannot write " + file.string()
                                      + ": there is no directory "
                                      + folder.string() + "; make it first"};
  return file;
}

} // namespace

result<void> write_whole_file(const fs::path& file, std::string_view content) {
  const auto place = place_of(file);
  if (!place)
    return place.error();
  // In the same directory, or it could not be renamed; the name is this
  // process's own.
  const fs::path fresh =
      place->parent_path()
      / (".freehold-" + std::to_string(::getpid()) + ".partial");
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  int to = ::open(fresh.c_str(), flags, 0666);
  if (to < 0 && errno == EEXIST) {
    // Of a process of this number that was killed.
    ::unlink(fresh.c_str());
    to = ::open(fresh.c_str(), flags, 0666);
  }
  if (to < 0)
    return cannot_write(file, errno);
  int failed = write_all(to, content);
  struct stat old {};
  if (failed == 0 && ::stat(place->c_str(), &old) == 0
      && ::fchmod(to, old.st_mode & 0777) != 0)
    failed = errno;
  // Else a loss of power could leave the new name with nothing behind it.
  if (failed == 0 && ::fsync(to) != 0)
    failed = errno;
  if (::close(to) != 0 && failed == 0)
    failed = errno;
  if (failed == 0 && ::rename(fresh.c_str(), place->c_str()) != 0)
    failed = errno;
  if (failed == 0)
    return {};
  ::unlink(fresh.c_str());
  return cannot_write(file, failed);
}

} // namespace freehold::node
