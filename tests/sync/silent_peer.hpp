// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

// A listener that says it wants TLS and then never another word.
class SilentTlsPeer {
 public:
  SilentTlsPeer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~SilentTlsPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (int peer : peers_) ::close(peer);
  }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "tls://127.0.0.1:" + std::to_string(port_); }
  std::size_t visitors() {
    const std::lock_guard lock(mutex_);
    return peers_.size();
  }

 private:
  void serve() {
    for (int peer = -1; (peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const std::string info =
          "INFO {\"server_id\":\"S\",\"version\":\"2.9.10\",\"max_payload\":1048576,"
          "\"headers\":true,\"tls_required\":true}\r\n";
      (void)!::write(peer, info.data(), info.size());
      const std::lock_guard lock(mutex_);
      peers_.push_back(peer);
    }
  }
  int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<int> peers_;
  std::thread thread_;
};

}  // namespace sluice::test
