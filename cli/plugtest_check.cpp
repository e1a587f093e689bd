// SPDX-License-Identifier: Apache-2.0
#include "cli/plugtest_check.hpp"

#include <map>
#include <utility>

#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "rpc/value.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kPage = 256;

Kept kept_of(const core::EventView& event) {
  const auto n = rpc::Value::trusted(event.data).find("n").unsigned_integer();
  return {event.id, n.value_or(0), event.epoch, event.seq};
}

struct StreamContent {
  std::vector<Kept> kept;
  std::optional<core::Uuid> boot;  // of its last event
};

Result<StreamContent> read_stream(const Round& round, EventSource& source) {
  const auto name = core::StreamName::parse(round.stream);
  if (!name) return name.error();
  StreamContent out;
  for (std::uint64_t from = 1;;) {
    const auto page = source.stream(*name, from, kPage);
    if (!page) return page.error();
    if (page->bodies.empty()) return out;
    for (const std::string& body : page->bodies) {
      const auto event = codec::decode_event(body);
      if (!event) return event.error();
      out.kept.push_back(kept_of(*event));
      out.boot = event->recorded.boot;
    }
    from = page->next;
  }
}

// The start that follows the round's last event in its lane, if there was one.
Result<Ending> find_ending(const Round& round, const StreamContent& content, EventSource& source) {
  if (round.notes.empty()) return Ending::kNone;
  const Note& last = round.notes.back();
  const auto bounds = source.bounds(last.lane);
  if (!bounds) return bounds.error();
  const bool is_there = !content.kept.empty() && content.kept.back().seq >= last.seq;
  // A log that lost the round's events has given their seqs to others: look at all that it has.
  for (core::Seq at = is_there ? last.seq + 1 : bounds->first; at <= bounds->last;) {
    const auto page = source.lane(last.lane, at, kPage);
    if (!page) return page.error();
    if (page->bodies.empty()) break;
    for (const std::string& body : page->bodies) {
      const auto event = codec::decode_event(body);
      if (!event) return event.error();
      if (!event->is_reserved() || event->type != core::kTypeEpochOpened ||
          event->epoch == last.epoch)
        continue;
      if (!is_there) return Ending::kReboot;  // the events that would tell are gone
      return event->recorded.boot == content.boot ? Ending::kRestart : Ending::kReboot;
    }
    at = page->next;
  }
  return Ending::kNone;
}

}  // namespace

Result<std::vector<RoundVerdict>> check_log(const PlugtestRecord& record, EventSource& source) {
  std::vector<RoundVerdict> out;
  for (const Round& round : record.rounds()) {
    const auto content = read_stream(round, source);
    if (!content) return content.error();
    const auto ending = find_ending(round, *content, source);
    if (!ending) return ending.error();
    out.push_back(judge_round(round, content->kept, *ending));
  }
  return out;
}

Result<HubVerdict> check_hub(const PlugtestRecord& record, nats::Connection& connection,
                             const std::string& shard) {
  std::map<std::pair<std::string, std::string>, std::vector<Kept>> found;  // gateway, stream
  for (const Round& round : record.rounds()) found[{round.gateway, round.stream}];
  nats::PullOptions options;
  options.hub_stream = core::hub_stream_name(shard);
  auto consumer = nats::PullConsumer::create(connection, options);
  if (!consumer) return consumer.error();
  for (std::uint64_t left = (*consumer)->pending(); left > 0;) {
    const auto batch = (*consumer)->next(std::chrono::seconds(10));
    if (!batch) return batch.error();
    if (batch->empty())
      return fail(Errc::kUnavailable, "the hub stream stopped giving messages before its end");
    for (const nats::Pulled& one : *batch) {
      left = one.pending;
      const auto event = codec::decode_event(one.message.payload());
      if (!event) continue;  // not ours to judge
      const auto round = found.find({std::string(event->gateway), event->stream().text()});
      if (round != found.end()) round->second.push_back(kept_of(*event));
    }
  }
  HubVerdict out;
  for (const Round& round : record.rounds()) {
    const HubVerdict one = judge_hub(round, found[{round.gateway, round.stream}]);
    out.missing += one.missing;
    out.copies += one.copies;
    out.doubled += one.doubled;
  }
  return out;
}

}  // namespace sluice::cli
