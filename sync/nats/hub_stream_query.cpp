// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/hub_stream_query.hpp"


#include "core/text.hpp"

namespace sluice::nats {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

core::Error api_error(const json::object& error) {
  const auto number = [&](const char* key) {
    const json::value* value = error.if_contains(key);
    return value != nullptr && value->is_int64() ? value->as_int64() : 0;
  };
  const json::value* words = error.if_contains("description");
  const std::string text = words != nullptr && words->is_string() ? std::string(words->as_string())
                                                                  : std::string("no description");
  const std::int64_t code = number("code");
  const std::string message = "JetStream: " + text + " (" + std::to_string(code) + ", err_code " +
                              std::to_string(number("err_code")) + ")";
  if (code == 404) return fail(Errc::kNotFound, message);
  if (code == 503) return fail(Errc::kUnavailable, message);
  return fail(Errc::kIo, message);
}

std::uint64_t unsigned_field(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->as_uint64();
  if (value->is_int64() && value->as_int64() >= 0)
    return static_cast<std::uint64_t>(value->as_int64());
  return 0;
}

// The value of one header in a block "NATS/1.0\r\nName: value\r\n...\r\n\r\n".
std::string header_value(std::string_view block, std::string_view name) {
  for (std::string_view line : core::split(block, '\n')) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.size() <= name.size() || line.substr(0, name.size()) != name ||
        line[name.size()] != ':')
      continue;
    line.remove_prefix(name.size() + 1);
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    return std::string(line);
  }
  return {};
}

}  // namespace

Result<json::object> api_request(Connection& connection, const std::string& subject,
                                 std::string_view payload, std::chrono::milliseconds timeout) {
  const auto answer = connection.request(subject, payload, timeout);
  if (!answer) {
    // Nobody answers the API's subject while JetStream starts, or without rights to it.
    if (answer.error().code == Errc::kNotFound)
      return fail(Errc::kUnavailable, "JetStream does not answer on " + subject);
    return answer.error();
  }
  auto parsed = core::parse_json(answer->payload());
  if (!parsed || !parsed->is_object())
    return fail(Errc::kIo, "JetStream's answer on " + subject + " is not a JSON object");
  const json::object& object = parsed->as_object();
  if (const json::value* error = object.if_contains("error");
      error != nullptr && error->is_object())
    return api_error(error->as_object());
  return std::move(parsed->as_object());
}

Result<HubStreamInfo> hub_stream_info(Connection& connection, std::string_view hub_stream,
                                      std::chrono::milliseconds timeout) {
  const auto answer =
      api_request(connection, "$JS.API.STREAM.INFO." + std::string(hub_stream), {}, timeout);
  if (!answer) return answer.error();
  HubStreamInfo info;
  const json::value* created = answer->if_contains("created");
  const json::value* state = answer->if_contains("state");
  if (created == nullptr || !created->is_string() || state == nullptr || !state->is_object())
    return fail(Errc::kIo, "JetStream's STREAM.INFO of " + std::string(hub_stream) +
                               " has no created or state");
  info.created = created->as_string();
  info.first = unsigned_field(state->as_object(), "first_seq");
  info.last = unsigned_field(state->as_object(), "last_seq");
  info.messages = unsigned_field(state->as_object(), "messages");
  info.bytes = unsigned_field(state->as_object(), "bytes");
  if (info.messages == 0) info.first = info.last + 1;  // servers differ here
  return info;
}

Result<std::optional<std::string>> message_id_at(Connection& connection,
                                                 std::string_view hub_stream,
                                                 std::uint64_t sequence,
                                                 std::chrono::milliseconds timeout) {
  const auto answer = api_request(connection, "$JS.API.STREAM.MSG.GET." + std::string(hub_stream),
                                  core::to_json(json::object{{"seq", sequence}}), timeout);
  if (!answer) {
    if (answer.error().code == Errc::kNotFound) return std::optional<std::string>();
    return answer.error();
  }
  const json::value* message = answer->if_contains("message");
  if (message == nullptr || !message->is_object())
    return fail(Errc::kIo, "JetStream's STREAM.MSG.GET has no message");
  const json::value* headers = message->as_object().if_contains("hdrs");
  if (headers == nullptr || !headers->is_string()) return std::optional<std::string>(std::string());
  const auto block = core::from_base64(std::string_view(headers->as_string()));
  if (!block) return fail(Errc::kIo, "JetStream's STREAM.MSG.GET has headers that are not base64");
  return std::optional<std::string>(header_value(*block, "Nats-Msg-Id"));
}

}  // namespace sluice::nats
