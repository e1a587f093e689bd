// SPDX-License-Identifier: Apache-2.0
#include "cli/outgoing_event.hpp"

#include "cli/units.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using rpc::Value;

// A line is a little more than its data: one level of nesting and a few fields.
codec::DataLimits line_limits() {
  codec::DataLimits limits;
  limits.bytes += core::limits::kBodyOverheadBytes;
  limits.depth += 1;
  limits.nodes += 16;
  return limits;
}

Result<std::string> text_of(Value value, const char* field) {
  if (const auto text = value.text()) return std::string(*text);
  return fail(Errc::kBadRequest, std::string(field) + " must be text", field);
}

Result<void> take_field(OutgoingEvent& event, std::string_view key, Value value) {
  if (key == "data") {
    event.data = std::string(value.encoded());
    return {};
  }
  if (key == "stream" || key == "type") {
    auto text = text_of(value, key == "stream" ? "stream" : "type");
    if (!text) return text.error();
    (key == "stream" ? event.stream : event.type) = std::move(*text);
    return {};
  }
  if (key == "id") {
    if (value.is_nil()) return {};
    const auto text = text_of(value, "id");
    if (!text) return text.error();
    const auto id = core::Uuid::parse(*text);
    if (!id) return fail(Errc::kBadRequest, id.error().message, "id");
    event.id = *id;
    return {};
  }
  if (key == "occurred_at") {
    if (value.is_nil()) return {};
    if (const auto ns = value.integer()) {
      event.occurred_at_ns = *ns;
      return {};
    }
    auto text = text_of(value, "occurred_at");
    if (!text) return text.error();
    event.occurred_at = std::move(*text);
    return {};
  }
  if (key == "expect") {
    if (const auto version = value.unsigned_integer()) {
      event.expect = std::to_string(*version);
      return {};
    }
    auto text = text_of(value, "expect");
    if (!text) return text.error();
    event.expect = std::move(*text);
    return check_expect(event.expect);
  }
  return fail(Errc::kBadRequest,
              "unknown field; an event has stream, type, data, id, occurred_at and expect",
              core::printable(key));
}

}  // namespace

std::string OutgoingEvent::append_params() const {
  rpc::Packer packer;
  const bool timed = occurred_at || occurred_at_ns;
  packer.array(1).array(1).map(3u + (id ? 1 : 0) + (timed ? 1 : 0) + (expect.empty() ? 0 : 1));
  packer.text("stream").text(stream).text("type").text(type).text("data").raw(data);
  if (id) packer.text("id").text(id->text());
  if (occurred_at_ns)
    packer.text("occurred_at").integer(*occurred_at_ns);
  else if (occurred_at)
    packer.text("occurred_at").text(*occurred_at);
  if (!expect.empty()) {
    packer.text("expect");
    if (const auto version = parse_count(expect, "expect"))
      packer.unsigned_integer(*version);
    else
      packer.text(expect);
  }
  return packer.take();
}

Result<OutgoingEvent> event_from_json(std::string_view line) {
  const auto encoded = codec::json_to_data(line, line_limits());
  if (!encoded) return encoded.error();
  const Value all = Value::trusted(*encoded);
  if (all.kind() != Value::Kind::kMap)
    return fail(Errc::kBadRequest, "a line must be one JSON object with stream, type and data");
  OutgoingEvent event;
  for (rpc::Items items(all); items.left() > 0;) {
    const Value key = items.next();
    SLUICE_TRY(take_field(event, key.text().value_or(""), items.next()));
  }
  const auto missing = [](const char* field) {
    return fail(Errc::kBadRequest, std::string(field) + " is missing", field);
  };
  if (event.stream.empty()) return missing("stream");
  if (event.type.empty()) return missing("type");
  if (event.data.empty()) return missing("data");
  return event;
}

Result<void> check_expect(std::string_view expect) {
  if (expect == "any" || expect == "none" || expect == "exists" || parse_count(expect, "expect"))
    return {};
  return fail(Errc::kBadRequest,
              "'" + core::printable(expect) + "' is none of any, none, exists and a version",
              "expect");
}

}  // namespace sluice::cli
