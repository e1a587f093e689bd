// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tests/support/listener.hpp"

namespace sluice::test {

// A listener that says it wants TLS and then never another word.
class SilentTlsPeer {
 public:
  ~SilentTlsPeer() {
    listener_.stop();
    for (const int peer : peers_) ::close(peer);
  }
  std::uint16_t port() const { return listener_.port(); }
  std::string url() const { return "tls://127.0.0.1:" + std::to_string(port()); }
  std::size_t visitors() {
    const std::lock_guard lock(mutex_);
    return peers_.size();
  }

 private:
  void greet(int peer) {
    const std::string info =
        "INFO {\"server_id\":\"S\",\"version\":\"2.9.10\",\"max_payload\":1048576,"
        "\"headers\":true,\"tls_required\":true}\r\n";
    (void)!::write(peer, info.data(), info.size());
    const std::lock_guard lock(mutex_);
    peers_.push_back(peer);
  }
  std::mutex mutex_;
  std::vector<int> peers_;
  Listener listener_{[this](int peer) { greet(peer); }};  // last: it uses the others
};

}  // namespace sluice::test
