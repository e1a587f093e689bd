// SPDX-License-Identifier: Apache-2.0
#include "cli/stream_fold.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"
#include "projection/model/extract.hpp"

namespace sluice::cli {

namespace json = core::json;

namespace {
constexpr std::size_t kRangesMax = 20;
}

bool StreamFold::takes(const core::EventView& event) const {
  return event.gateway == gateway_ && event.category == stream_.category &&
         event.entity == stream_.entity && event.version != 0 &&
         (!limits_.version || event.version <= *limits_.version);
}

void StreamFold::hear(const projection::Incoming& message) {
  if (limits_.stored_ns && message.hub_time_ns > *limits_.stored_ns) return;
  const auto event = codec::decode_event(message.body);
  if (!event || !takes(*event)) return;
  if (!seen_.emplace(event->epoch, event->lane, event->seq).second) return;
  const std::int64_t at_ns = event->occurred_at_ns
                                 ? *event->occurred_at_ns
                                 : projection::corrected(event->recorded.wall_ns, message.clock_ns);
  first_ns_ = seen_.size() == 1 ? at_ns : std::min(first_ns_, at_ns);
  last_ns_ = seen_.size() == 1 ? at_ns : std::max(last_ns_, at_ns);
  version_ = std::max(version_, event->version);
  versions_.insert(event->version);
  std::string text;
  codec::data_to_json(event->data, text);
  const auto data = core::parse_json(text);
  if (data) fold(*event, at_ns, *data);
  newest_[{event->version, event->epoch}] = {
      {"version", event->version},      {"type", event->type},
      {"at", core::format_time(at_ns)}, {"identity", message.msg_id},
      {"position", message.hub_seq},    {"data", data ? *data : json::value()}};
  while (newest_.size() > limits_.newest) newest_.erase(newest_.begin());
}

void StreamFold::fold(const core::EventView& event, std::int64_t at_ns, const json::value& data) {
  const json::object* object = data.if_object();
  if (object == nullptr) return;
  for (const auto& [name, value] : *object) {
    Field& field = fields_[std::string(name)];
    if (event.version < field.version) continue;
    field = {event.version, at_ns, value};
  }
}

json::array StreamFold::missing_versions() const {
  json::array out;
  std::uint64_t next = 1;
  for (const std::uint64_t version : versions_) {
    if (version > next && out.size() < kRangesMax)
      out.push_back(json::object{{"from", next}, {"to", version - 1}});
    next = version + 1;
  }
  return out;
}

json::object StreamFold::json() const {
  json::object fields;
  for (const auto& [name, field] : fields_)
    fields[name] = json::object{
        {"value", field.value}, {"version", field.version}, {"at", core::format_time(field.at_ns)}};
  json::array newest;
  for (auto event = newest_.rbegin(); event != newest_.rend(); ++event)
    newest.push_back(event->second);
  json::object out{
      {"stream", gateway_ + "/" + stream_.text()}, {"version", version_}, {"events", seen_.size()}};
  out["missing"] = missing();
  if (missing() != 0) out["missing_versions"] = missing_versions();
  if (!seen_.empty()) {
    out["first_at"] = core::format_time(first_ns_);
    out["last_at"] = core::format_time(last_ns_);
  }
  out["fields"] = std::move(fields);
  out["newest"] = std::move(newest);
  return out;
}

}  // namespace sluice::cli
