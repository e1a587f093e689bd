// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/json.hpp"
#include "tests/hub/hub_program.hpp"

namespace sluice::test {

struct SentEvent {
  std::string event;
  std::string id;
  core::json::object data;
};

// A client that reads server-sent events from a chunked answer of a hub.
class EventReader {
 public:
  EventReader(const HubProgram& hub, const std::string& target, const std::string& more = {});
  ~EventReader();
  EventReader(const EventReader&) = delete;
  const std::string& head() const { return head_; }

  // The next event; an empty one when the answer has ended, or nothing came for 20 s.
  SentEvent next();

 private:
  bool receive();
  void dechunk();

  int fd_;
  std::string head_;
  std::string raw_;
  std::string text_;
  bool ended_ = false;
};

}  // namespace sluice::test
