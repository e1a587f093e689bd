// SPDX-License-Identifier: Apache-2.0
#include "bench/projection_work.hpp"

#include <cstring>

#include "bench/report.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/field.hpp"
#include "core/codec/json_data.hpp"
#include "core/subject.hpp"

namespace sluice::bench {
namespace {

Message make(const std::string& gateway, core::Seq seq, std::string_view category,
             std::string_view entity, std::string_view type, std::string_view data) {
  core::EventView event;
  event.gateway = gateway;
  event.epoch = {0x1234567890abcdef};
  event.seq = seq;
  event.category = category;
  event.entity = entity;
  event.version = seq;
  event.occurred_at_ns = 1'790'000'000'000'000'000 + static_cast<std::int64_t>(seq) * 1'000'000;
  event.recorded = {*event.occurred_at_ns, core::Uuid{{1}}, 1000, true};
  std::memcpy(event.id.bytes.data(), &seq, sizeof seq);
  event.type = type;
  event.data = data;
  Message out;
  out.body = codec::encode_event(event);
  out.subject =
      core::EventSubject{"main", gateway, event.lane, std::string(category), std::string(type)}
          .text();
  out.msg_id = core::Identity{gateway, event.epoch, event.lane, seq, 0}.text();
  return out;
}

std::string gateway_name(std::size_t number) {
  return number == 0 ? "bench" : "bench-" + std::to_string(number);
}

}  // namespace

std::vector<Message> make_messages(const ProjectionPlan& plan) {
  std::vector<Message> out;
  const std::string opened = codec::encode_epoch_opened({{}, 0, std::nullopt, "start"});
  for (std::size_t i = 0; i < plan.gateways; ++i)
    out.push_back(make(gateway_name(i), 1, core::kReservedCategory, "telemetry",
                       core::kTypeEpochOpened, opened));
  for (std::size_t i = plan.gateways; i < plan.events; ++i) {
    const auto data = need(codec::json_to_data("{\"value\": " + std::to_string(i % 1000) +
                                               ".25, \"quality\": \"good\", \"unit\": \"C\"}"));
    out.push_back(make(gateway_name(i % plan.gateways), i / plan.gateways + 1, "machine",
                       "m" + std::to_string(i * 7919 % plan.streams), "Reading", data));
  }
  return out;
}

std::string projection_size(const ProjectionPlan& plan) {
  const std::string gateways =
      plan.gateways == 1 ? "" : std::to_string(plan.gateways) + " gateways, ";
  return std::to_string(plan.events) + " events, " + gateways + std::to_string(plan.streams) +
         " streams, " + std::to_string(plan.batch) + " per transaction";
}

HandChecked::Reading HandChecked::read(const Message& message) {
  static const std::vector<std::string> path{"value"};
  const auto event = codec::decode_event(message.body);
  if (!event) give_up(event.error().message);
  // Its own check that the message is what its subject allows.
  const auto identity = core::Identity::parse(message.msg_id);
  if (!identity || identity->gateway != event->gateway || identity->epoch != event->epoch ||
      identity->lane != event->lane || identity->seq != event->seq)
    give_up("identity");
  const std::string_view name =
      std::string_view(message.msg_id).substr(0, message.msg_id.rfind('.'));
  if (last_ == nullptr || last_->first != name) {
    auto known = lanes_.find(name);
    if (known == lanes_.end())
      known = lanes_.emplace(name, Lane{identity->gateway, identity->epoch, identity->lane}).first;
    last_ = &*known;
  }
  Lane& lane = last_->second;
  if (event->seq != lane.next) give_up("out of order");
  ++lane.next;
  if (!lane.went_on) went_on_.push_back(&lane);
  lane.went_on = true;
  if (event->type != "Reading") return {*event, 0, false};
  const auto value = codec::find_field(event->data, path);
  const auto* real = std::get_if<double>(&value);
  if (real == nullptr) give_up("value");
  return {*event, *real, true};
}

const char* const kProjectionModel = R"(
model = "bench"
version = 1
[where]
categories = ["machine"]
[table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
n = { type = "int", default = 0 }
sum = "real"
last = "real"
low = "real"
high = "real"
[[table.machine.on]]
type = "Reading"
inc = { n = 1, sum = ".value" }
set = { last = ".value" }
min = { low = ".value" }
max = { high = ".value" }
)";

EngineRun::EngineRun(const std::shared_ptr<const projection::Model>& model,
                     const projection::Place& place)
    : engine_(need(projection::Engine::open(model, place, clock_, log_))) {}

void EngineRun::apply(std::span<const Message> messages) {
  static const projection::HubStream hub{"EVENTS-main", "2026-11-21T00:00:00Z"};
  batch_.clear();
  for (const Message& message : messages)
    batch_.push_back({message.subject, message.msg_id, message.body, ++hub_seq_, 0});
  if (need(engine_->apply(hub, batch_)).applied != batch_.size())
    give_up("an event took no effect");
}

double run_engine(const ProjectionPlan& plan, const std::vector<Message>& messages,
                  const std::shared_ptr<const projection::Model>& model,
                  const projection::Place& place) {
  EngineRun engine(model, place);
  const Stopwatch watch;
  apply_all(engine, messages, plan.batch);
  return static_cast<double>(messages.size()) / watch.seconds();
}

}  // namespace sluice::bench
