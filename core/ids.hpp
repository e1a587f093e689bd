// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::core {

// A gateway's name: [a-z0-9-]{1,32}, so that it is one token of a NATS subject as it stands.
class GatewayId {
 public:
  static Result<GatewayId> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const GatewayId&) const = default;

 private:
  explicit GatewayId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A hub stream's short name (`EVENTS-<shard>`): same alphabet and length as a gateway id.
bool is_shard_name(std::string_view text);

// Drawn at every start of the log's writer. Never 0. Its only outside form is 16 lower-case hex
// digits: JavaScript and JSON cannot hold 64 bits.
struct Epoch {
  std::uint64_t value = 0;
  static Result<Epoch> parse(std::string_view hex16);
  std::string text() const;
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const Epoch&) const = default;
};

// A priority class, in the order in which the uplink serves them.
enum class Lane : std::uint8_t { kAlarm = 0, kSystem = 1, kTelemetry = 2, kBulk = 3 };
inline constexpr std::size_t kLaneCount = 4;
inline constexpr std::array<Lane, kLaneCount> kLanes = {Lane::kAlarm, Lane::kSystem,
                                                        Lane::kTelemetry, Lane::kBulk};
constexpr std::size_t index(Lane lane) {
  return static_cast<std::size_t>(lane);
}
std::string_view lane_name(Lane lane);
Result<Lane> parse_lane(std::string_view name);

// A position in a lane: 1, 2, 3 ... without gaps; 0 means "before the first".
using Seq = std::uint64_t;

// `<category>/<entity>`. Both are UTF-8 without control characters; the category holds no '/',
// the entity may. Sizes: limits.hpp. The category `sluice` is Sluice's own (is_reserved).
struct StreamName {
  std::string category;
  std::string entity;
  static Result<StreamName> parse(std::string_view text);
  std::string text() const { return category + "/" + entity; }
  auto operator<=>(const StreamName&) const = default;
};
inline constexpr std::string_view kReservedCategory = "sluice";
// sluice/lane/<lane>: what Sluice has to say of a lane, in lane system. (sluice/<lane> is the
// lane's own: its EpochOpened and gap records.)
StreamName lane_stream(Lane lane);
Result<void> check_category(std::string_view category);
Result<void> check_entity(std::string_view entity);
Result<void> check_type(std::string_view type);

// 128 bits as in RFC 9562.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  static Result<Uuid> parse(std::string_view text);  // 8-4-4-4-12, either case
  std::string text() const;                          // lower case
  bool is_nil() const { return *this == Uuid{}; }
  auto operator<=>(const Uuid&) const = default;
};

// (gateway, epoch, lane, seq): names one event for ever. Written out it is the Nats-Msg-Id:
// "plant-7.0f3a…(16).telemetry.42", and for a gap record "….42-57".
struct Identity {
  std::string gateway;
  Epoch epoch;
  Lane lane = Lane::kTelemetry;
  Seq seq = 0;
  Seq to = 0;  // 0 for an event; the last covered seq for a gap record
  std::string text() const;
  static Result<Identity> parse(std::string_view text);
  bool operator==(const Identity&) const = default;
};

}  // namespace sluice::core

template <>
struct std::hash<sluice::core::Uuid> {
  std::size_t operator()(const sluice::core::Uuid& id) const noexcept;
};
