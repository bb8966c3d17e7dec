// The form of an LMDB 0.9 file, as far as the check needs it. Little endian.
//
//   page    u64 number, u16 pad, u16 flags, u16 lower, u16 upper
//           (an overflow page: u32 count of pages in place of the bounds),
//           then for branches and leaves u16 positions of their nodes
//   node    u16 low, u16 high, u16 flags, u16 key size, key, data
//           a branch: page number in low, high, flags; a leaf: size of data
//   meta    page 0 and 1: u32 magic, u32 version, u64 address, u64 map size,
//           two tables (free pages, main), u64 last page, u64 transaction
//   table   u32 page size, u16 flags, u16 depth, u64 branch pages, u64 leaf
//           pages, u64 overflow pages, u64 entries, u64 root
#include "bridges/log/lmdb_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace freehold::bridges::log {

namespace {

constexpr std::uint64_t deep_bytes_max = std::uint64_t{1} << 30U;
constexpr std::uint64_t no_page = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t page_header_bytes = 16;
constexpr std::size_t node_header_bytes = 8;
constexpr unsigned depth_max = 32;
constexpr unsigned branch_flag = 1;
constexpr unsigned leaf_flag = 2;
constexpr unsigned overflow_flag = 4;
constexpr unsigned big_data_flag = 1;
constexpr unsigned table_flag = 2;

struct table {
  std::uint32_t page_size;
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t branch_pages;
  std::uint64_t leaf_pages;
  std::uint64_t overflow_pages;
  std::uint64_t entries;
  std::uint64_t root;
};
static_assert(sizeof(table) == 48);

struct meta {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_size;
  table free_pages;
  table main;
  std::uint64_t last_page;
  std::uint64_t transaction;
};
static_assert(sizeof(meta) == 136);

template <class Value>
Value at(std::string_view bytes, std::size_t offset) {
  Value value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

class file_handle {
public:
  explicit file_handle(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  file_handle(const file_handle&) = delete;
  file_handle& operator=(const file_handle&) = delete;
  ~file_handle() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  [[nodiscard]] bool opened() const noexcept { return fd_ >= 0; }
  [[nodiscard]] std::uint64_t size() const noexcept {
    struct stat found {};
    return ::fstat(fd_, &found) == 0 ? static_cast<std::uint64_t>(found.st_size)
                                     : 0;
  }
  [[nodiscard]] bool read(std::uint64_t offset, std::size_t size,
                          std::string& into) const {
    into.resize(size);
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(fd_, into.data() + done, size - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }

private:
  int fd_;
};

/// One walk over one state of the file.
class walk {
public:
  explicit walk(const file_handle& file) : file_(file) {}

  /// Empty where all is well, else what is wrong.
  std::string run() {
    if (auto wrong = read_metas(); !wrong.empty())
      return wrong;
    const std::uint64_t size = file_.size();
    deep_ = size <= deep_bytes_max || size / page_size_ <= newest().last_page;
    page_count_ = std::min(size / page_size_, newest().last_page + 1);
    seen_.assign(page_count_, false);
    seen_[0] = seen_[1] = true;
    if (auto wrong = walk_table(newest().main, true); !wrong.empty())
      return wrong;
    if (auto wrong = walk_table(newest().free_pages, false); !wrong.empty())
      return wrong;
    return check_free_pages();
  }

  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> transactions() const {
    return {metas_[0].transaction, metas_[1].transaction};
  }

  std::string read_metas() {
    std::string bytes;
    if (!file_.read(0, page_header_bytes + sizeof(meta), bytes))
      return "the file is cut off";
    metas_[0] = at<meta>(bytes, page_header_bytes);
    page_size_ = metas_[0].free_pages.page_size;
    if (metas_[0].magic != 0xBEEFC0DE || metas_[0].version != 1)
      return "it is not a file of ours";
    if (page_size_ < 512 || page_size_ > 65536
        || (page_size_ & (page_size_ - 1)) != 0)
      return "page 0 is damaged";
    if (!file_.read(page_size_, page_header_bytes + sizeof(meta), bytes))
      return "the file is cut off";
    metas_[1] = at<meta>(bytes, page_header_bytes);
    const auto [a, b] = transactions();
    // Each transaction writes the page of its own parity.
    if (metas_[1].magic != metas_[0].magic
        || metas_[1].version != metas_[0].version
        || metas_[1].free_pages.page_size != page_size_
        || (a != b && (a % 2 != 0 || b % 2 != 1)) || (a == b && a != 0)
        || (a > b ? a - b : b - a) > 1)
      return "pages 0 and 1 contradict each other";
    if (newest().last_page < 1 || newest().last_page >> 47U != 0)
      return "page 0 or 1 is damaged";
    return {};
  }

private:
  [[nodiscard]] const meta& newest() const {
    return metas_[metas_[1].transaction > metas_[0].transaction ? 1 : 0];
  }

  struct counts {
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;
    std::string last_key;
    bool any_key = false;
  };

  std::string damaged(std::uint64_t page) const {
    return "page " + std::to_string(page) + " is damaged";
  }

  /// Marks a page as used; false where that cannot be.
  bool take(std::uint64_t page) {
    if (page >= page_count_ || seen_[page])
      return false;
    seen_[page] = true;
    return true;
  }

  std::string walk_table(const table& what, bool user_keys) {
    if (what.root == no_page)
      return what.entries == 0 ? "" : "a table lost its root";
    counts found;
    if (what.depth == 0 || what.depth > depth_max)
      return "a table has an impossible depth";
    if (auto wrong = walk_page(what.root, what.depth, user_keys, found);
        !wrong.empty())
      return wrong;
    if (deep_
        && (found.branch_pages != what.branch_pages
            || found.leaf_pages != what.leaf_pages
            || found.overflow_pages != what.overflow_pages
            || found.entries != what.entries))
      return "a table has lost entries";
    return {};
  }

  std::string walk_page(std::uint64_t page, unsigned depth, bool user_keys,
                        counts& found) {
    if (!take(page))
      return page >= page_count_
                 ? "the file is cut off before page " + std::to_string(page)
                 : damaged(page);
    // The table of tables and that of free pages are small: always deep.
    if (depth == 1 && !deep_ && user_keys && inside_table_)
      return {};
    std::string bytes;
    if (!file_.read(page * page_size_, page_size_, bytes))
      return damaged(page);
    const auto flags = at<std::uint16_t>(bytes, 10);
    const auto lower = at<std::uint16_t>(bytes, 12);
    const auto upper = at<std::uint16_t>(bytes, 14);
    const bool leaf = depth == 1;
    if (at<std::uint64_t>(bytes, 0) != page
        || (flags & 0xFU) != (leaf ? leaf_flag : branch_flag)
        || lower < page_header_bytes || lower > upper || upper > page_size_)
      return damaged(page);
    const std::size_t count = (lower - page_header_bytes) / 2U;
    if (count == 0 || (!leaf && count < 2))
      return damaged(page);
    ++(leaf ? found.leaf_pages : found.branch_pages);
    for (std::size_t i = 0; i < count; ++i) {
      const auto position = at<std::uint16_t>(bytes, page_header_bytes + 2 * i);
      if (position < upper || position + node_header_bytes > page_size_)
        return damaged(page);
      const std::string_view node = std::string_view{bytes}.substr(position);
      const auto key_size = at<std::uint16_t>(node, 6);
      if (node_header_bytes + key_size > node.size())
        return damaged(page);
      if (leaf) {
        if (auto wrong = walk_entry(page, node, user_keys, found);
            !wrong.empty())
          return wrong;
      } else {
        const std::uint64_t child = at<std::uint32_t>(node, 0)
                                    | std::uint64_t{at<std::uint16_t>(node, 4)}
                                          << 32U;
        if (auto wrong = walk_page(child, depth - 1, user_keys, found);
            !wrong.empty())
          return wrong;
      }
    }
    return {};
  }

  std::string walk_entry(std::uint64_t page, std::string_view node,
                         bool user_keys, counts& found) {
    const auto size = at<std::uint32_t>(node, 0);
    const auto flags = at<std::uint16_t>(node, 4);
    const auto key_size = at<std::uint16_t>(node, 6);
    std::string key{node.substr(node_header_bytes, key_size)};
    if (!user_keys) // numbers in the machine's order
      std::reverse(key.begin(), key.end());
    if (found.any_key && key <= found.last_key)
      return damaged(page);
    found.last_key = std::move(key);
    found.any_key = true;
    ++found.entries;
    std::string_view data = node.substr(node_header_bytes + key_size);
    std::string far;
    if ((flags & big_data_flag) != 0) {
      if (data.size() < 8)
        return damaged(page);
      const auto first = at<std::uint64_t>(data, 0);
      const std::uint64_t count =
          (page_header_bytes + std::uint64_t{size} + page_size_ - 1)
          / page_size_;
      for (std::uint64_t i = 0; i < count; ++i)
        if (!take(first + i))
          return first + i >= page_count_ ? "the file is cut off before page "
                                                + std::to_string(first + i)
                                          : damaged(page);
      found.overflow_pages += count;
      std::string head;
      if (!file_.read(first * page_size_, page_header_bytes, head)
          || at<std::uint64_t>(head, 0) != first
          || (at<std::uint16_t>(head, 10) & 0xFU) != overflow_flag
          || at<std::uint32_t>(head, 12) != count)
        return damaged(first);
      if (!user_keys) {
        if (!file_.read(first * page_size_ + page_header_bytes, size, far))
          return damaged(first);
        data = far;
      }
    } else if (data.size() < size) {
      return damaged(page);
    }
    if (!user_keys)
      return collect_free_pages(page, data.substr(0, size));
    if ((flags & table_flag) == 0)
      return {};
    if (inside_table_ || size != sizeof(table))
      return damaged(page);
    inside_table_ = true;
    auto wrong = walk_table(at<table>(data, 0), true);
    inside_table_ = false;
    return wrong;
  }

  std::string collect_free_pages(std::uint64_t page, std::string_view list) {
    if (list.size() < 8)
      return damaged(page);
    const auto count = at<std::uint64_t>(list, 0);
    if (count > list.size() / 8 - 1)
      return damaged(page);
    for (std::uint64_t i = 0; i < count; ++i)
      free_.push_back(at<std::uint64_t>(list, 8 + 8 * i));
    return {};
  }

  std::string check_free_pages() {
    for (const std::uint64_t page : free_) {
      if (page < 2 || page > newest().last_page)
        return "the list of free pages is damaged";
      // A free page behind the end of the file was never written.
      if (page < page_count_ && !take(page))
        return "page " + std::to_string(page) + " is both free and in use";
    }
    return {};
  }

  const file_handle& file_;
  meta metas_[2]{};
  std::uint64_t page_size_ = 4096;
  std::uint64_t page_count_ = 0;
  bool deep_ = true;
  bool inside_table_ = false;
  std::vector<bool> seen_;
  std::vector<std::uint64_t> free_;
};

} // namespace

result<std::uint64_t> check_lmdb_file(const std::filesystem::path& path) {
  constexpr int attempts_max = 3;
  const file_handle file{path};
  if (!file.opened())
    return error{errc::unavailable, std::strerror(errno)};
  std::uint64_t last = 0;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    walk now{file};
    const std::string wrong = now.run();
    last = std::max(now.transactions().first, now.transactions().second);
    if (wrong.empty())
      return last;
    walk again{file};
    (void)again.read_metas();
    if (again.transactions() == now.transactions())
      return error{errc::corrupt, wrong};
  }
  // A writer is at work; it has checked the file when it began.
  return last;
}

} // namespace freehold::bridges::log
