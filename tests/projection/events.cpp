// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/events.hpp"

#include <gtest/gtest.h>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/subject.hpp"

namespace sluice::test {
namespace {

Message encoded(const Made& made, std::string_view data, core::Seq to) {
  core::EventView event;
  event.gateway = made.gateway;
  event.epoch = made.epoch;
  event.lane = made.lane;
  event.seq = made.seq;
  event.category = made.category;
  event.entity = made.entity;
  event.version = made.version;
  event.occurred_at_ns = made.occurred_at_ns;
  event.recorded = {made.wall_ns, core::Uuid{{7}}, 1000, true};
  event.id.bytes[0] = static_cast<std::uint8_t>(made.seq);
  event.id.bytes[15] = 1;
  event.type = made.type;
  event.data = data;
  Message out;
  out.body = codec::encode_event(event);
  out.subject =
      core::EventSubject{"main", made.gateway, made.lane, made.category, made.type}.text();
  out.msg_id = core::Identity{made.gateway, made.epoch, made.lane, made.seq, to}.text();
  out.seq = made.seq;
  out.to = to;
  return out;
}

}  // namespace

Message message(const Made& made) {
  const auto data = codec::json_to_data(made.json);
  EXPECT_TRUE(data) << made.json;
  return encoded(made, data ? *data : std::string("\xc0"), 0);
}

Made LaneMaker::base(core::Seq seq) const {
  Made made;
  made.gateway = gateway_;
  made.epoch = epoch_;
  made.lane = lane_;
  made.seq = seq;
  made.version = seq;
  return made;
}

Message LaneMaker::opened(std::uint64_t previous, core::Seq last_seq) const {
  Made made = base(last_seq + 1);
  made.category = core::kReservedCategory;
  made.entity = core::lane_name(lane_);
  made.type = core::kTypeEpochOpened;
  const std::string data =
      codec::encode_epoch_opened({core::Epoch{previous}, last_seq, std::nullopt, "start"});
  return encoded(made, data, 0);
}

Message LaneMaker::event(core::Seq seq, const std::string& json) const {
  Made made = base(seq);
  made.json = json;
  return message(made);
}

Message LaneMaker::gap(core::Seq from, core::Seq to, core::GapReason reason,
                       std::optional<core::EpochOpened> opened) const {
  Made made = base(from);
  made.category = core::kReservedCategory;
  made.entity = core::lane_name(lane_);
  made.type = core::kTypeGap;
  made.version = 0;
  return encoded(made, codec::encode_gap({to, reason, std::nullopt, std::move(opened)}), to);
}

projection::Incoming Feed::incoming(std::size_t index) const {
  const Message& message = messages_[index];
  return {message.subject, message.msg_id,  message.body, index + 1, 0,
          message.aside,   message.clock_ns};
}

std::optional<core::Result<projection::BatchOutcome>> Feed::step(projection::Engine& engine,
                                                                 std::size_t size,
                                                                 std::size_t first) const {
  const auto position = engine.position(hub_.name);
  if (!position) return core::Result<projection::BatchOutcome>(position.error());
  std::size_t at = std::max<std::size_t>(first, *position ? (*position)->next - 1 : 0);
  std::vector<projection::Incoming> batch;
  while (batch.size() < size && at < messages_.size()) batch.push_back(incoming(at++));
  if (batch.empty()) return std::nullopt;
  return engine.apply(hub_, batch);
}

projection::BatchOutcome Feed::run(projection::Engine& engine, std::size_t size) {
  projection::BatchOutcome sum;
  while (done_ < messages_.size()) {
    std::vector<projection::Incoming> batch;
    while (batch.size() < size && done_ < messages_.size()) batch.push_back(incoming(done_++));
    auto outcome = engine.apply(hub_, batch);
    EXPECT_TRUE(outcome) << (outcome ? "" : core::to_string(outcome.error()));
    if (!outcome) return sum;
    sum.applied += outcome->applied;
    sum.old_epoch += outcome->old_epoch;
    sum.duplicates += outcome->duplicates;
    sum.before_start += outcome->before_start;
    sum.held += outcome->held;
    sum.not_stored += outcome->not_stored;
    sum.absent += outcome->absent;
    sum.late += outcome->late;
    sum.parked += outcome->parked;
    sum.refused += outcome->refused;
    for (auto& alarm : outcome->alarms) sum.alarms.push_back(std::move(alarm));
    for (auto& change : outcome->changes) sum.changes.push_back(std::move(change));
    sum.changes_cut = sum.changes_cut || outcome->changes_cut;
    if (outcome->reread_from) {
      sum.reread_from = outcome->reread_from;
      done_ = *outcome->reread_from - 1;
    }
  }
  return sum;
}

}  // namespace sluice::test
