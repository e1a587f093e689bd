// SPDX-License-Identifier: Apache-2.0
#include "tests/hub/event_reader.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace sluice::test {

EventReader::EventReader(const HubProgram& hub, const std::string& target, const std::string& more)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::string url = hub.address();
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to the hub");
  const timeval wait{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    throw std::runtime_error("cannot send to the hub");
  while (raw_.find("\r\n\r\n") == std::string::npos && receive()) {
  }
  head_ = raw_.substr(0, raw_.find("\r\n\r\n"));
  raw_.erase(0, head_.size() + 4);
}

EventReader::~EventReader() {
  ::close(fd_);
}

SentEvent EventReader::next() {
  for (;;) {
    dechunk();
    const auto end = text_.find("\n\n");
    if (end == std::string::npos) {
      if (ended_ || !receive()) return {};
      continue;
    }
    const std::string block = text_.substr(0, end + 1);
    text_.erase(0, end + 2);
    SentEvent out;
    std::string data;
    std::size_t at = 0;
    while (at < block.size()) {
      const auto line = block.substr(at, block.find('\n', at) - at);
      at += line.size() + 1;
      if (line.starts_with("event: ")) out.event = line.substr(7);
      if (line.starts_with("id: ")) out.id = line.substr(4);
      if (line.starts_with("data: ")) data += line.substr(6);
    }
    if (out.event.empty()) continue;  // a beat
    auto parsed = core::parse_json(data);
    if (!parsed || !parsed->is_object()) throw std::runtime_error("not a JSON object: " + data);
    out.data = parsed->as_object();
    return out;
  }
}

bool EventReader::receive() {
  char buffer[16384];
  const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
  if (size <= 0) return false;
  raw_.append(buffer, static_cast<std::size_t>(size));
  return true;
}

void EventReader::dechunk() {
  for (;;) {
    const auto line = raw_.find("\r\n");
    if (line == std::string::npos) return;
    const std::size_t size = std::stoul(raw_.substr(0, line), nullptr, 16);
    if (raw_.size() < line + 2 + size + 2) return;
    text_ += raw_.substr(line + 2, size);
    raw_.erase(0, line + 2 + size + 2);
    if (size == 0) {
      ended_ = true;
      return;
    }
  }
}

}  // namespace sluice::test
