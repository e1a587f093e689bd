// SPDX-License-Identifier: Apache-2.0
#include "core/ids.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/limits.hpp"
#include "core/text.hpp"

namespace sluice::core {
namespace {

bool is_token(std::string_view text, std::size_t size_max) {
  return !text.empty() && text.size() <= size_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

Result<void> check_name(std::string_view text, std::size_t size_max, const char* field) {
  if (text.empty()) return fail(Errc::kBadRequest, std::string(field) + " is empty", field);
  if (text.size() > size_max)
    return fail(Errc::kTooLarge,
                std::string(field) + " has " + std::to_string(text.size()) + " bytes, at most " +
                    std::to_string(size_max) + " are allowed",
                field);
  if (!is_utf8(text)) return fail(Errc::kBadRequest, std::string(field) + " is not UTF-8", field);
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail(Errc::kBadRequest, std::string(field) + " holds a control character", field);
  return {};
}

Result<Seq> parse_seq(std::string_view text) {
  Seq value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || text[0] == '0')
    return fail(Errc::kBadRequest, "'" + printable(text) + "' is not a sequence number");
  return value;
}

constexpr std::array<std::string_view, kLaneCount> kLaneNames = {"alarm", "system", "telemetry",
                                                                 "bulk"};

}  // namespace

Result<GatewayId> GatewayId::parse(std::string_view text) {
  if (!is_token(text, limits::kGatewayIdBytes))
    return fail(Errc::kBadRequest,
                "gateway id '" + printable(text) + "' must be 1 to 32 of a-z, 0-9 and '-'",
                "gateway");
  return GatewayId(std::string(text));
}

bool is_shard_name(std::string_view text) {
  return is_token(text, limits::kGatewayIdBytes);
}

Result<Epoch> Epoch::parse(std::string_view hex16) {
  Epoch epoch;
  const auto [end, error] =
      std::from_chars(hex16.data(), hex16.data() + hex16.size(), epoch.value, 16);
  const bool lower =
      std::none_of(hex16.begin(), hex16.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (hex16.size() != 16 || error != std::errc{} || end != hex16.data() + hex16.size() ||
      epoch.value == 0 || !lower)
    return fail(Errc::kBadRequest,
                "'" + printable(hex16) + "' is not an epoch (16 lower-case hex digits)", "epoch");
  return epoch;
}

std::string Epoch::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (int i = 0; i < 16; ++i)
    out[static_cast<std::size_t>(i)] = kDigits[(value >> (60 - 4 * i)) & 15];
  return out;
}

std::string_view lane_name(Lane lane) {
  return kLaneNames[index(lane)];
}

Result<Lane> parse_lane(std::string_view name) {
  for (const Lane lane : kLanes)
    if (lane_name(lane) == name) return lane;
  return fail(Errc::kBadRequest,
              "'" + printable(name) + "' is not a lane (alarm, system, telemetry, bulk)", "lane");
}

Result<StreamName> StreamName::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail(Errc::kBadRequest,
                "stream '" + printable(text) + "' must be <category>/<entity>, like pump/7",
                "stream");
  StreamName name{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  SLUICE_TRY(check_category(name.category));
  SLUICE_TRY(check_entity(name.entity));
  return name;
}

Result<void> check_category(std::string_view category) {
  SLUICE_TRY(check_name(category, limits::kCategoryBytes, "category"));
  if (category.find('/') != std::string_view::npos)
    return fail(Errc::kBadRequest, "category holds a '/'", "category");
  return {};
}

Result<void> check_entity(std::string_view entity) {
  return check_name(entity, limits::kEntityBytes, "entity");
}

Result<void> check_type(std::string_view type) {
  return check_name(type, limits::kTypeBytes, "type");
}

Result<Uuid> Uuid::parse(std::string_view text) {
  Uuid id;
  const auto bad = [&] {
    return fail(Errc::kBadRequest,
                "'" + printable(text) + "' is not a UUID (8-4-4-4-12 hex digits)", "id");
  };
  if (text.size() != 36) return bad();
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return bad();
      continue;
    }
    int digit = 0;
    if (c >= '0' && c <= '9')
      digit = c - '0';
    else if (c >= 'a' && c <= 'f')
      digit = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      digit = c - 'A' + 10;
    else
      return bad();
    auto& byte = id.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | digit);
    ++nibble;
  }
  return id;
}

std::string Uuid::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

std::string Identity::text() const {
  std::string out =
      gateway + "." + epoch.text() + "." + std::string(lane_name(lane)) + "." + std::to_string(seq);
  if (to != 0) out += "-" + std::to_string(to);
  return out;
}

Result<Identity> Identity::parse(std::string_view text) {
  const auto bad = [&](const char* why) {
    return fail(Errc::kBadRequest, "'" + printable(text) + "' is not an identity: " + why,
                "identity");
  };
  const auto parts = split(text, '.');
  if (parts.size() != 4) return bad("it needs gateway.epoch.lane.seq");
  Identity identity;
  const auto gateway = GatewayId::parse(parts[0]);
  if (!gateway) return bad("the gateway is malformed");
  identity.gateway = gateway->text();
  const auto epoch = Epoch::parse(parts[1]);
  if (!epoch) return bad("the epoch is malformed");
  identity.epoch = *epoch;
  const auto lane = parse_lane(parts[2]);
  if (!lane) return bad("the lane is unknown");
  identity.lane = *lane;
  const std::size_t dash = parts[3].find('-');
  const auto seq = parse_seq(parts[3].substr(0, dash));
  if (!seq) return bad("the seq is malformed");
  identity.seq = *seq;
  if (dash != std::string_view::npos) {
    const auto to = parse_seq(parts[3].substr(dash + 1));
    if (!to || *to < *seq) return bad("the range is malformed");
    identity.to = *to;
  }
  return identity;
}

StreamName lane_stream(Lane lane) {
  return {std::string(kReservedCategory), "lane/" + std::string(lane_name(lane))};
}

}  // namespace sluice::core

std::size_t std::hash<sluice::core::Uuid>::operator()(const sluice::core::Uuid& id) const noexcept {
  // Ids from devices may be sequential (v7): mix both halves instead of taking the random tail.
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::memcpy(&a, id.bytes.data(), 8);
  std::memcpy(&b, id.bytes.data() + 8, 8);
  std::uint64_t x = a ^ (b * 0x9e3779b97f4a7c15u);
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  return static_cast<std::size_t>(x);
}
