// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"
#include "core/subject.hpp"
#include "projection/gate/types.hpp"

namespace sluice::projection {

// Checks messages of a hub stream: the subject, which permissions confine, says who may have sent
// one; the Nats-Msg-Id and the body must say the same gateway, lane, category, type and seq. One
// thread; remembers the subjects that it has seen, which are few.
class MessageCheck {
 public:
  using Wants = std::function<bool(const core::EventSubject&)>;
  // An event whose subject `wants` refuses is taken at its subject's and its Nats-Msg-Id's word,
  // and its body, which may be anything, is not read (Arrival::no_effect). Not so what the gate
  // itself acts on: EpochOpened and gap records.
  explicit MessageCheck(Wants wants = {}) : wants_(std::move(wants)) {}

  // The answer's views point into `msg_id` and `body`; hub_stream, hub_seq and now_ns are left to
  // the caller. kBadRequest: subject, Nats-Msg-Id and body disagree; kCorrupt: the body cannot be
  // read; kUnsupported: a newer format.
  core::Result<Arrival> operator()(std::string_view subject, std::string_view msg_id,
                                   std::string_view body);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Named : core::EventSubject {
    bool no_effect = false;
  };
  core::Result<const Named*> named(std::string_view subject);

  Wants wants_;
  boost::unordered_flat_map<std::string, Named, Hash, std::equal_to<>> subjects_;
  std::string identity_;
};

// The same for a single message. Any thread.
core::Result<Arrival> check_message(std::string_view subject, std::string_view msg_id,
                                    std::string_view body);

}  // namespace sluice::projection
