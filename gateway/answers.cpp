// SPDX-License-Identifier: Apache-2.0
#include "gateway/answers.hpp"

#include "core/assert.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/write_token.hpp"

namespace sluice::gateway {

std::vector<std::string> streams_of(const storage::AppendRequest& request) {
  std::vector<std::string> streams;
  streams.reserve(request.events.size());
  for (const storage::NewEvent& event : request.events) streams.push_back(event.stream.text());
  return streams;
}

std::string pack_appended(const AppendOrigin& origin, const Receipt& receipt) {
  SLUICE_ASSERT(receipt.events.size() == origin.streams.size());
  const bool placed = receipt.ack != storage::AckMode::kMemory;
  rpc::Packer out;
  out.array(receipt.events.size());
  for (std::size_t i = 0; i < receipt.events.size(); ++i) {
    const storage::Appended& event = receipt.events[i];
    out.map(placed ? 10 : 5).text("gateway").text(origin.gateway);
    if (placed) out.text("epoch").text(event.epoch.text());
    out.text("lane").text(core::lane_name(event.lane));
    if (placed) out.text("seq").unsigned_integer(event.seq);
    out.text("stream").text(origin.streams[i]);
    if (placed) out.text("version").unsigned_integer(event.version);
    out.text("id").text(event.id.text());
    if (placed) out.text("duplicate").boolean(event.duplicate);
    out.text("ack").text(storage::ack_word(receipt.ack));
    if (placed)
      out.text("token").text(core::write_token(origin.gateway, event.epoch, event.lane, event.seq));
  }
  return out.take();
}

core::json::object json_appended(std::string_view gateway, const std::string& stream,
                                 storage::AckMode ack, const storage::Appended& event) {
  if (ack == storage::AckMode::kMemory)
    return {{"gateway", gateway},
            {"lane", core::lane_name(event.lane)},
            {"stream", stream},
            {"id", event.id.text()},
            {"ack", storage::ack_word(ack)}};
  return {{"gateway", gateway},
          {"epoch", event.epoch.text()},
          {"lane", core::lane_name(event.lane)},
          {"seq", event.seq},
          {"stream", stream},
          {"version", event.version},
          {"id", event.id.text()},
          {"duplicate", event.duplicate},
          {"ack", storage::ack_word(ack)},
          {"token", core::write_token(gateway, event.epoch, event.lane, event.seq)}};
}

std::string pack_page(const Page& page) {
  rpc::Packer out;
  out.map(2).text("events").array(page.records.size());
  for (const storage::Record& record : page.records) out.bytes(record.body);
  out.text("next").unsigned_integer(page.next);
  return out.take();
}

core::Result<std::string> json_page(const Page& page) {
  std::string out = "{\"events\":[";
  for (const storage::Record& record : page.records) {
    const auto event = codec::decode_event(record.body);
    if (!event) return event.error();
    if (&record != &page.records.front()) out += ',';
    codec::event_to_json(*event, out);
  }
  out += "],\"next\":" + std::to_string(page.next) + "}\n";
  return out;
}

}  // namespace sluice::gateway
