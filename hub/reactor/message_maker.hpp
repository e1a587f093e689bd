// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/event.hpp"
#include "core/result.hpp"
#include "hub/outbound/outbound.hpp"
#include "projection/reactor/reactor.hpp"

namespace sluice::hub {

// Makes the message that a reaction sends for an event, the same for each try but for its time.
// Whatever the event's values hold, they end up as values: in a JSON string, in one header's line
// (control characters become spaces, a mail's subject is encoded), in a base64 body; an address is
// taken only as one plain address. Immutable; any thread.
class MessageMaker {
 public:
  // Reads the files of secrets and logins that the reactor names. kConfig: one cannot be read, or
  // is empty.
  static core::Result<std::unique_ptr<MessageMaker>> load(
      std::shared_ptr<const projection::Reactor> reactor);

  // kBadRequest: the event has no such field, or its value is no address: trying again cannot help.
  core::Result<outbound::Message> make(const projection::Reaction& reaction,
                                       const core::EventView& event, std::string_view key,
                                       std::int64_t now_ns) const;

 private:
  explicit MessageMaker(std::shared_ptr<const projection::Reactor> reactor)
      : reactor_(std::move(reactor)) {}
  core::Result<outbound::Message> post(const projection::Reaction& reaction,
                                       const projection::Webhook& webhook,
                                       const core::EventView& event, std::string_view key,
                                       std::int64_t now_ns) const;
  core::Result<outbound::Message> mail(const projection::Email& email, const core::EventView& event,
                                       std::string_view key, std::int64_t now_ns) const;

  std::shared_ptr<const projection::Reactor> reactor_;
  std::map<std::string, std::string> secrets_;  // by file
};

// "t=<seconds>,v1=<hex>": HMAC-SHA-256 over "<seconds>.<body>", so that an old message cannot be
// sent again as a new one.
std::string webhook_signature(std::string_view secret, std::int64_t now_ns, std::string_view body);

}  // namespace sluice::hub
