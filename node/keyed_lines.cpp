#include "node/keyed_lines.hpp"

#include "runtime/codec/json_writer.hpp"

#include <algorithm>

namespace freehold::node {

namespace {

std::string_view split(std::string_view line, keyed_line& into) {
  const std::size_t tab = line.find('\t');
  if (tab == std::string_view::npos)
    return "it has no tab between a key and a value";
  into.key = line.substr(0, tab);
  into.value = line.substr(tab + 1);
  if (into.key.empty())
    return "its key, in front of the tab, is empty";
  if (into.value.empty())
    return "its value, behind the tab, is empty";
  if (!codec::is_utf8(into.key))
    return "its key is not UTF-8";
  if (!codec::is_utf8(into.value))
    return "its value is not UTF-8";
  return {};
}

} // namespace

void keyed_lines::give(std::string_view bytes) {
  bytes_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  bytes_.append(bytes);
}

bool keyed_lines::next(keyed_line& into) {
  for (;;) {
    std::size_t end = bytes_.find('\n', searched_);
    const bool is_complete = end != std::string::npos;
    end = std::min(end, bytes_.size());
    searched_ = end;
    const bool is_too_long = end - begin_ > line_bytes_max_;
    const bool is_last = ended_ && !is_complete && end > begin_;
    if (!is_complete && !is_last && !is_too_long) {
      if (skipping_)
        begin_ = end;
      return false;
    }
    const std::string_view line =
        std::string_view{bytes_}.substr(begin_, end - begin_);
    begin_ = searched_ = end + (is_complete ? 1 : 0);
    if (skipping_) {
      skipping_ = !is_complete;
      continue;
    }
    into = {};
    into.number = ++number_;
    if (is_too_long) {
      skipping_ = !is_complete;
      into.fault = "it is longer than a record may be";
    } else {
      into.fault = split(line, into);
    }
    return true;
  }
}

} // namespace freehold::node
