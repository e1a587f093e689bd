// SPDX-License-Identifier: Apache-2.0
#include "core/write_token.hpp"

#include <charconv>

#include "core/text.hpp"

namespace sluice::core {

std::string write_token(std::string_view gateway, Epoch epoch, Lane lane, Seq seq) {
  return std::string(gateway) + ":" + epoch.text() + ":" + std::string(lane_name(lane)) + ":" +
         std::to_string(seq);
}

Result<Identity> parse_write_token(std::string_view text) {
  const auto bad = [&](const char* why) {
    return fail(Errc::kBadRequest, "'" + printable(text) + "' is not a token of an append: " + why);
  };
  const auto parts = split(text, ':');
  if (parts.size() != 4) return bad("it needs gateway:epoch:lane:seq");
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
  const std::string_view number = parts[3];
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), identity.seq);
  if (error != std::errc{} || end != number.data() + number.size() || identity.seq == 0)
    return bad("the seq is malformed");
  return identity;
}

}  // namespace sluice::core
