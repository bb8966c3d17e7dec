#include "tests/testkit/simulation/kafka_marks.hpp"

namespace freehold::simulation {

std::string_view name_of(kafka_mark which) noexcept {
  switch (which) {
  case kafka_mark::batch_repeated:
    return "a batch came twice";
  case kafka_mark::old_epoch_refused:
    return "a request of an old epoch was refused";
  case kafka_mark::late_end_refused:
    return "a late end of a transaction was refused";
  case kafka_mark::aborted_by_next_life:
    return "a producer that began anew aborted its transaction";
  case kafka_mark::aborted_by_coordinator:
    return "the coordinator aborted a transaction";
  case kafka_mark::markers_awaited:
    return "somebody waited for the markers of a transaction";
  case kafka_mark::reader_stopped:
    return "a reader stopped at an open transaction";
  case kafka_mark::torn_view:
    return "a transaction was visible in one partition and not in another";
  case kafka_mark::offsets_unstable:
    return "a shard was not taken until its offsets were stable";
  case kafka_mark::old_generation_refused:
    return "offsets of an old generation were refused";
  case kafka_mark::stranger_refused:
    return "offsets of somebody who is no member were refused";
  case kafka_mark::member_expired:
    return "a member was given up";
  case kafka_mark::member_replaced:
    return "a static member came back";
  case kafka_mark::late_join:
    return "a late join put out the process after it";
  case kafka_mark::rebalanced:
    return "the group rebalanced";
  case kafka_mark::shard_moved:
    return "a shard went to another member";
  case kafka_mark::taking_given_up:
    return "a shard went away while it was taken";
  case kafka_mark::unit_without_shard:
    return "a unit was given up because its shard was gone";
  case kafka_mark::commit_unknown:
    return "a commit's outcome was unknown";
  case kafka_mark::out_of_range:
    return "a reader asked for what was deleted";
  case kafka_mark::read_from_copy:
    return "a changelog was read from the local copy";
  case kafka_mark::copy_discarded:
    return "a local copy was too old to be of use";
  }
  return "?";
}

} // namespace freehold::simulation
