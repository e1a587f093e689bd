// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/subject.hpp"
#include "projection/gate_types.hpp"

namespace sluice::projection {

// Checks messages of a hub stream: the subject, which permissions confine, says who may have sent
// one; the Nats-Msg-Id and the body must say the same gateway, lane, category, type and seq. One
// thread; remembers the subjects that it has seen, which are few.
class MessageCheck {
 public:
  // The answer's views point into `body`; hub_stream, hub_seq and now_ns are left to the caller.
  // kBadRequest: subject, Nats-Msg-Id and body disagree; kCorrupt: the body cannot be read;
  // kUnsupported: a newer format.
  core::Result<Arrival> operator()(std::string_view subject, std::string_view msg_id,
                                   std::string_view body);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  boost::unordered_flat_map<std::string, core::EventSubject, Hash, std::equal_to<>> subjects_;
  std::string identity_;
};

// The same for a single message. Any thread.
core::Result<Arrival> check_message(std::string_view subject, std::string_view msg_id,
                                    std::string_view body);

}  // namespace sluice::projection
