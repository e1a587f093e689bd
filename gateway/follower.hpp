// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "gateway/log_desk.hpp"
#include "rpc/server.hpp"

namespace sluice::gateway {

// Sends a session the events of one lane or all, from a seq on and then as they are committed. It
// reads by cursor, page after page, and the bell only says that there may be more: there is no
// second way for live events, and so no gap and no double where the two would meet.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  // `from` 0: only events that are not there yet.
  Follower(LogDesk& desk, std::weak_ptr<rpc::Session> session, std::optional<core::Lane> lane,
           core::Seq from);
  // Goes on if there is something new and the peer has room. Cheap when there is not.
  void pump();

 private:
  void take(core::Lane lane, core::Result<Page> page);
  LogDesk& desk_;
  const std::weak_ptr<rpc::Session> session_;
  std::array<std::optional<core::Seq>, core::kLaneCount> next_;  // of the lanes that are followed
  bool reading_ = false;
  bool failed_ = false;
};

}  // namespace sluice::gateway
