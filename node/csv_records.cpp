#include "node/csv_records.hpp"

#include <algorithm>

namespace freehold::node::internal {

namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;

} // namespace

/// Makes at least `size` untaken bytes available, if the file has them.
bool csv_records::fill(std::size_t size) {
  if (buffer_.size() - begin_ >= size)
    return true;
  if (!stream_.good())
    return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  while (buffer_.size() < size && stream_.good()) {
    const std::size_t before = buffer_.size();
    buffer_.resize(before + chunk_bytes);
    stream_.read(buffer_.data() + before, chunk_bytes);
    buffer_.resize(before + static_cast<std::size_t>(stream_.gcount()));
  }
  return buffer_.size() >= size;
}

bool csv_records::skip(std::string_view bytes) {
  if (!fill(bytes.size())
      || std::string_view{buffer_}.substr(begin_, bytes.size()) != bytes)
    return false;
  begin_ += bytes.size();
  return true;
}

bool csv_records::next(csv_record& into) {
  for (;;) {
    // One byte more, so that a record of exactly the bound is seen to end.
    fill(record_bytes_max + 2);
    if (begin_ == buffer_.size())
      return false;
    const std::string_view left = std::string_view{buffer_}.substr(begin_);
    const std::size_t empty = left.starts_with("\r\n") ? 2
                              : left.starts_with('\n') ? 1
                                                       : 0;
    if (empty == 0)
      break;
    begin_ += empty;
    ++line_;
  }
  parse(into);
  // Where reading failed, the last record may be half of one.
  return !(is_broken() && begin_ == buffer_.size());
}

/// Gives up on the record and goes on behind the line it begins in.
void csv_records::drop_line(csv_record& into, std::string fault) {
  into.fields.clear();
  into.fault = std::move(fault);
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_);
    if (end != std::string::npos) {
      begin_ = end + 1;
      ++line_;
      return;
    }
    begin_ = buffer_.size();
    if (!fill(1))
      return;
  }
}

/// Reads a field from behind its opening quote to behind its closing one.
bool csv_records::parse_quoted(std::size_t& at, std::string& field,
                               csv_record& into) {
  const std::size_t limit =
      std::min(buffer_.size(), begin_ + record_bytes_max + 1);
  for (; at < limit; ++at) {
    if (buffer_[at] != '"') {
      field += buffer_[at];
      continue;
    }
    ++at;
    if (at < buffer_.size() && buffer_[at] == '"') {
      field += '"';
      continue;
    }
    const std::string_view rest = std::string_view{buffer_}.substr(at);
    if (rest.empty() || rest.front() == ',' || rest.front() == '\n'
        || rest.starts_with("\r\n") || rest == "\r")
      return true;
    drop_line(into, "text follows a closing quote; a quote inside a quoted "
                    "field is written twice");
    return false;
  }
  drop_line(into, limit == buffer_.size()
                      ? "a quote is never closed"
                      : "a quote is not closed within 64 KiB");
  return false;
}

void csv_records::parse(csv_record& into) {
  into.line = line_;
  into.fields.clear();
  into.fault.clear();
  std::size_t at = begin_;
  for (;;) {
    std::string field;
    if (at < buffer_.size() && buffer_[at] == '"') {
      ++at;
      if (!parse_quoted(at, field, into))
        return;
    } else {
      const std::size_t end =
          std::min(buffer_.find_first_of(",\n", at), buffer_.size());
      if (end - begin_ > record_bytes_max)
        return drop_line(into, "is longer than 64 KiB");
      field.assign(buffer_, at, end - at);
      at = end;
      const bool ends_line = at == buffer_.size() || buffer_[at] == '\n';
      if (ends_line && field.ends_with('\r'))
        field.pop_back();
    }
    into.fields.push_back(std::move(field));
    if (at >= buffer_.size() || buffer_[at] != ',')
      break;
    ++at;
  }
  if (at < buffer_.size() && buffer_[at] == '\r')
    ++at;
  if (at < buffer_.size())
    ++at; // the line feed
  const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
  const auto last = buffer_.begin() + static_cast<std::ptrdiff_t>(at);
  line_ += static_cast<std::uint64_t>(std::count(first, last, '\n'));
  begin_ = at;
}

} // namespace freehold::node::internal
