// SPDX-License-Identifier: Apache-2.0
#include "gateway/answers.hpp"

#include "core/assert.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"

namespace sluice::gateway {

std::vector<std::string> streams_of(const storage::AppendRequest& request) {
  std::vector<std::string> streams;
  streams.reserve(request.events.size());
  for (const storage::NewEvent& event : request.events) streams.push_back(event.stream.text());
  return streams;
}

std::string pack_appended(const AppendOrigin& origin,
                          const std::vector<storage::Appended>& events) {
  SLUICE_ASSERT(events.size() == origin.streams.size());
  rpc::Packer out;
  out.array(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const storage::Appended& event = events[i];
    out.map(8).text("gateway").text(origin.gateway).text("epoch").text(event.epoch.text());
    out.text("lane").text(core::lane_name(event.lane)).text("seq").unsigned_integer(event.seq);
    out.text("stream").text(origin.streams[i]).text("version").unsigned_integer(event.version);
    out.text("id").text(event.id.text()).text("duplicate").boolean(event.duplicate);
  }
  return out.take();
}

core::json::object json_appended(std::string_view gateway, const std::string& stream,
                                 const storage::Appended& event) {
  return {{"gateway", gateway},
          {"epoch", event.epoch.text()},
          {"lane", core::lane_name(event.lane)},
          {"seq", event.seq},
          {"stream", stream},
          {"version", event.version},
          {"id", event.id.text()},
          {"duplicate", event.duplicate}};
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
