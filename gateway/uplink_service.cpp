// SPDX-License-Identifier: Apache-2.0
#include "gateway/uplink_service.hpp"

#include "core/codec/data.hpp"
#include "core/text.hpp"
#include "gateway/own_event.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;

constexpr std::size_t kLinkBytesMax = 16 * 1024;
constexpr std::uint32_t kAnchorsMax = 4096;

std::string nil() {
  return rpc::Packer().nil().take();
}

core::Error bad(std::string_view field) {
  return fail(Errc::kBadRequest, "missing or of the wrong kind", std::string(field));
}

core::Result<core::Lane> lane_at(const rpc::Value& params, std::uint32_t index) {
  const auto name = params.at(index).text();
  if (!name) return bad("lane");
  return core::parse_lane(*name);
}

core::Result<core::Epoch> epoch_of(const rpc::Value& value) {
  const auto text = value.text();
  if (!text) return bad("epoch");
  return core::Epoch::parse(*text);
}

core::Result<storage::Anchor> anchor_of(const rpc::Value& map) {
  storage::Anchor anchor;
  for (const auto& [key, target] :
       {std::pair{"acked", &anchor.acked}, {"seq", &anchor.seq}, {"hub_seq", &anchor.hub_seq}}) {
    const auto number = map.find(key).unsigned_integer();
    if (!number || *number == 0) return bad(key);
    *target = *number;
  }
  for (const auto& [key, target] : {std::pair{"hub_stream", &anchor.hub_stream},
                                    {"created", &anchor.created},
                                    {"subject", &anchor.subject},
                                    {"identity", &anchor.identity}}) {
    const auto text = map.find(key).text();
    if (!text || !core::is_utf8(*text)) return bad(key);
    *target = *text;
  }
  const auto epoch = epoch_of(map.find("epoch"));
  if (!epoch) return epoch.error();
  anchor.epoch = *epoch;
  return anchor;
}

}  // namespace

UplinkService::UplinkService(LogDesk& desk, ForkBook& forks, const core::Clock& clock,
                             core::Logger& logger)
    : desk_(desk), forks_(forks), clock_(clock), logger_(logger), gone_since_ns_(clock.wall_ns()) {
  desk_.on_bell([this] { ring(); });
}

void UplinkService::on_request(const SessionPtr& session, std::uint32_t id, std::string_view method,
                               rpc::Value params) {
  if (!desk_.is_open())
    return session->answer(id, fail(Errc::kUnavailable, "the log is not open yet"));
  if (method == "hello") return session->answer(id, hello(session));
  if (method == "receipt") return session->answer(id, receipt(params));
  // The uplink may act only after it was told the epoch, and on that connection.
  if (!peers_.contains(session.get()))
    return session->answer(id, fail(Errc::kBadRequest, "hello must come first"));
  if (method == "acks") return session->answer(id, acks(params));
  if (method == "rewind") return rewind(session, id, params);
  if (method == "set_aside") return set_aside(session, id, params);
  if (method == "own_event") return own_event(session, id, params);
  if (method == "went_back") return went_back(session, id, params);
  session->answer(id,
                  fail(Errc::kUnsupported, "there is no method '" + core::printable(method) + "'"));
}

core::Result<std::string> UplinkService::hello(const SessionPtr& session) {
  if (peers_.emplace(session.get(), Peer{session}).second)
    logger_.info("sluiced", "the uplink is here", {{"pid", std::to_string(session->peer().pid)}});
  rpc::Packer out;
  out.map(2).text("gateway").text(desk_.settings().id->text());
  out.text("epoch").text(desk_.log().epoch().text());
  return out.take();
}

core::Result<std::string> UplinkService::acks(const rpc::Value& params) {
  const auto lane = lane_at(params, 0);
  if (!lane) return lane.error();
  const rpc::Value list = params.at(1);
  if (list.kind() != rpc::Value::Kind::kArray || list.size() > kAnchorsMax) return bad("anchors");
  const core::Seq last = desk_.log().lane_state(*lane).last;
  std::vector<storage::Anchor> anchors;
  for (rpc::Items items(list); items.left() > 0;) {
    auto anchor = anchor_of(items.next());
    if (!anchor) return anchor.error();
    // An ack lets events be trimmed: one for what this log does not have must not count.
    if (anchor->acked > last || anchor->seq > anchor->acked) return bad("acked");
    anchors.push_back(std::move(*anchor));
  }
  acks_ += anchors.size();
  desk_.record_acks(*lane, std::move(anchors));
  return nil();
}

// What a bundle brought to the hub. Not the uplink's word but a tool's, so it needs no hello; it
// counts only where it joins the cursor.
core::Result<std::string> UplinkService::receipt(const rpc::Value& params) {
  const auto lane = lane_at(params, 0);
  if (!lane) return lane.error();
  const auto from = params.at(1).unsigned_integer();
  if (!from || *from == 0) return bad("from");
  auto anchor = anchor_of(params.at(2));
  if (!anchor) return anchor.error();
  const auto state = desk_.log().lane_state(*lane);
  const bool joins = *from <= state.acked + 1 || (state.acked == 0 && *from <= state.first);
  if (!joins || anchor->acked > state.last || anchor->seq > anchor->acked) return bad("from");
  logger_.info("sluiced", "a receipt says what the hub has",
               {{"lane", std::string(core::lane_name(*lane))},
                {"from", std::to_string(*from)},
                {"to", std::to_string(anchor->acked)}});
  desk_.record_acks(*lane, {std::move(*anchor)});
  rpc::Packer out;
  out.map(1).text("cursor").unsigned_integer(state.acked);
  return out.take();
}

void UplinkService::rewind(const SessionPtr& session, std::uint32_t id, const rpc::Value& params) {
  const auto lane = lane_at(params, 0);
  const auto acked = params.at(1).unsigned_integer();
  if (!lane || !acked) return session->answer(id, lane ? bad("acked") : lane.error());
  desk_.rewind(*lane, *acked, [session, id](core::Result<void> done) {
    session->answer(id, done ? core::Result<std::string>(nil()) : done.error());
  });
}

void UplinkService::set_aside(const SessionPtr& session, std::uint32_t id,
                              const rpc::Value& params) {
  const auto lane = lane_at(params, 0);
  const auto epoch = epoch_of(params.at(1));
  const auto from = params.at(2).unsigned_integer();
  const auto to = params.at(3).unsigned_integer();
  const auto reason = core::parse_gap_reason(params.at(4).text().value_or(""));
  if (!lane) return session->answer(id, lane.error());
  if (!epoch) return session->answer(id, epoch.error());
  if (!reason) return session->answer(id, reason.error());
  if (!from || !to || *from == 0 || *from > *to) return session->answer(id, bad("from"));
  desk_.set_aside(*lane, {*epoch, *from, *to, *reason}, [session, id](core::Result<void> done) {
    session->answer(id, done ? core::Result<std::string>(nil()) : done.error());
  });
}

void UplinkService::own_event(const SessionPtr& session, std::uint32_t id,
                              const rpc::Value& params) {
  const auto entity = params.at(0).text();
  const auto type = params.at(1).text();
  if (!entity || !type) return session->answer(id, bad(entity ? "type" : "entity"));
  auto data = codec::canonical_data(params.at(2).encoded());
  if (!data) return session->answer(id, data.error());
  const bool is_fork = *entity == ForkBook::kEntity && *type == ForkBook::kType;
  const std::string fork = is_fork ? *data : std::string();
  const bool taken = append_own_event(
      desk_, *entity, *type, std::move(*data),
      [this, session, id, fork](core::Result<void> stored) {
        if (stored && !fork.empty()) forks_.note(fork, clock_.wall_ns());
        session->answer(id, stored ? core::Result<std::string>(nil()) : stored.error());
      },
      [session] { session->hold(false); });
  if (!taken) session->hold(true);
}

// The hub has what this log never wrote, under the running epoch's name: nothing more may be sent
// under that name. The answer goes out before the program ends.
void UplinkService::went_back(const SessionPtr& session, std::uint32_t id,
                              const rpc::Value& params) {
  const auto lane = lane_at(params, 0);
  const auto seq = params.at(1).unsigned_integer();
  const auto words = params.at(2).text();
  if (!lane) return session->answer(id, lane.error());
  if (!seq || !words) return session->answer(id, bad(seq ? "words" : "seq"));
  if (*seq <= desk_.log().lane_state(*lane).last) return session->answer(id, bad("seq"));
  session->answer(id, nil());
  if (on_went_back_) on_went_back_(core::printable(*words));
}

void UplinkService::on_notification(const SessionPtr& session, std::string_view method,
                                    rpc::Value params) {
  if (method != "link" || !peers_.contains(session.get())) return;
  const rpc::Value link = params.at(0);
  if (link.kind() != rpc::Value::Kind::kMap || link.encoded().size() > kLinkBytesMax) return;
  auto checked = codec::canonical_data(link.encoded());
  if (checked) link_ = std::move(*checked);
}

// A bell says only "look": while one is on its way, another would say nothing more.
void UplinkService::ring() {
  for (auto& [key, peer] : peers_) {
    peer.bell_waits = peer.session->out_bytes() > 0;
    if (!peer.bell_waits) peer.session->notify("bell", rpc::Packer().array(0).take());
  }
}

void UplinkService::on_room(const SessionPtr& session) {
  const auto found = peers_.find(session.get());
  if (found == peers_.end() || !found->second.bell_waits || session->out_bytes() > 0) return;
  found->second.bell_waits = false;
  session->notify("bell", rpc::Packer().array(0).take());
}

void UplinkService::on_close(const SessionPtr& session) {
  if (peers_.erase(session.get()) == 0) return;
  logger_.warning("sluiced", "the uplink is gone: events are kept until it is back");
  gone_since_ns_ = clock_.wall_ns();
  if (peers_.empty()) link_.clear();
}

std::string UplinkService::link() const {
  if (connected() && !link_.empty()) return link_;
  rpc::Packer out;
  out.map(3).text("state").text(connected() ? "connecting" : "stopped");
  out.text("since_ns").integer(gone_since_ns_).text("last_error");
  if (connected())
    out.nil();
  else
    out.text("sluice-uplink is not running");
  return out.take();
}

}  // namespace sluice::gateway
