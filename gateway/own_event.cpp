// SPDX-License-Identifier: Apache-2.0
#include "gateway/own_event.hpp"

#include "core/event.hpp"

namespace sluice::gateway {

bool append_own_event(LogDesk& desk, std::string_view entity, std::string_view type,
                      std::string data, LogDesk::Done done, std::function<void()> started) {
  storage::AppendRequest request;
  request.own = true;
  storage::NewEvent event;
  event.stream = {std::string(core::kReservedCategory), std::string(entity)};
  event.type = type;
  event.data = std::move(data);
  request.events.push_back(std::move(event));
  return desk.append(
      std::move(request),
      [done = std::move(done)](core::Result<std::vector<storage::Appended>> result) {
        if (done) done(result ? core::Result<void>() : core::Result<void>(result.error()));
      },
      [started = std::move(started)] {
        if (started) started();
      });
}

}  // namespace sluice::gateway
