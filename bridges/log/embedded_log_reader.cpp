#include "bridges/log/embedded_log_reader.hpp"

#include <utility>

namespace freehold::bridges::log {

result<std::unique_ptr<embedded_log_reader>>
embedded_log_reader::open(const std::filesystem::path& directory) {
  auto store =
      lmdb_store::open({.directory = directory, .mode = store_mode::read});
  if (!store)
    return store.error();
  return std::unique_ptr<embedded_log_reader>{
      new embedded_log_reader{*std::move(store)}};
}

result<std::vector<ports::topic_description>> embedded_log_reader::topics() {
  return store_->topics();
}

result<ports::record_batch_ptr>
embedded_log_reader::read(topic_partition source, next_offset from,
                          std::uint32_t bytes_max) {
  return store_->read({source.topic.value(), source.partition.value()}, from,
                      bytes_max, source);
}

} // namespace freehold::bridges::log
