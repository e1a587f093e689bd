// SPDX-License-Identifier: Apache-2.0
#include "cli/seen_forks.hpp"

#include "core/codec/event_codec.hpp"
#include "rpc/value.hpp"

namespace sluice::cli {

std::vector<SeenFork> seen_forks(storage::LogReader& log, std::size_t most) {
  std::vector<SeenFork> forks;
  const core::StreamName stream{std::string(core::kReservedCategory), "fork"};
  for (std::uint64_t from = 1;;) {
    const auto page = log.read_stream(stream, from, core::limits::kReaderRows);
    if (!page || page->empty()) break;
    for (const storage::Record& record : *page) {
      const auto event = codec::decode_event(record.body);
      if (!event) return forks;
      from = event->version + 1;
      const auto map = rpc::Value::parse(event->data);
      if (event->type != "ForkSeen" || !map) continue;
      const auto text = [&](const char* key) {
        return std::string(map->find(key).text().value_or(""));
      };
      forks.insert(forks.begin(), {text("kind"), text("lane"), text("words"), text("do"),
                                   event->recorded.wall_ns});
      if (forks.size() > most) forks.pop_back();
    }
  }
  return forks;
}

}  // namespace sluice::cli
