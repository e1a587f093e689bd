// SPDX-License-Identifier: Apache-2.0
#include "projection/arrival.hpp"

#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

// The identity that the body claims, with the end of its range if it is a gap record.
core::Identity identity_of(const Arrival& arrival) {
  const auto& event = arrival.event;
  return {std::string(event.gateway), event.epoch, event.lane, event.seq,
          arrival.gap ? arrival.gap->to : 0};
}

Result<void> read_reserved(Arrival& out) {
  if (out.event.type == core::kTypeGap) {
    auto gap = codec::decode_gap(out.event.data);
    if (!gap) return gap.error();
    if (gap->to < out.event.seq) return fail(Errc::kCorrupt, "a gap record ends before it begins");
    out.opened = gap->opened;
    out.gap = std::move(*gap);
  } else if (out.event.type == core::kTypeEpochOpened) {
    auto opened = codec::decode_epoch_opened(out.event.data);
    if (!opened) return opened.error();
    out.opened = std::move(*opened);
  }
  if (out.opened && out.opened->last_seq + 1 != out.event.seq)
    return fail(Errc::kCorrupt, "an EpochOpened does not follow the last seq that it names");
  if (out.opened && out.opened->previous == out.event.epoch)
    return fail(Errc::kCorrupt, "an EpochOpened names itself as its predecessor");
  return {};
}

}  // namespace

Result<Arrival> check_message(std::string_view subject, std::string_view msg_id,
                              std::string_view body) {
  const auto named = core::EventSubject::parse(subject);
  if (!named) return named.error();
  auto event = codec::decode_event(body);
  if (!event) return event.error();
  const auto disagrees = [&](const char* what) {
    return fail(Errc::kBadRequest,
                "message on " + core::printable(subject) + " with Nats-Msg-Id " +
                    core::printable(msg_id) + ": " + what,
                "Nats-Msg-Id");
  };
  Arrival out;
  out.event = *event;
  out.body = body;
  if (event->gateway != named->gateway || event->lane != named->lane)
    return disagrees("the body names another gateway or lane than the subject");
  if (event->category != named->category || event->type != named->type)
    return disagrees("the body names another category or type than the subject");
  if (event->is_reserved()) SLUICE_TRY(read_reserved(out));
  if (identity_of(out).text() != msg_id)
    return disagrees("the Nats-Msg-Id is not the body's identity");
  return out;
}

}  // namespace sluice::projection
