// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"

namespace sluice::hub {

// Where the hub's own deeds are written down: as events of stream hub/<name>, through the sluiced
// that runs beside it, and always in the log. Any thread; blocks for at most a few seconds.
class Audit {
 public:
  // `socket`: a sluiced's ingest.sock; empty if there is none, and then the log must do.
  Audit(std::string socket, std::string hub_name, core::Logger& log)
      : socket_(std::move(socket)), stream_("hub/" + std::move(hub_name)), log_(log) {}

  // True: an event is durable in the gateway's log. False: no gateway is configured. An error says
  // why the gateway did not take it; the deed itself is done and logged all the same.
  core::Result<bool> record(std::string_view type, const core::json::object& data);

 private:
  const std::string socket_;
  const std::string stream_;
  core::Logger& log_;
  std::mutex mutex_;
};

}  // namespace sluice::hub
