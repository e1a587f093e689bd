// SPDX-License-Identifier: Apache-2.0
#include "projection/gate/arrival.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "core/codec/event_codec.hpp"
#include "core/text.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kSubjectsMax = 4096;
// Databases hold a seq as a signed 64-bit integer, and one more than the last must fit too.
constexpr core::Seq kSeqMax = static_cast<core::Seq>(INT64_MAX) - 1;

void append_hex16(std::uint64_t value, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

void append_number(std::uint64_t value, std::string& out) {
  std::array<char, 20> text{};
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

// core::Identity::text() without an allocation per event.
void write_identity(const Arrival& arrival, std::string& out) {
  out = arrival.event.gateway;
  out += '.';
  append_hex16(arrival.event.epoch.value, out);
  out += '.';
  out += core::lane_name(arrival.event.lane);
  out += '.';
  append_number(arrival.event.seq, out);
  if (!arrival.gap) return;
  out += '-';
  append_number(arrival.gap->to, out);
}

Result<void> read_reserved(Arrival& out) {
  if (out.event.type == core::kTypeGap) {
    auto gap = codec::decode_gap(out.event.data);
    if (!gap) return gap.error();
    if (gap->to < out.event.seq || gap->to > kSeqMax)
      return fail(Errc::kCorrupt, "a gap record ends before it begins, or beyond all numbers");
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

// What stands in a Nats-Msg-Id; nullopt if that is not an event's of this gateway and lane.
std::optional<Arrival> by_identity(const core::EventSubject& subject, std::string_view msg_id) {
  Arrival out;
  out.no_effect = true;
  out.event.gateway = msg_id.substr(0, subject.gateway.size());
  out.event.lane = subject.lane;
  const std::string_view lane = core::lane_name(subject.lane);
  constexpr std::size_t kEpoch = 16;
  const std::size_t epoch_at = subject.gateway.size() + 1;
  const std::size_t seq_at = epoch_at + kEpoch + lane.size() + 2;
  if (out.event.gateway != subject.gateway || msg_id.size() <= seq_at ||
      msg_id[epoch_at - 1] != '.' || msg_id[epoch_at + kEpoch] != '.' ||
      msg_id.substr(epoch_at + kEpoch + 1, lane.size()) != lane || msg_id[seq_at - 1] != '.' ||
      msg_id[seq_at] == '0')
    return std::nullopt;
  const auto epoch = core::Epoch::parse(msg_id.substr(epoch_at, kEpoch));
  if (!epoch) return std::nullopt;
  out.event.epoch = *epoch;
  const char* const end = msg_id.data() + msg_id.size();
  const auto [at, error] = std::from_chars(msg_id.data() + seq_at, end, out.event.seq);
  if (error != std::errc() || at != end || out.event.seq > kSeqMax) return std::nullopt;
  return out;
}

}  // namespace

Result<const MessageCheck::Named*> MessageCheck::named(std::string_view subject) {
  auto found = subjects_.find(subject);
  if (found == subjects_.end()) {
    auto parsed = core::EventSubject::parse(subject);
    if (!parsed) return parsed.error();
    if (subjects_.size() >= kSubjectsMax) subjects_.clear();
    Named named{std::move(*parsed)};
    const bool for_the_gate =
        named.category == core::kReservedCategory &&
        (named.type == core::kTypeGap || named.type == core::kTypeEpochOpened);
    named.no_effect = wants_ && !for_the_gate && !wants_(named);
    found = subjects_.emplace(std::string(subject), std::move(named)).first;
  }
  return &found->second;
}

Result<Arrival> MessageCheck::operator()(std::string_view subject, std::string_view msg_id,
                                         std::string_view body) {
  const auto known = named(subject);
  if (!known) return known.error();
  const Named& named = **known;
  if (named.no_effect)
    if (auto arrival = by_identity(named, msg_id)) return std::move(*arrival);
  const auto disagrees = [&](const char* what) {
    return fail(Errc::kBadRequest,
                "message on " + core::printable(subject) + " with Nats-Msg-Id " +
                    core::printable(msg_id) + ": " + what,
                "Nats-Msg-Id");
  };
  auto event = codec::decode_event(body);
  if (!event) return event.error();
  Arrival out;
  out.event = *event;
  out.body = body;
  if (event->gateway != named.gateway || event->lane != named.lane)
    return disagrees("the body names another gateway or lane than the subject");
  if (event->category != named.category || event->type != named.type)
    return disagrees("the body names another category or type than the subject");
  if (event->seq == 0 || event->seq > kSeqMax) return disagrees("its seq is no position in a lane");
  if (event->is_reserved()) SLUICE_TRY(read_reserved(out));
  write_identity(out, identity_);
  if (identity_ != msg_id) return disagrees("the Nats-Msg-Id is not the body's identity");
  return out;
}

Result<Arrival> check_message(std::string_view subject, std::string_view msg_id,
                              std::string_view body) {
  return MessageCheck()(subject, msg_id, body);
}

}  // namespace sluice::projection
