#include "bridges/ledger/file_crash_ledger.hpp"

#include "bridges/ledger/suspect_list.hpp"
#include "runtime/base/assert.hpp"
#include "runtime/base/hash.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace freehold::bridges::ledger {

namespace {

using suspect = ports::crash_ledger::suspect;

constexpr char magic[8] = {'F', 'H', 'C', 'R', 'A', 'S', 'H', 0};
constexpr std::uint32_t version = 2;

struct file_header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t slots;
  std::uint32_t topics;
  std::uint32_t suspects;
  std::uint64_t bytes;
  std::uint32_t checksum;
};
constexpr std::size_t checked_bytes = 32;
static_assert(offsetof(file_header, checksum) == checked_bytes);

/// Each slot has a cache line of its own.
constexpr std::size_t slot_bytes = 64;
constexpr std::size_t slots_at = 64;
static_assert(sizeof(file_header) <= slots_at);
static_assert(
    sizeof(ports::crash_slot) == 16
        && std::is_trivially_destructible_v<
            ports::
                crash_slot> && std::atomic<std::uint64_t>::is_always_lock_free,
    "slots are mapped: two plain words");

struct file_text {
  std::uint32_t size;
  std::uint32_t place;
};

struct file_suspect {
  std::uint32_t deaths;
  std::uint32_t partition;
  std::int64_t offset;
  file_text topic;
  /// Of the fields in front. No flipped bit may convict another record, or one
  /// that was acquitted.
  std::uint32_t checksum;
  std::uint32_t unused;
};
static_assert(sizeof(file_suspect) == 32);
constexpr std::size_t suspect_checked_bytes = 24;
static_assert(offsetof(file_suspect, checksum) == suspect_checked_bytes);

void seal(file_suspect& one) {
  one.checksum =
      crc32c({reinterpret_cast<const char*>(&one), suspect_checked_bytes});
}

bool is_sound(file_suspect one) {
  const std::uint32_t stored = one.checksum;
  seal(one);
  return one.checksum == stored;
}

/// Nobody has more; it bounds what a damaged header makes us read.
constexpr std::uint64_t file_bytes_max = std::uint64_t{16} << 20U;

struct places {
  std::uint64_t suspects = 0;
  std::uint64_t topics = 0;
  std::uint64_t texts = 0;
};

places places_of(const file_header& header) {
  places at;
  at.suspects = slots_at + std::uint64_t{header.slots} * slot_bytes;
  at.topics =
      at.suspects + std::uint64_t{header.suspects} * sizeof(file_suspect);
  at.texts = at.topics + std::uint64_t{header.topics} * sizeof(file_text);
  return at;
}

template <class T>
T read_at(const std::string& bytes, std::uint64_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <class T>
void write_at(std::string& bytes, std::uint64_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

std::uint32_t checksum_of(std::string_view bytes, std::uint64_t texts) {
  return crc32c(bytes.substr(texts), crc32c(bytes.substr(0, checked_bytes)));
}

struct content {
  std::vector<internal::last_words> slots;
  std::vector<suspect> suspects;
  std::vector<std::string> topics;
  std::size_t damaged_count = 0;
};

/// Nothing for bytes that are no ledger.
std::optional<content> parse(const std::string& bytes) {
  if (bytes.size() < slots_at)
    return std::nullopt;
  const auto header = read_at<file_header>(bytes, 0);
  const places at = places_of(header);
  if (std::memcmp(header.magic, magic, sizeof magic) != 0
      || header.version != version || header.bytes != bytes.size()
      || at.texts > bytes.size()
      || header.checksum != checksum_of(bytes, at.texts))
    return std::nullopt;
  const auto text = [&](file_text where) -> std::optional<std::string> {
    const std::uint64_t from = at.texts + where.place;
    if (from + where.size > bytes.size())
      return std::nullopt;
    return bytes.substr(from, where.size);
  };
  content found;
  for (std::uint64_t i = 0; i < header.slots; ++i) {
    const std::uint64_t slot = slots_at + i * slot_bytes;
    found.slots.push_back({read_at<std::uint64_t>(bytes, slot),
                           read_at<std::int64_t>(bytes, slot + 8)});
  }
  for (std::uint64_t i = 0; i < header.suspects; ++i) {
    const auto one =
        read_at<file_suspect>(bytes, at.suspects + i * sizeof(file_suspect));
    // An acquittal that the process did not outlive may lack its checksum.
    if (one.deaths == 0)
      continue;
    auto topic = text(one.topic);
    if (!is_sound(one) || !topic)
      ++found.damaged_count;
    else
      found.suspects.push_back({*std::move(topic),
                                partition_index{one.partition}, one.offset,
                                one.deaths});
  }
  for (std::uint64_t i = 0; i < header.topics; ++i) {
    auto topic =
        text(read_at<file_text>(bytes, at.topics + i * sizeof(file_text)));
    if (!topic)
      return std::nullopt;
    found.topics.push_back(*std::move(topic));
  }
  return found;
}

std::string form(const std::vector<suspect>& suspects,
                 const std::vector<std::string>& topics,
                 std::uint32_t worker_count) {
  file_header header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.version = version;
  header.slots = worker_count;
  header.topics = static_cast<std::uint32_t>(topics.size());
  header.suspects = static_cast<std::uint32_t>(suspects.size());
  const places at = places_of(header);
  std::string texts;
  const auto keep = [&texts](const std::string& text) {
    const file_text where{static_cast<std::uint32_t>(text.size()),
                          static_cast<std::uint32_t>(texts.size())};
    texts.append(text);
    return where;
  };
  std::string bytes(at.texts, '\0');
  const ports::crash_slot empty;
  for (std::uint64_t i = 0; i < worker_count; ++i)
    write_at(bytes, slots_at + i * slot_bytes, empty.source.load());
  for (std::size_t i = 0; i < suspects.size(); ++i) {
    file_suspect one{suspects[i].deaths,
                     suspects[i].partition.value(),
                     suspects[i].offset,
                     keep(suspects[i].topic),
                     0,
                     0};
    seal(one);
    write_at(bytes, at.suspects + i * sizeof(file_suspect), one);
  }
  for (std::size_t i = 0; i < topics.size(); ++i)
    write_at(bytes, at.topics + i * sizeof(file_text), keep(topics[i]));
  bytes.append(texts);
  header.bytes = bytes.size();
  write_at(bytes, 0, header);
  header.checksum = checksum_of(bytes, at.texts);
  write_at(bytes, 0, header);
  return bytes;
}

error system_error(std::string doing, const std::filesystem::path& file) {
  return {errc::unavailable,
          std::move(doing) + " " + file.string() + ": " + std::strerror(errno)};
}

/// Closes a file descriptor whatever happens.
class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

private:
  int fd_;
};

result<void> write_all(int fd, std::string_view bytes,
                       const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return system_error("cannot write", file);
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

} // namespace

result<std::unique_ptr<file_crash_ledger>>
file_crash_ledger::open(const std::filesystem::path& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed)
    return error{errc::unavailable, "cannot make the directory "
                                        + directory.string() + ": "
                                        + failed.message()};
  std::unique_ptr<file_crash_ledger> made{
      new file_crash_ledger{directory / file_name}};
  made->read();
  return made;
}

file_crash_ledger::~file_crash_ledger() { unmap(); }

void file_crash_ledger::read() {
  std::error_code failed;
  const auto size = std::filesystem::file_size(file_, failed);
  if (failed)
    return; // the first life here
  std::optional<content> found;
  if (size <= file_bytes_max) {
    std::ifstream in{file_, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    found = parse(bytes);
  }
  if (!found) {
    warnings_.push_back(
        "The crash ledger " + file_.string()
        + " is damaged or of another version. It begins afresh: how often a "
          "record has killed the process is counted from 0 again.");
    return;
  }
  if (found->damaged_count > 0)
    warnings_.push_back(
        "The crash ledger " + file_.string() + " is damaged in "
        + std::to_string(found->damaged_count)
        + " of its suspects. They are forgotten: how often such a record has "
          "killed the process is counted from 0 again.");
  suspects_ = std::move(found->suspects);
  internal::add_deaths(suspects_, found->slots, found->topics);
}

std::vector<suspect>
file_crash_ledger::begin(const std::vector<std::string>& topics,
                         std::uint32_t worker_count) {
  FREEHOLD_ASSERT(mapped_ == nullptr && slots_in_memory_.empty(),
                  "a life begins once");
  const std::lock_guard lock{gate_};
  slot_count_ = worker_count;
  if (const auto written = write(topics, worker_count); !written) {
    warnings_.push_back("Crashes are not remembered beyond this process: "
                        + written.error().context + ".");
    for (std::uint32_t i = 0; i < worker_count; ++i)
      slots_in_memory_.push_back(std::make_unique<ports::crash_slot>());
  }
  return suspects_;
}

result<void> file_crash_ledger::write(const std::vector<std::string>& topics,
                                      std::uint32_t worker_count) {
  const std::string bytes = form(suspects_, topics, worker_count);
  auto fresh = file_;
  fresh += ".new";
  const descriptor fd{
      ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (fd.get() < 0)
    return system_error("cannot open", fresh);
  if (auto written = write_all(fd.get(), bytes, fresh); !written)
    return written;
  void* const mapped = ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED)
    return system_error("cannot map", fresh);
  mapped_ = static_cast<char*>(mapped);
  mapped_bytes_ = bytes.size();
  if (::rename(fresh.c_str(), file_.c_str()) != 0) {
    auto why = system_error("cannot rename to", file_);
    unmap();
    return why;
  }
  for (std::uint32_t i = 0; i < worker_count; ++i)
    ::new (mapped_ + slots_at + i * slot_bytes) ports::crash_slot{};
  return {};
}

void file_crash_ledger::unmap() noexcept {
  if (mapped_ != nullptr)
    ::munmap(std::exchange(mapped_, nullptr), mapped_bytes_);
}

ports::crash_slot& file_crash_ledger::slot(worker_index worker) {
  FREEHOLD_ASSERT(worker.value() < slot_count_, "a worker of this life");
  if (mapped_ == nullptr)
    return *slots_in_memory_[worker.value()];
  return *std::launder(reinterpret_cast<ports::crash_slot*>(
      mapped_ + slots_at + worker.value() * slot_bytes));
}

void file_crash_ledger::acquit(const suspect& whom) {
  const std::lock_guard lock{gate_};
  for (std::size_t i = 0; i < suspects_.size(); ++i) {
    if (!internal::same_record(suspects_[i], whom))
      continue;
    suspects_[i].deaths = 0;
    if (mapped_ == nullptr)
      return;
    char* const at = mapped_ + slots_at + slot_count_ * slot_bytes
                     + i * sizeof(file_suspect);
    file_suspect one{};
    std::memcpy(&one, at, sizeof one);
    one.deaths = 0;
    seal(one);
    // First what acquits by itself, then what no flipped bit gets past.
    std::memcpy(at, &one.deaths, sizeof one.deaths);
    std::memcpy(at + suspect_checked_bytes, &one.checksum, sizeof one.checksum);
    return;
  }
}

} // namespace freehold::bridges::ledger
