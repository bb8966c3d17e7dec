#include "bridges/log/durable_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace freehold::bridges::log {

namespace {

error system_error(std::string_view doing, const std::filesystem::path& path) {
  return {errc::unavailable, std::string{doing} + " " + path.string() + ": "
                                 + std::strerror(errno)};
}

/// Closes a file whatever happens.
class open_file {
public:
  open_file(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

private:
  int fd_;
};

result<void> sync_directory(const std::filesystem::path& directory) {
  const open_file opened{directory, O_RDONLY | O_DIRECTORY};
  if (opened.get() < 0 || ::fsync(opened.get()) != 0)
    return system_error("cannot make durable what is in", directory);
  return {};
}

std::filesystem::path above(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path{"."} : parent;
}

} // namespace

result<void> make_durable_directory(const std::filesystem::path& directory) {
  // A path that ends in a slash names the same without it.
  const auto path =
      directory.has_filename() ? directory : directory.parent_path();
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_directory(path, ignored))
    return {};
  if (auto made = make_durable_directory(above(path)); !made)
    return made;
  if (::mkdir(path.c_str(), 0777) != 0
      && !std::filesystem::is_directory(path, ignored))
    return system_error("cannot make the directory", path);
  return sync_directory(above(path));
}

result<void> write_durable_file(const std::filesystem::path& file,
                                std::string_view content) {
  auto fresh = file;
  fresh += ".new";
  {
    const open_file opened{fresh, O_WRONLY | O_CREAT | O_TRUNC};
    if (opened.get() < 0)
      return system_error("cannot open", fresh);
    while (!content.empty()) {
      const ssize_t size =
          ::write(opened.get(), content.data(), content.size());
      if (size < 0 && errno == EINTR)
        continue;
      if (size < 0)
        return system_error("cannot write", fresh);
      content.remove_prefix(static_cast<std::size_t>(size));
    }
    if (::fsync(opened.get()) != 0)
      return system_error("cannot write", fresh);
  }
  if (std::rename(fresh.c_str(), file.c_str()) != 0)
    return system_error("cannot rename to", file);
  return sync_directory(above(file));
}

} // namespace freehold::bridges::log
