// SPDX-License-Identifier: Apache-2.0
#include "bench/workload.hpp"

#include "core/codec/event_codec.hpp"
#include "rpc/pack.hpp"

namespace sluice::bench {
namespace {

constexpr std::int64_t kWall = 1'790'000'000'000'000'000;
constexpr core::Seq kUsualSeq = 70'000;

std::string data_of(std::size_t padding) {
  rpc::Packer data;
  data.map(3).text("value").float64(21.25).text("unit").text("bar").text("note");
  return data.text(std::string(padding, 'n')).take();
}

}  // namespace

Workload::Workload(Ids ids) : ids_(ids), random_(core::SystemRandom().next()), ordered_(random_) {
  const std::size_t padding = 40;  // above 31 bytes of text, so that its head stays as long
  data_ = data_of(padding);
  const std::size_t size = encoded_body(kUsualSeq, {}, data_).size();
  data_ = data_of(padding + kBodyBytes - size);
}

core::Uuid Workload::next_id() {
  if (ids_ == Ids::kV7) return ordered_.next(clock_.wall_ns());
  core::Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); i += 8) {
    std::uint64_t bits = random_.next();
    for (std::size_t k = 0; k < 8; ++k, bits >>= 8)
      id.bytes[i + k] = static_cast<std::uint8_t>(bits);
  }
  id.bytes[6] = static_cast<std::uint8_t>(0x40 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

storage::NewEvent Workload::next_event() {
  storage::NewEvent event;
  event.stream = {"pump", std::to_string(next_++ % kStreams)};
  event.type = "Measured";
  event.data = data_;
  event.id = next_id();
  return event;
}

std::vector<storage::NewEvent> Workload::next_batch(std::size_t events) {
  std::vector<storage::NewEvent> batch;
  batch.reserve(events);
  while (batch.size() < events) batch.push_back(next_event());
  return batch;
}

std::string Workload::next_params(std::size_t events, bool with_id) {
  rpc::Packer params;
  params.array(1).array(events);
  for (std::size_t i = 0; i < events; ++i) {
    params.map(with_id ? 4 : 3).text("stream").text("pump/" + std::to_string(next_++ % kStreams));
    params.text("type").text("Measured").text("data").raw(data_);
    if (with_id) {
      const core::Uuid id = next_id();
      params.text("id").bytes({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
    }
  }
  return params.take();
}

std::string encoded_body(core::Seq seq, const core::Uuid& id, std::string_view data) {
  core::EventView event;
  event.gateway = kGateway;
  event.epoch = core::Epoch{0x0123456789abcdef};
  event.seq = seq;
  event.category = "pump";
  const std::string entity = std::to_string(seq % kStreams);
  event.entity = entity;
  event.version = 1 + seq / kStreams;
  event.recorded = {kWall, core::Uuid{{1}}, 5'000'000'000'000, true};
  event.id = id;
  event.type = "Measured";
  event.data = data;
  return codec::encode_event(event);
}

}  // namespace sluice::bench
