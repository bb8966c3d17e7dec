#pragma once

#include "runtime/base/assert.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace freehold::engine {

/// Bytes that live as long as their unit: appended by bump, taken back to a
/// mark when a message fails, emptied as a whole and used again. What it hands
/// out stays where it is.
class arena {
public:
  struct mark {
    std::size_t chunk = 0;
    std::size_t used = 0;
    std::size_t bytes = 0;
  };

  /// Empty chunks are kept for the next unit up to this many bytes.
  static constexpr std::size_t kept_bytes_max = std::size_t{16} << 20U;

  /// Copies `bytes` in. The view is valid until the mark before it is
  /// restored or the arena is cleared. Never null, also for no bytes.
  std::string_view copy(std::string_view bytes) {
    char* at = allocate(bytes.size());
    if (!bytes.empty())
      std::memcpy(at, bytes.data(), bytes.size());
    return {at, bytes.size()};
  }

  char* allocate(std::size_t size) {
    while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < size) {
      ++chunk_;
      used_ = 0;
    }
    if (chunk_ == chunks_.size()) {
      const std::size_t room = size > chunk_size ? size : chunk_size;
      chunks_.push_back({std::make_unique_for_overwrite<char[]>(room), room});
    }
    char* at = chunks_[chunk_].bytes.get() + used_;
    used_ += size;
    bytes_ += size;
    return at;
  }

  /// What was handed out and not taken back.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_; }

  [[nodiscard]] mark here() const noexcept { return {chunk_, used_, bytes_}; }
  void back_to(mark to) noexcept {
    chunk_ = to.chunk;
    used_ = to.used;
    bytes_ = to.bytes;
  }

  /// Forgets the content, keeps memory up to `kept_bytes_max`.
  void clear() {
    std::size_t kept = 0;
    std::size_t count = 0;
    while (count < chunks_.size()
           && kept + chunks_[count].size <= kept_bytes_max)
      kept += chunks_[count++].size;
    chunks_.resize(count);
    back_to({});
  }

private:
  struct chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };

  static constexpr std::size_t chunk_size = std::size_t{64} << 10U;

  std::vector<chunk> chunks_;
  std::size_t chunk_ = 0;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace freehold::engine
