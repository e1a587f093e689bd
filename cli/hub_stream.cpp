// SPDX-License-Identifier: Apache-2.0
#include "cli/hub_stream.hpp"

#include <chrono>

#include "core/subject.hpp"

namespace sluice::cli {

core::Result<void> read_hub_stream(
    nats::Connection& connection, const std::string& shard, const std::string& filter,
    Progress& progress, const std::string& remark,
    const std::function<core::Result<void>(const nats::Pulled&)>& each) {
  nats::PullOptions options;
  options.hub_stream = core::hub_stream_name(shard);
  options.filter = filter;
  auto consumer = nats::PullConsumer::create(connection, options);
  if (!consumer) return consumer.error();
  std::uint64_t left = (*consumer)->pending();
  std::uint64_t count = 0;
  while (left > 0) {
    const auto batch = (*consumer)->next(std::chrono::seconds(10));
    if (!batch) return batch.error();
    if (batch->empty())
      return core::fail(core::Errc::kUnavailable,
                        "the hub stream stopped giving messages before its end");
    for (const nats::Pulled& one : *batch) {
      left = one.pending;
      SLUICE_TRY(each(one));
    }
    progress.advance_to(count += batch->size(), remark);
  }
  return {};
}

}  // namespace sluice::cli
