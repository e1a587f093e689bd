// SPDX-License-Identifier: Apache-2.0
#include "tests/hub/test_publisher.hpp"

#include <stdexcept>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/json.hpp"
#include "core/subject.hpp"
#include "sync/nats/hub_stream_query.hpp"

namespace sluice::test {

using namespace std::chrono_literals;

namespace {

[[noreturn]] void give_up(const std::string& what, const core::Error& error) {
  throw std::runtime_error(what + ": " + core::to_string(error));
}

core::EventSubject subject_of(const TestPublisher::Lane& lane, std::string_view category,
                              std::string_view type) {
  return {lane.shard, lane.gateway, lane.lane, std::string(category), std::string(type)};
}

std::string identity(const TestPublisher::Lane& lane, core::Seq seq, core::Seq to = 0) {
  return core::Identity{lane.gateway, lane.epoch, lane.lane, seq, to}.text();
}

}  // namespace

TestPublisher::TestPublisher(const std::string& url) {
  nats::ConnectionOptions options;
  options.login.urls = {url};
  options.name = "test-publisher";
  auto connection = nats::Connection::connect(options);
  if (!connection) give_up("connect", connection.error());
  connection_ = std::move(*connection);
}

std::string TestPublisher::request(const std::string& subject, const std::string& payload) {
  const auto answer = nats::api_request(*connection_, subject, payload, 10s);
  if (!answer) give_up(subject, answer.error());
  return core::to_json(*answer);
}

void TestPublisher::make_hub_stream(const std::string& shard, const std::string& more_json) {
  const std::string name = core::hub_stream_name(shard);
  request("$JS.API.STREAM.CREATE." + name,
          R"({"name":")" + name + R"(","subjects":[")" + core::hub_stream_subjects(shard) +
              R"("],"storage":"file","allow_direct":true)" + more_json + "}");
}

void TestPublisher::delete_hub_stream(const std::string& shard) {
  request("$JS.API.STREAM.DELETE." + core::hub_stream_name(shard), {});
}

void TestPublisher::make_report_bucket() {
  const std::string bucket(core::kReportBucket);
  request("$JS.API.STREAM.CREATE.KV_" + bucket,
          R"({"name":"KV_)" + bucket + R"(","subjects":["$KV.)" + bucket +
              R"(.>"],"storage":"file","max_msgs_per_subject":1,"allow_rollup_hdrs":true,)"
              R"("deny_delete":true,"discard":"new","allow_direct":true})");
}

std::uint64_t TestPublisher::hub_last(const std::string& shard) {
  const auto info = nats::hub_stream_info(*connection_, core::hub_stream_name(shard), 10s);
  if (!info) give_up("STREAM.INFO", info.error());
  return info->last;
}

std::uint64_t TestPublisher::publish(const std::string& subject, const std::string& body,
                                     const std::string& msg_id) {
  const auto answer = connection_->request(subject, body, 10s, {{"Nats-Msg-Id", msg_id}});
  if (!answer) give_up(subject, answer.error());
  const auto ack = core::parse_json(answer->payload());
  if (!ack || !ack->is_object() || ack->as_object().contains("error"))
    throw std::runtime_error(subject + ": " + std::string(answer->payload()));
  return static_cast<std::uint64_t>(ack->as_object().at("seq").as_int64());
}

std::string TestPublisher::encode(const Lane& lane, core::Seq seq, const core::StreamName& stream,
                                  std::uint64_t version, const std::string& type,
                                  const std::string& data) {
  core::EventView event;
  event.gateway = lane.gateway;
  event.epoch = lane.epoch;
  event.lane = lane.lane;
  event.seq = seq;
  event.category = stream.category;
  event.entity = stream.entity;
  event.version = version;
  event.recorded.wall_ns = 1'790'000'000'000'000'000 + static_cast<std::int64_t>(seq);
  event.recorded.trusted = true;
  event.id.bytes[0] = 1;
  for (int i = 0; i < 8; ++i)
    event.id.bytes[static_cast<std::size_t>(8 + i)] =
        static_cast<std::uint8_t>(seq >> (56 - 8 * i));
  event.type = type;
  event.data = data;
  return codec::encode_event(event);
}

std::uint64_t TestPublisher::epoch_opened(const Lane& lane, core::Seq seq, core::Epoch previous) {
  const core::EpochOpened content{previous, seq - 1, std::nullopt, "start"};
  const core::StreamName stream{std::string(core::kReservedCategory),
                                std::string(core::lane_name(lane.lane))};
  const std::string type(core::kTypeEpochOpened);
  return publish(subject_of(lane, stream.category, type).text(),
                 encode(lane, seq, stream, seq, type, codec::encode_epoch_opened(content)),
                 identity(lane, seq));
}

std::uint64_t TestPublisher::event(const Lane& lane, core::Seq seq, const std::string& type,
                                   const std::string& data, const std::string& stream) {
  const auto packed = codec::json_to_data(data);
  if (!packed) give_up(data, packed.error());
  const auto name = core::StreamName::parse(stream);
  if (!name) give_up(stream, name.error());
  return publish(subject_of(lane, name->category, type).text(),
                 encode(lane, seq, *name, seq, type, *packed), identity(lane, seq));
}

std::uint64_t TestPublisher::gap(const Lane& lane, core::Seq from, core::Seq to) {
  const core::Gap content{to, core::GapReason::kLost, std::nullopt, std::nullopt};
  const core::StreamName stream{std::string(core::kReservedCategory),
                                std::string(core::lane_name(lane.lane))};
  const std::string type(core::kTypeGap);
  return publish(subject_of(lane, stream.category, type).text(),
                 encode(lane, from, stream, 0, type, codec::encode_gap(content)),
                 identity(lane, from, to));
}

void TestPublisher::events(const Lane& lane, core::Seq from, core::Seq to) {
  const core::StreamName stream{"pump", "1"};
  const std::string subject = subject_of(lane, "pump", "Measured").text();
  for (core::Seq seq = from; seq <= to; ++seq) {
    const auto data = codec::json_to_data(R"({"k":)" + std::to_string(seq % 10) + R"(,"value":)" +
                                          std::to_string(seq) + "}");
    if (!data) give_up("data", data.error());
    const std::string body = encode(lane, seq, stream, seq, "Measured", *data);
    if (seq == to || seq % 1000 == 0) {
      publish(subject, body, identity(lane, seq));  // its ack follows those of all before it
      continue;
    }
    const auto sent = connection_->publish(subject, body, {{"Nats-Msg-Id", identity(lane, seq)}});
    if (!sent) give_up("publish", sent.error());
  }
}

}  // namespace sluice::test
