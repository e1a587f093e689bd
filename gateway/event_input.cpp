// SPDX-License-Identifier: Apache-2.0
#include "gateway/event_input.hpp"

#include "core/codec/data.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"
#include "gateway/json_skim.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;
using storage::Expected;
using storage::NewEvent;

core::Error bad(std::string_view field, std::string message) {
  return fail(Errc::kBadRequest, std::move(message), std::string(field));
}

core::Error in_field(core::Error error, std::string_view field) {
  error.field = field;
  return error;
}

core::Result<Expected> parse_expected(const rpc::Value& value) {
  const auto version = value.unsigned_integer();
  if (version == 0u) return Expected{Expected::Kind::kNone, 0};
  if (version) return Expected{Expected::Kind::kExact, *version};
  const auto word = value.text();
  if (word == "any") return Expected{};
  if (word == "none") return Expected{Expected::Kind::kNone, 0};
  if (word == "exists") return Expected{Expected::Kind::kExists, 0};
  return bad("expect", "expect is \"any\", \"none\", \"exists\" or a version");
}

core::Result<core::Uuid> parse_id(const rpc::Value& value) {
  core::Uuid id;
  if (const auto bytes = value.bytes(); bytes && bytes->size() == id.bytes.size()) {
    std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
    return id;
  }
  const auto text = value.text();
  if (!text) return bad("id", "an id is a UUID, as text or as 16 bytes");
  auto parsed = core::Uuid::parse(*text);
  if (!parsed) return in_field(parsed.error(), "id");
  return *parsed;
}

core::Result<std::int64_t> parse_occurred_at(const rpc::Value& value) {
  if (const auto ns = value.integer()) return *ns;
  const auto text = value.text();
  if (!text)
    return bad("occurred_at",
               "occurred_at is nanoseconds since 1970, or text like "
               "2026-11-21T03:14:15.5Z");
  auto parsed = core::parse_time(*text);
  if (!parsed) return in_field(parsed.error(), "occurred_at");
  return *parsed;
}

// Collects the members of one event, whatever form they came in.
class Builder {
 public:
  // All but data. Repeated and unknown names are refused: a misspelt "expect" must not be a wish
  // that nobody hears.
  core::Result<void> set(std::string_view name, const rpc::Value& value) {
    if (name == "stream") return set_stream(value);
    if (name == "type") return set_type(value);
    if (name == "id") return store(seen_id_, "id", parse_id(value), event_.id, value);
    if (name == "occurred_at")
      return store(seen_time_, "occurred_at", parse_occurred_at(value), event_.occurred_at_ns,
                   value);
    if (name == "expect") {
      SLUICE_TRY(once(seen_expect_, "expect"));
      const auto expected = parse_expected(value);
      if (!expected) return expected.error();
      event_.expected = *expected;
      return {};
    }
    return bad(core::printable(name), "an event has no member '" + core::printable(name) +
                                          "', only stream, type, data, id, occurred_at, expect");
  }

  core::Result<void> set_data(core::Result<std::string> canonical) {
    SLUICE_TRY(once(seen_data_, "data"));
    if (!canonical) return in_field(canonical.error(), "data");
    event_.data = std::move(*canonical);
    return {};
  }

  core::Result<NewEvent> finish() {
    if (!seen_stream_) return bad("stream", "an event needs a stream");
    if (!seen_type_) return bad("type", "an event needs a type");
    if (!seen_data_) return bad("data", "an event needs data (null will do)");
    return std::move(event_);
  }

 private:
  static core::Result<void> once(bool& seen, std::string_view name) {
    if (std::exchange(seen, true)) return bad(name, std::string(name) + " is given twice");
    return {};
  }
  core::Result<void> set_stream(const rpc::Value& value) {
    SLUICE_TRY(once(seen_stream_, "stream"));
    const auto text = value.text();
    if (!text) return bad("stream", "a stream is text like pump/7");
    auto stream = core::StreamName::parse(*text);
    if (!stream) return in_field(stream.error(), "stream");
    event_.stream = std::move(*stream);
    return {};
  }
  core::Result<void> set_type(const rpc::Value& value) {
    SLUICE_TRY(once(seen_type_, "type"));
    const auto text = value.text();
    if (!text) return bad("type", "a type is text");
    const auto checked = core::check_type(*text);
    if (!checked) return in_field(checked.error(), "type");
    event_.type = *text;
    return {};
  }
  // nil is the same as not given.
  template <class T>
  core::Result<void> store(bool& seen, std::string_view name, core::Result<T> parsed,
                           std::optional<T>& target, const rpc::Value& value) {
    SLUICE_TRY(once(seen, name));
    if (value.is_nil()) return {};
    if (!parsed) return parsed.error();
    target = *parsed;
    return {};
  }

  NewEvent event_;
  bool seen_stream_ = false, seen_type_ = false, seen_data_ = false, seen_id_ = false,
       seen_time_ = false, seen_expect_ = false;
};

}  // namespace

core::Result<NewEvent> event_from_value(const rpc::Value& map, const InputLimits& limits) {
  if (map.kind() != rpc::Value::Kind::kMap) return bad("", "an event is a map");
  Builder builder;
  for (rpc::Items items(map); items.left() > 0;) {
    const auto name = items.next().text();
    const rpc::Value value = items.next();
    if (!name) return bad("", "the keys of an event are text");
    SLUICE_TRY(*name == "data" ? builder.set_data(codec::canonical_data(
                                     value.encoded(), {.bytes = limits.data_bytes}))
                               : builder.set(*name, value));
  }
  return builder.finish();
}

core::Result<NewEvent> event_from_json(std::string_view object, const InputLimits& limits) {
  const auto members = json_members(object);
  if (!members) return members.error();
  Builder builder;
  for (const JsonMember& member : *members) {
    const auto name = codec::json_to_data(member.key);
    if (!name) return in_field(name.error(), "");
    const auto key = rpc::Value::trusted(*name).text();
    if (key == "data") {
      SLUICE_TRY(builder.set_data(codec::json_to_data(member.value, {.bytes = limits.data_bytes})));
      continue;
    }
    const auto value = codec::json_to_data(member.value);
    if (!value) return in_field(value.error(), key.value_or(""));
    SLUICE_TRY(builder.set(key.value_or(""), rpc::Value::trusted(*value)));
  }
  return builder.finish();
}

core::Result<storage::AppendRequest> request_from_params(const rpc::Value& params,
                                                         const InputLimits& limits) {
  const rpc::Value events = params.at(0);
  if (params.size() != 1 || events.kind() != rpc::Value::Kind::kArray)
    return bad("", "append takes one array of events");
  if (events.size() == 0) return bad("", "append needs at least one event");
  if (events.size() > core::limits::kAtomicAppendEvents)
    return fail(Errc::kTooLarge, "an atomic append has at most " +
                                     std::to_string(core::limits::kAtomicAppendEvents) + " events");
  storage::AppendRequest request;
  request.events.reserve(events.size());
  for (rpc::Items items(events); items.left() > 0;) {
    auto event = event_from_value(items.next(), limits);
    if (!event) {
      core::Error error = event.error();
      if (events.size() > 1)
        error.message = "event " + std::to_string(request.events.size()) + ": " + error.message;
      return error;
    }
    request.events.push_back(std::move(*event));
  }
  return request;
}

// At least what storage counts, so that its own limit is never met in the middle of a pipeline.
std::size_t cost_bytes(const storage::AppendRequest& request) {
  std::size_t bytes = 0;
  for (const NewEvent& event : request.events)
    bytes += 256 + event.stream.category.size() + event.stream.entity.size() + event.type.size() +
             event.data.size();
  return bytes;
}

}  // namespace sluice::gateway
