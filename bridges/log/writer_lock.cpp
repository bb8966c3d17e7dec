#include "bridges/log/writer_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

namespace freehold::bridges::log {

namespace {

/// Each one more needs somebody who deletes the file just then.
constexpr int attempts_max = 10;

/// What the file says; empty where it says nothing.
std::string process_in(int fd) {
  char text[32] = {};
  const ssize_t size = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid{text, size > 0 ? static_cast<std::size_t>(size) : 0};
  while (!pid.empty() && pid.back() == '\n')
    pid.pop_back();
  return pid;
}

std::filesystem::path file_in(const std::filesystem::path& directory) {
  return directory / "writer.lock";
}

} // namespace

result<std::unique_ptr<writer_lock>>
writer_lock::take(const std::filesystem::path& directory) {
  const auto file = file_in(directory);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto lock = take_file(directory, file);
    if (!lock || (*lock)->is_of(file))
      return lock;
  }
  return error{errc::unavailable, file.string()
                                      + " is deleted again and again: let that "
                                        "be, it guards the log"};
}

result<std::optional<pid_t>>
writer_lock::holder(const std::filesystem::path& directory) {
  const auto file = file_in(directory);
  const writer_lock look{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (look.fd_ < 0 && errno == ENOENT)
    return std::optional<pid_t>{};
  if (look.fd_ < 0)
    return error{errc::unavailable,
                 "cannot open " + file.string() + ": " + std::strerror(errno)};
  if (::flock(look.fd_, LOCK_SH | LOCK_NB) == 0)
    return std::optional<pid_t>{};
  const std::string text = process_in(look.fd_);
  pid_t pid = 0;
  const auto [end, failed] =
      std::from_chars(text.data(), text.data() + text.size(), pid);
  if (failed != std::errc{} || end != text.data() + text.size() || pid <= 0)
    return error{errc::unavailable,
                 file.string() + " is held, and names no process"};
  return std::optional{pid};
}

bool writer_lock::is_of(const std::filesystem::path& file) const {
  struct stat ours {};
  struct stat present {};
  return ::fstat(fd_, &ours) == 0 && ::stat(file.c_str(), &present) == 0
         && ours.st_dev == present.st_dev && ours.st_ino == present.st_ino;
}

result<std::unique_ptr<writer_lock>>
writer_lock::take_file(const std::filesystem::path& directory,
                       const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    return error{errc::unavailable,
                 "cannot open " + file.string() + ": " + std::strerror(errno)};
  std::unique_ptr<writer_lock> lock{new writer_lock{fd}};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::string pid = process_in(fd);
    return error{errc::in_use, "the log in " + directory.string()
                                   + " is written by process "
                                   + (pid.empty() ? "(unknown)" : pid)
                                   + ": stop that node, or give this one "
                                     "another directory"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0
      || ::pwrite(fd, pid.data(), pid.size(), 0)
             != static_cast<ssize_t>(pid.size()))
    return error{errc::unavailable,
                 "cannot write " + file.string() + ": " + std::strerror(errno)};
  return lock;
}

writer_lock::~writer_lock() {
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace freehold::bridges::log
