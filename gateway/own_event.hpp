// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "gateway/log_desk.hpp"

namespace sluice::gateway {

// Appends one of Sluice's own events: stream sluice/<entity>, lane system. `data` is canonical
// MessagePack (docs/event-format.md, "Sluice's own events"). `done` comes on the I/O thread after
// the commit; without a `done` a refusal is nobody's. False: it waits for its turn, and `started`
// tells when that has come.
bool append_own_event(LogDesk& desk, std::string_view entity, std::string_view type,
                      std::string data, LogDesk::Done done = {},
                      std::function<void()> started = {});

}  // namespace sluice::gateway
