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
#include <optional>
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
// LMDB keeps more flags in memory; in a file each page has one of these and no
// other, and each bit more would lead it to other code.
constexpr std::uint16_t branch_page = 1;
constexpr std::uint16_t leaf_page = 2;
constexpr std::uint16_t overflow_page = 4;
constexpr std::uint16_t meta_page = 8;
constexpr std::uint16_t big_data_node = 1;
constexpr std::uint16_t table_node = 2;
/// The keys of the table of free pages are numbers; no other table has flags.
constexpr std::uint16_t number_keys = 8;
constexpr std::uint32_t page_size_max = 32768;
/// Beyond it no address space is left.
constexpr std::uint64_t map_size_max = std::uint64_t{1} << 46U;

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
    if (auto wrong = check_transactions(); !wrong.empty())
      return wrong;
    const std::uint64_t size = file_.size();
    deep_ = size <= deep_bytes_max || size / page_size_ <= newest().last_page;
    page_count_ = std::min(size / page_size_, newest().last_page + 1);
    if (page_count_ < 2)
      return "the file is cut off";
    seen_.assign(page_count_, false);
    seen_[0] = seen_[1] = true;
    if (auto wrong = walk_table(newest().main, true); !wrong.empty())
      return wrong;
    if (auto wrong = walk_table(newest().free_pages, false); !wrong.empty())
      return wrong;
    if (auto wrong = check_free_pages(); !wrong.empty())
      return wrong;
    return check_last_page();
  }

  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> transactions() const {
    return {metas_[0].transaction, metas_[1].transaction};
  }

  std::string read_metas() {
    std::string bytes;
    if (!file_.read(0, page_header_bytes + sizeof(meta), bytes))
      return "the file is cut off";
    metas_[0] = at<meta>(bytes, page_header_bytes);
    const bool sound_0 = is_meta_page(bytes, 0);
    page_size_ = metas_[0].free_pages.page_size;
    if (metas_[0].magic != 0xBEEFC0DE || metas_[0].version != 1)
      return "it is not a file of ours";
    if (page_size_ < 512 || page_size_ > page_size_max
        || (page_size_ & (page_size_ - 1)) != 0)
      return "page 0 is damaged";
    if (!file_.read(page_size_, page_header_bytes + sizeof(meta), bytes))
      return "the file is cut off";
    metas_[1] = at<meta>(bytes, page_header_bytes);
    const bool sound_1 = is_meta_page(bytes, 1);
    const auto [a, b] = transactions();
    // Each transaction writes the page of its own parity.
    if (metas_[1].magic != metas_[0].magic
        || metas_[1].version != metas_[0].version
        || metas_[1].free_pages.page_size != page_size_
        || (a != b && (a % 2 != 0 || b % 2 != 1)) || (a == b && a != 0)
        || (a > b ? a - b : b - a) > 1)
      return "pages 0 and 1 contradict each other";
    const meta& now = newest();
    if (!sound_0 || !sound_1 || now.last_page < 1 || now.last_page >> 47U != 0
        || older().last_page > now.last_page
        || now.free_pages.flags != number_keys || now.main.page_size != 0
        || now.main.flags != 0 || now.map_size > map_size_max
        || now.map_size / page_size_ <= now.last_page)
      return "page 0 or 1 is damaged";
    return {};
  }

private:
  [[nodiscard]] const meta& newest() const {
    return metas_[metas_[1].transaction > metas_[0].transaction ? 1 : 0];
  }
  [[nodiscard]] const meta& older() const {
    return metas_[metas_[1].transaction > metas_[0].transaction ? 0 : 1];
  }

  static bool is_meta_page(std::string_view bytes, std::uint64_t number) {
    return at<std::uint64_t>(bytes, 0) == number
           && at<std::uint16_t>(bytes, 10) == meta_page
           && at<meta>(bytes, page_header_bytes).address == 0;
  }

  struct counts {
    std::uint64_t branch_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;
    /// The next key in order lies behind it, or is equal where a branch has
    /// named it.
    std::string last_key;
    bool any_key = false;
    bool may_repeat = false;
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
      return what.entries == 0 && what.depth == 0 && what.branch_pages == 0
                     && what.leaf_pages == 0 && what.overflow_pages == 0
                 ? ""
                 : "a table lost its root";
    counts found;
    if (what.depth == 0 || what.depth > depth_max)
      return "a table has an impossible depth";
    if (auto wrong = walk_page(what.root, what.depth, user_keys, found);
        !wrong.empty())
      return wrong;
    if ((deep_ || !inside_table_)
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
        || flags != (leaf ? leaf_page : branch_page)
        || lower < page_header_bytes || lower % 2 != 0 || lower > upper
        || upper > page_size_)
      return damaged(page);
    const std::size_t count = (lower - page_header_bytes) / 2U;
    if (count == 0 || (!leaf && count < 2) || !nodes_fill(bytes, count, leaf))
      return damaged(page);
    ++(leaf ? found.leaf_pages : found.branch_pages);
    for (std::size_t i = 0; i < count; ++i) {
      const auto position = at<std::uint16_t>(bytes, page_header_bytes + 2 * i);
      const std::string_view node = std::string_view{bytes}.substr(position);
      if (leaf) {
        if (auto wrong = walk_entry(page, node, user_keys, found);
            !wrong.empty())
          return wrong;
      } else {
        // What the first node of a branch has for a key is never looked at.
        if (i > 0 && !take_key(key_in(node, user_keys), user_keys, true, found))
          return damaged(page);
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

  /// Whether the nodes lie one behind the other from the upper bound to the
  /// end of the page, as LMDB keeps them: it moves them by their sizes.
  bool nodes_fill(std::string_view page, std::size_t count, bool leaf) const {
    std::vector<std::uint16_t> places;
    for (std::size_t i = 0; i < count; ++i)
      places.push_back(at<std::uint16_t>(page, page_header_bytes + 2 * i));
    std::sort(places.begin(), places.end());
    std::size_t expected = at<std::uint16_t>(page, 14);
    for (const std::uint16_t place : places) {
      if (place != expected || place + node_header_bytes > page_size_)
        return false;
      const std::string_view node = page.substr(place);
      std::size_t size = node_header_bytes + at<std::uint16_t>(node, 6);
      if (leaf)
        size += (at<std::uint16_t>(node, 4) & big_data_node) != 0
                    ? sizeof(std::uint64_t)
                    : at<std::uint32_t>(node, 0);
      expected += size + size % 2;
    }
    return expected == page_size_;
  }

  static std::string key_in(std::string_view node, bool user_keys) {
    std::string key{node.substr(node_header_bytes, at<std::uint16_t>(node, 6))};
    if (!user_keys) // numbers in the machine's order
      std::reverse(key.begin(), key.end());
    return key;
  }

  /// False where the key is out of order, or no key of such a table.
  static bool take_key(std::string key, bool user_keys, bool from_branch,
                       counts& found) {
    if (user_keys ? key.empty() : key.size() != sizeof(std::uint64_t))
      return false;
    if (found.any_key
        && (found.may_repeat ? key < found.last_key : key <= found.last_key))
      return false;
    found.last_key = std::move(key);
    found.any_key = true;
    found.may_repeat = from_branch;
    return true;
  }

  std::string walk_entry(std::uint64_t page, std::string_view node,
                         bool user_keys, counts& found) {
    const auto size = at<std::uint32_t>(node, 0);
    const auto flags = at<std::uint16_t>(node, 4);
    const auto key_size = at<std::uint16_t>(node, 6);
    const bool of_tables = user_keys && !inside_table_;
    if (!take_key(key_in(node, user_keys), user_keys, false, found)
        || (of_tables ? flags != table_node : (flags & ~big_data_node) != 0))
      return damaged(page);
    ++found.entries;
    std::string_view data = node.substr(node_header_bytes + key_size);
    std::string far;
    if ((flags & big_data_node) != 0) {
      const auto first = at<std::uint64_t>(data, 0);
      std::uint64_t count =
          (page_header_bytes + std::uint64_t{size} + page_size_ - 1)
          / page_size_;
      if (first >= page_count_)
        return "the file is cut off before page " + std::to_string(first);
      if (!user_keys) {
        if (auto wrong = read_list(first, size, count, far); !wrong.empty())
          return wrong;
        data = far;
      }
      for (std::uint64_t i = 0; i < count; ++i)
        if (!take(first + i))
          return first + i >= page_count_ ? "the file is cut off before page "
                                                + std::to_string(first + i)
                                          : damaged(page);
      found.overflow_pages += count;
    }
    if (!user_keys)
      return collect_free_pages(page, found.last_key, data.substr(0, size));
    if (!of_tables)
      return {};
    if (size != sizeof(table))
      return damaged(page);
    const auto inner = at<table>(data, 0);
    if (inner.page_size != 0 || inner.flags != 0)
      return damaged(page);
    inside_table_ = true;
    auto wrong = walk_table(inner, true);
    inside_table_ = false;
    return wrong;
  }

  /// A large list of free pages. LMDB shortens it in place and keeps its pages:
  /// `count`, how many its size needs, becomes how many it has.
  std::string read_list(std::uint64_t first, std::size_t size,
                        std::uint64_t& count, std::string& into) const {
    std::string head;
    if (!file_.read(first * page_size_, page_header_bytes, head)
        || at<std::uint64_t>(head, 0) != first
        || at<std::uint16_t>(head, 10) != overflow_page
        || at<std::uint32_t>(head, 12) < count
        || !file_.read(first * page_size_ + page_header_bytes, size, into))
      return damaged(first);
    count = at<std::uint32_t>(head, 12);
    return {};
  }

  /// @param freed_by the transaction that freed them, the key's last byte first
  std::string collect_free_pages(std::uint64_t page, std::string freed_by,
                                 std::string_view list) {
    std::reverse(freed_by.begin(), freed_by.end());
    const auto transaction = at<std::uint64_t>(freed_by, 0);
    if (list.size() < 8 || transaction == 0
        || transaction > newest().transaction)
      return damaged(page);
    const auto count = at<std::uint64_t>(list, 0);
    if (count > list.size() / 8 - 1)
      return damaged(page);
    std::uint64_t last = no_page; // LMDB merges lists that fall
    for (std::uint64_t i = 0; i < count; ++i) {
      free_.push_back(at<std::uint64_t>(list, 8 + 8 * i));
      if (free_.back() >= last)
        return damaged(page);
      last = free_.back();
    }
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

  /// LMDB takes new pages behind the last one. That one is in use, or free:
  /// a number that is neither would let it grow into nowhere.
  std::string check_last_page() const {
    const std::uint64_t last = newest().last_page;
    const bool is_free =
        std::find(free_.begin(), free_.end(), last) != free_.end();
    const bool in_use = last < page_count_ && (seen_[last] || !deep_);
    return is_free || in_use ? "" : "page 0 or 1 is damaged";
  }

  /// Each state of the file has the number of the transaction that made it in
  /// one of its tables. LMDB itself has only those of its two first pages, and
  /// a wrong one there takes the file back to the state before, in silence.
  std::string check_transactions() const {
    for (const meta& each : metas_) {
      if (each.transaction == 0)
        continue;
      const auto in_table = find(each.main, transaction_table);
      if (!in_table || in_table->size() != sizeof(table))
        continue; // the walk says what is wrong, if it is ours
      const auto number = find(at<table>(*in_table, 0), transaction_key);
      if (number && number->size() >= sizeof(std::uint64_t)
          && at<std::uint64_t>(*number, 0) != each.transaction)
        return "page 0 or 1 names a transaction that is not its own";
    }
    return {};
  }

  /// A small value; nothing where there is none or the way to it is damaged.
  std::optional<std::string> find(const table& in, std::string_view key) const {
    std::uint64_t page = in.root;
    std::string bytes;
    for (unsigned depth = in.depth; depth > 0 && depth <= depth_max; --depth) {
      if (page >= file_.size() / page_size_
          || !file_.read(page * page_size_, page_size_, bytes))
        return std::nullopt;
      const auto lower = at<std::uint16_t>(bytes, 12);
      const std::size_t count =
          (std::max<std::size_t>(lower, page_header_bytes) - page_header_bytes)
          / 2U;
      const bool leaf = depth == 1;
      if (lower > page_size_ || count == 0 || !nodes_fill(bytes, count, leaf))
        return std::nullopt;
      std::optional<std::string_view> chosen;
      for (std::size_t i = 0; i < count; ++i) {
        const std::string_view node = std::string_view{bytes}.substr(
            at<std::uint16_t>(bytes, page_header_bytes + 2 * i));
        const std::string here = key_in(node, true);
        if (leaf ? here == key : i == 0 || here <= key)
          chosen = node;
      }
      if (!chosen)
        return std::nullopt;
      if (leaf)
        return std::string{
            chosen->substr(node_header_bytes + at<std::uint16_t>(*chosen, 6),
                           at<std::uint32_t>(*chosen, 0))};
      page = at<std::uint32_t>(*chosen, 0)
             | std::uint64_t{at<std::uint16_t>(*chosen, 4)} << 32U;
    }
    return std::nullopt;
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
