// SPDX-License-Identifier: Apache-2.0
#include "projection/trial/trial.hpp"

#include <algorithm>
#include <map>

#include "core/clock.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/logger.hpp"
#include "core/subject.hpp"
#include "projection/engine/engine.hpp"
#include "projection/trial/compare.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

struct Message {
  std::string subject, msg_id, body;
};

// Writes messages as a gateway's uplink would: each lane's epochs open, seqs and versions count.
class Wire {
 public:
  Result<void> add(const TrialEvent& event) {
    Lane& lane = lanes_[{event.gateway, event.lane}];
    if (!lane.next.contains(event.epoch)) open(event, lane);
    lane.newest = event.epoch;
    core::Seq& next = lane.next[event.epoch];
    core::EventView view = base(event, next);
    std::string data;
    if (event.gap != 0) {
      view.category = core::kReservedCategory;
      view.entity = core::lane_name(event.lane);
      view.type = core::kTypeGap;
      data = codec::encode_gap(
          {next + event.gap - 1, core::GapReason::kLost, std::nullopt, std::nullopt});
      put(view, data, next + event.gap - 1);
      next += event.gap;
      return {};
    }
    auto made = codec::json_to_data(event.data);
    if (!made) return made.error();
    data = std::move(*made);
    view.category = event.stream.category;
    view.entity = event.stream.entity;
    view.type = event.type;
    view.version = ++versions_[event.gateway + "/" + event.stream.text()];
    view.occurred_at_ns = event.occurred_at_ns;
    put(view, data, 0);
    ++next;
    return {};
  }
  const std::vector<Message>& messages() const { return messages_; }

 private:
  struct Lane {
    std::map<std::uint64_t, core::Seq> next;  // per epoch
    std::uint64_t newest = 0;
  };

  core::EventView base(const TrialEvent& event, core::Seq seq) {
    core::EventView view;
    view.gateway = event.gateway;
    view.epoch = core::Epoch{event.epoch};
    view.lane = event.lane;
    view.seq = seq;
    view.recorded = {event.recorded_ns, core::Uuid{{1}}, 0, true};
    ++ids_;
    for (std::size_t i = 0; i < 8; ++i)
      view.id.bytes[15 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return view;
  }

  void open(const TrialEvent& event, Lane& lane) {
    const core::Seq last = lane.newest == 0 ? 0 : lane.next[lane.newest] - 1;
    core::EventView view = base(event, last + 1);
    view.category = core::kReservedCategory;
    view.entity = core::lane_name(event.lane);
    view.type = core::kTypeEpochOpened;
    view.version = 1;
    put(view, codec::encode_epoch_opened({core::Epoch{lane.newest}, last, std::nullopt, "start"}),
        0);
    lane.next[event.epoch] = last + 2;
  }

  void put(core::EventView& view, const std::string& data, core::Seq to) {
    view.data = data;
    messages_.push_back(
        {core::EventSubject{"main", std::string(view.gateway), view.lane,
                            std::string(view.category), std::string(view.type)}
             .text(),
         core::Identity{std::string(view.gateway), view.epoch, view.lane, view.seq, to}.text(),
         codec::encode_event(view)});
  }

  std::map<std::pair<std::string, core::Lane>, Lane> lanes_;
  std::map<std::string, std::uint64_t> versions_;
  std::vector<Message> messages_;
  std::uint64_t ids_ = 0;
};

Result<BatchOutcome> feed(Engine& engine, const std::vector<Message>& messages) {
  const HubStream hub{"EVENTS-main", "2026-01-01T00:00:00Z"};
  std::vector<Incoming> batch;
  for (const Message& message : messages) {
    Incoming& incoming = batch.emplace_back();
    incoming.subject = message.subject;
    incoming.msg_id = message.msg_id;
    incoming.body = message.body;
    incoming.hub_seq = batch.size();
  }
  SLUICE_TRY(engine.begin(hub, 1));
  auto outcome = engine.apply(hub, batch);
  if (!outcome) return outcome.error();
  if (const auto done = engine.caught_up(hub); !done) return done.error();
  return outcome;
}

Result<void> compare_parked(Engine& engine, const Trial& trial, std::vector<std::string>& out) {
  const auto parked = engine.parked(1000);
  if (!parked) return parked.error();
  for (std::size_t i = 0; i < std::max(parked->size(), trial.parked.size()); ++i) {
    const std::string number = "parked event " + std::to_string(i + 1) + ": ";
    if (i >= parked->size()) {
      out.push_back(number + "expected one of type " + trial.parked[i].type + ", found none");
      continue;
    }
    const ParkedEvent& found = (*parked)[i];
    const std::string is =
        found.type + " of " + found.stream + ", " + found.kind + ": " + found.why;
    if (i >= trial.parked.size()) {
      out.push_back(number + "expected none, found " + is);
      continue;
    }
    const TrialParked& want = trial.parked[i];
    if ((!want.type.empty() && want.type != found.type) ||
        (!want.kind.empty() && want.kind != found.kind) ||
        found.why.find(want.why) == std::string::npos)
      out.push_back(number + "expected " + want.type + " " + want.kind + " '" + want.why +
                    "', found " + is);
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> run_trial(const std::shared_ptr<const Model>& model,
                                           const Trial& trial, const Place& place) {
  Wire wire;
  for (std::size_t i = 0; i < trial.events.size(); ++i)
    if (const auto added = wire.add(trial.events[i]); !added)
      return std::vector{"event " + std::to_string(i + 1) + ": " + added.error().message};
  core::ManualClock clock;
  core::NullLogger log;
  auto engine = Engine::open(model, place, clock, log);
  if (!engine) return engine.error();
  const auto outcome = feed(**engine, wire.messages());
  if (!outcome) return outcome.error();
  std::vector<std::string> out;
  if (outcome->held != 0) out.push_back(std::to_string(outcome->held) + " events are held");
  if (outcome->refused != 0)
    for (const std::string& alarm : outcome->alarms) out.push_back(alarm);
  SLUICE_TRY(compare_parked(**engine, trial, out));
  auto query = Query::open(model, place);
  if (!query) return query.error();
  for (const TrialTable& table : trial.tables)
    SLUICE_TRY(compare_table(**query, *model, table, out));
  return out;
}

}  // namespace sluice::projection
