// SPDX-License-Identifier: Apache-2.0
#include "core/subject.hpp"

#include "core/text.hpp"

namespace sluice::core {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

std::string escape_token(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Result<std::string> unescape_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (is_plain(token[i])) {
      out += token[i];
      continue;
    }
    const std::size_t high =
        i + 1 < token.size() ? kHex.find(token[i + 1]) : std::string_view::npos;
    const std::size_t low = i + 2 < token.size() ? kHex.find(token[i + 2]) : std::string_view::npos;
    if (token[i] != '%' || high == std::string_view::npos || low == std::string_view::npos)
      return fail(Errc::kBadRequest, "'" + printable(token) + "' is not an escaped subject token");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string EventSubject::text() const {
  return "ev." + shard + "." + gateway + "." + std::string(lane_name(lane)) + "." +
         escape_token(category) + "." + escape_token(type);
}

Result<EventSubject> EventSubject::parse(std::string_view subject) {
  const auto parts = split(subject, '.');
  const auto bad = [&](const char* why) {
    return fail(Errc::kBadRequest, "subject '" + printable(subject) + "': " + why, "subject");
  };
  if (parts.size() < 6 || parts[0] != "ev")
    return bad("it is not ev.<shard>.<gateway>.<lane>.<category>.<type>");
  EventSubject out;
  if (!is_shard_name(parts[1])) return bad("the shard is malformed");
  out.shard = parts[1];
  const auto gateway = GatewayId::parse(parts[2]);
  if (!gateway) return bad("the gateway is malformed");
  out.gateway = gateway->text();
  const auto lane = parse_lane(parts[3]);
  if (!lane) return bad("the lane is unknown");
  out.lane = *lane;
  auto category = unescape_token(parts[4]);
  auto type = unescape_token(parts[5]);
  if (!category || !type) return bad("category or type is not escaped as it should be");
  out.category = std::move(*category);
  out.type = std::move(*type);
  return out;
}

std::string hub_stream_name(std::string_view shard) {
  return "EVENTS-" + std::string(shard);
}
std::string hub_stream_subjects(std::string_view shard) {
  return "ev." + std::string(shard) + ".>";
}
std::string gateway_inbox_prefix(std::string_view gateway) {
  return "_INBOX_" + std::string(gateway);
}
std::string live_subject(std::string_view gateway, std::string_view category) {
  return "live." + std::string(gateway) + "." + escape_token(category);
}

std::string need_subject(std::string_view gateway) {
  return "need." + std::string(gateway);
}
std::string report_subject(std::string_view gateway) {
  return "$KV." + std::string(kReportBucket) + "." + std::string(gateway);
}

}  // namespace sluice::core
