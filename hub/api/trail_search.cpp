// SPDX-License-Identifier: Apache-2.0
#include "hub/api/trail_search.hpp"

#include <algorithm>
#include <charconv>

#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;
using Batch = std::vector<nats::Pulled>;

namespace {

constexpr milliseconds kAskTimeout{10'000};
constexpr milliseconds kPullWait{500};
constexpr std::uint64_t kNearEnough = 2'000;  // messages that are rather read than halved
constexpr std::int64_t kMsNs = 1'000'000;

bool matches(const WantedEvent& wanted, const nats::Pulled& pulled) {
  if (wanted.identity) {
    const auto id = pulled.message_id();
    if (!id) return false;
    const auto identity = core::Identity::parse(*id);
    if (!identity || identity->gateway != wanted.identity->gateway ||
        identity->epoch != wanted.identity->epoch || identity->lane != wanted.identity->lane)
      return false;
    const core::Seq seq = wanted.identity->seq;  // a gap record stands for all that it covers
    return identity->seq == seq ||
           (identity->to != 0 && identity->seq <= seq && seq <= identity->to);
  }
  const auto event = codec::decode_trusted(pulled.message.payload());
  return event && event->id == wanted.id;
}

// Whether the wanted event stands behind these messages, as far as they can tell.
enum class Side { kBehind, kBefore, kUnknown };
Side side_of(const WantedEvent& wanted, std::int64_t not_before_ns, const Batch& batch) {
  if (batch.empty()) return Side::kUnknown;
  if (!wanted.identity)
    return batch.front().stored_ns < not_before_ns ? Side::kBehind : Side::kBefore;
  for (const nats::Pulled& pulled : batch) {
    const auto id = pulled.message_id();
    const auto identity = id ? core::Identity::parse(*id) : fail(Errc::kCorrupt, "no identity");
    if (!identity || identity->gateway != wanted.identity->gateway ||
        identity->lane != wanted.identity->lane)
      continue;
    // A lane's seqs go on across epochs; a fork repeats some, which the reading on covers.
    return identity->seq < wanted.identity->seq ? Side::kBehind : Side::kBefore;
  }
  return Side::kUnknown;
}

Result<std::unique_ptr<nats::PullConsumer>> read_from(nats::Connection& connection,
                                                      const std::string& hub_stream,
                                                      std::uint64_t sequence) {
  nats::PullOptions pull;
  pull.hub_stream = hub_stream;
  pull.start = sequence;
  pull.batch_bytes =
      std::max<std::uint64_t>(pull.batch_bytes, 2 * connection.server_info().max_payload);
  return nats::PullConsumer::create(connection, pull);
}

// The last sequence from which on the event may stand.
Result<std::uint64_t> halve(nats::Connection& connection, const std::string& hub_stream,
                            const WantedEvent& wanted, std::int64_t not_before_ns,
                            std::uint64_t first, std::uint64_t last) {
  while (last - first > kNearEnough) {
    const std::uint64_t middle = first + (last - first) / 2;
    auto consumer = read_from(connection, hub_stream, middle);
    if (!consumer) return consumer.error();
    const auto batch = (*consumer)->next(kPullWait);
    if (!batch) return batch.error();
    const Side side = side_of(wanted, not_before_ns, *batch);
    if (side == Side::kUnknown) break;
    (side == Side::kBehind ? first : last) = middle;
  }
  return first;
}

FoundMessage found_message(const nats::Pulled& pulled) {
  FoundMessage found;
  found.sequence = pulled.sequence;
  found.stored_ns = pulled.stored_ns;
  found.subject = pulled.message.subject();
  found.message_id = pulled.message_id().value_or(std::string());
  found.body = pulled.message.payload();
  const std::string clock =
      pulled.message.header(std::string(core::kClockHeader).c_str()).value_or("");
  std::from_chars(clock.data(), clock.data() + clock.size(), found.clock_ns);
  return found;
}

Result<void> read_on(nats::Connection& connection, const std::string& hub_stream,
                     const WantedEvent& wanted, const TrailLimits& limits, TrailFound& out) {
  const auto deadline = std::chrono::steady_clock::now() + limits.time;
  auto consumer = read_from(connection, hub_stream, out.from);
  if (!consumer) return consumer.error();
  while (out.to < out.last && std::chrono::steady_clock::now() < deadline) {
    const auto batch = (*consumer)->next(kPullWait);
    if (!batch) return batch.error();
    for (const nats::Pulled& pulled : *batch) {
      out.read += 1;
      out.to = pulled.sequence;
      if (!matches(wanted, pulled)) continue;
      out.message = found_message(pulled);
      return {};
    }
  }
  return {};
}

}  // namespace

Result<WantedEvent> WantedEvent::parse(std::string_view text) {
  WantedEvent out;
  std::string dotted(text);
  std::replace(dotted.begin(), dotted.end(), ':', '.');
  if (auto identity = core::Identity::parse(dotted)) {
    out.identity = std::move(*identity);
    return out;
  }
  if (const auto id = core::Uuid::parse(text)) {
    out.id = *id;
    return out;
  }
  return fail(
      Errc::kBadRequest,
      "neither an event id (a UUID), nor an identity (gateway.epoch.lane.seq), nor the token "
      "of an append: rows of a model and live events lead to their events",
      "event");
}

std::optional<std::int64_t> WantedEvent::made_ns() const {
  if (identity || (id.bytes[6] >> 4) != 7) return std::nullopt;
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[i];
  return ms > INT64_MAX / kMsNs ? std::nullopt : std::optional(ms * kMsNs);
}

Result<TrailFound> search_trail(nats::Connection& connection, const std::string& hub_stream,
                                const WantedEvent& wanted, const TrailLimits& limits) {
  const auto info = nats::hub_stream_info(connection, hub_stream, kAskTimeout);
  if (!info) return info.error();
  TrailFound out;
  out.first = info->first;
  out.last = info->last;
  if (info->messages == 0 || limits.from > info->last) return out;
  out.from = std::max(limits.from, info->first);
  const auto made = wanted.made_ns();
  if (limits.from == 0 && (wanted.identity || made)) {
    const std::int64_t not_before =
        made.value_or(0) -
        std::chrono::duration_cast<std::chrono::nanoseconds>(limits.clock_slack).count();
    const auto from = halve(connection, hub_stream, wanted, not_before, info->first, info->last);
    if (!from) return from.error();
    out.from = *from;
  }
  SLUICE_TRY(read_on(connection, hub_stream, wanted, limits, out));
  return out;
}

}  // namespace sluice::hub
