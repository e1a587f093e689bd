// SPDX-License-Identifier: Apache-2.0
#include "sync/hub_answers.hpp"

#include <charconv>

#include "core/json.hpp"
#include "core/text.hpp"
#include "sync/pub_ack.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;

const core::json::object* child(const core::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::int64_t number(const core::json::object* object, std::string_view key,
                    std::int64_t otherwise) {
  const auto* value = object == nullptr ? nullptr : object->if_contains(key);
  if (value == nullptr) return otherwise;
  if (const auto* found = value->if_int64()) return *found;
  if (const auto* found = value->if_uint64()) return static_cast<std::int64_t>(*found);
  return otherwise;
}

std::string text(const core::json::object* object, std::string_view key) {
  const auto* value = object == nullptr ? nullptr : object->if_contains(key);
  const auto* found = value == nullptr ? nullptr : value->if_string();
  return found == nullptr ? std::string() : std::string(*found);
}

core::Error nobody(const nats::Message& message, const char* what) {
  return fail(Errc::kUnavailable,
              std::string(what) + (message.status() == 503
                                       ? ": nobody answers; is JetStream on, the hub stream made "
                                         "and allow_direct set (sluice provision)?"
                                       : ": status " + std::to_string(message.status())));
}

std::uint64_t header_number(const nats::Message& message, const char* name) {
  const auto found = message.header(name);
  std::uint64_t value = 0;
  if (found) std::from_chars(found->data(), found->data() + found->size(), value);
  return value;
}

}  // namespace

core::Result<HubStream> read_stream_info(const std::string& name, const nats::Message& message) {
  if (message.status() != 0) return nobody(message, "asking for the hub stream");
  const auto document = core::parse_json(message.payload());
  const auto* info = document ? document->if_object() : nullptr;
  if (info == nullptr)
    return fail(Errc::kUnavailable, "unreadable answer about hub stream " + name);
  if (const auto* error = child(*info, "error"); error != nullptr) {
    const auto words = "hub stream " + name + ": " + text(error, "description");
    const bool missing = number(error, "code", 0) == 404;
    return fail(missing ? Errc::kNotFound : Errc::kUnavailable,
                missing ? words + "; make it with sluice provision" : words);
  }
  const auto* state = child(*info, "state");
  const auto* config = child(*info, "config");
  HubStream out;
  out.name = name;
  out.created = text(info, "created");
  out.first_seq = static_cast<std::uint64_t>(number(state, "first_seq", 0));
  out.last_seq = static_cast<std::uint64_t>(number(state, "last_seq", 0));
  const auto message_max = number(config, "max_msg_size", -1);
  if (message_max > 0) out.message_bytes_max = static_cast<std::uint64_t>(message_max);
  if (out.created.empty() || state == nullptr)
    return fail(Errc::kUnavailable, "unreadable answer about hub stream " + name);
  const auto* direct = config == nullptr ? nullptr : config->if_contains("allow_direct");
  if (direct == nullptr || !direct->is_bool() || !direct->get_bool())
    return fail(Errc::kUnavailable,
                "hub stream " + name + " has allow_direct off; mend it with sluice provision");
  return out;
}

core::Result<std::optional<StoredMessage>> read_stored(const nats::Message& message) {
  if (message.status() == 404) return std::optional<StoredMessage>();
  if (message.status() != 0) return nobody(message, "asking for an anchor");
  StoredMessage out;
  out.hub_seq = header_number(message, "Nats-Sequence");
  out.identity = message.header("Nats-Msg-Id").value_or("");
  if (out.hub_seq == 0) return fail(Errc::kUnavailable, "unreadable answer about an anchor");
  return std::optional(std::move(out));
}

core::Result<std::optional<StoredReport>> read_stored_report(const nats::Message& message) {
  if (message.status() == 404) return std::optional<StoredReport>();
  if (message.status() != 0) return nobody(message, "reading the report");
  StoredReport out;
  out.revision = header_number(message, "Nats-Sequence");
  const auto stamp = core::parse_time(message.header("Nats-Time-Stamp").value_or(""));
  if (out.revision == 0 || !stamp) return fail(Errc::kUnavailable, "unreadable report entry");
  out.stored_at_ns = *stamp;
  auto report = codec::decode_report(message.payload());
  // Of a newer program, or an operator's mark of deletion: as if from an unknown machine that went.
  if (!report) return std::optional<StoredReport>();
  out.report = std::move(*report);
  return std::optional(std::move(out));
}

PutAnswer read_put_answer(const nats::Message& message) {
  const auto answer = parse_pub_answer(message.status(), message.payload());
  if (answer.ok) return {PutAnswer::Kind::kStored, answer.ack.hub_seq, {}};
  const bool conflict = answer.error.err_code == 10071 || answer.error.err_code == 10164;
  return {conflict ? PutAnswer::Kind::kConflict : PutAnswer::Kind::kFailed, 0,
          "report: " + answer.error.words};
}

}  // namespace sluice::sync
