// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway.hpp"

#include "core/codec/json_data.hpp"
#include "rpc/value.hpp"

namespace sluice::cli {

using core::Errc;
using core::fail;
using core::Result;
using rpc::Value;

std::filesystem::path ingest_socket(const std::string& gateway) {
  std::error_code ignored;
  std::filesystem::path path = gateway;
  if (gateway.ends_with('/') || std::filesystem::is_directory(path, ignored)) path /= "ingest.sock";
  return path;
}

Result<rpc::BlockingClient> connect_gateway(const std::string& gateway) {
  const std::filesystem::path socket = ingest_socket(gateway);
  auto client = rpc::BlockingClient::connect(socket);
  if (client) return client;
  core::Error error = client.error();
  if (error.code == Errc::kUnavailable)
    error.message = "no gateway answers at " + socket.string() + " (" + error.message +
                    "); is sluiced running? Name another with --gateway or SLUICE_GATEWAY";
  return error;
}

core::json::object Position::to_json() const {
  if (!placed())
    return {{"gateway", gateway}, {"lane", lane}, {"stream", stream}, {"id", id}, {"ack", ack}};
  return {{"gateway", gateway}, {"epoch", epoch},     {"lane", lane}, {"seq", seq},
          {"stream", stream},   {"version", version}, {"id", id},     {"duplicate", duplicate},
          {"ack", ack},         {"token", token()}};
}

// Made here, so that it is there with a gateway of an older version, too.
std::string Position::token() const {
  return placed() ? gateway + ":" + epoch + ":" + lane + ":" + std::to_string(seq) : std::string();
}

Result<Position> position_of(std::string_view append_result) {
  const auto answer = Value::parse(append_result);
  if (!answer) return answer.error();
  const Value event = answer->at(0);
  const auto text = [&](const char* key) {
    return std::string(event.find(key).text().value_or(""));
  };
  Position at{.gateway = text("gateway"),
              .epoch = text("epoch"),
              .lane = text("lane"),
              .seq = event.find("seq").unsigned_integer().value_or(0),
              .stream = text("stream"),
              .version = event.find("version").unsigned_integer().value_or(0),
              .id = text("id"),
              .duplicate = event.find("duplicate").boolean().value_or(false),
              .ack = std::string(event.find("ack").text().value_or("disk"))};
  if (answer->size() != 1 || (at.placed() && at.seq == 0))
    return fail(Errc::kCorrupt, "the gateway's answer to append has another form");
  return at;
}

Result<core::json::value> document_of(std::string_view encoded) {
  const auto checked = Value::parse(encoded);
  if (!checked) return checked.error();
  std::string text;
  codec::data_to_json(encoded, text);
  return core::parse_json(text);
}

}  // namespace sluice::cli
