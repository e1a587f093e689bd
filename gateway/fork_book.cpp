// SPDX-License-Identifier: Apache-2.0
#include "gateway/fork_book.hpp"

#include "core/codec/event_codec.hpp"
#include "rpc/value.hpp"

namespace sluice::gateway {

void ForkBook::load(storage::EventLog& log) {
  seen_.clear();
  const core::StreamName stream{std::string(core::kReservedCategory), std::string(kEntity)};
  for (std::uint64_t from = 1;;) {
    const auto page = log.read_stream(stream, from, core::limits::kReaderRows);
    if (!page || page->empty()) return;
    for (const storage::Record& record : *page) {
      const auto event = codec::decode_event(record.body);
      if (!event) return;
      from = event->version + 1;
      if (event->type == kType) note(event->data, event->recorded.wall_ns);
    }
  }
}

void ForkBook::note(std::string_view data, std::int64_t wall_ns) {
  const auto map = rpc::Value::parse(data);
  if (!map || map->kind() != rpc::Value::Kind::kMap) return;
  const auto text = [&](const char* key) {
    return std::string(map->find(key).text().value_or(""));
  };
  seen_.push_front({text("kind"), text("lane"), text("words"), text("do"), wall_ns});
  if (seen_.size() > kKept) seen_.pop_back();
}

void ForkBook::pack(rpc::Packer& out) const {
  out.array(seen_.size());
  for (const Fork& fork : seen_) {
    out.map(5).text("kind").text(fork.kind).text("lane").text(fork.lane);
    out.text("words").text(fork.words).text("do").text(fork.what_to_do);
    out.text("at_ns").integer(fork.wall_ns);
  }
}

std::string ForkBook::data_of(std::string_view kind, std::string_view lane, std::string_view words,
                              std::string_view what_to_do) {
  rpc::Packer out;
  out.map(lane.empty() ? 3 : 4).text("kind").text(kind);
  if (!lane.empty()) out.text("lane").text(lane);
  out.text("words").text(words).text("do").text(what_to_do);
  return out.take();
}

}  // namespace sluice::gateway
