// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/result.hpp"

// Messages to the world outside, over libcurl: the only place that sees curl.h.
namespace sluice::outbound {

struct HttpPost {
  std::string url;  // http or https; never another scheme, and redirections are not followed
  std::vector<std::pair<std::string, std::string>>
      headers;  // without line ends, checked by start()
  std::string body;
};

struct Mail {
  std::string server;    // smtp://host:port or smtps://host:port
  bool starttls = true;  // over smtp://: refuse to go on without TLS; false: never try
  std::string user, password, ca_file;  // empty: none, and the system's own authorities
  std::string sender;
  std::vector<std::string> recipients;
  std::string text;  // header and body as RFC 5322 wants them, with CRLF
};

using Message = std::variant<HttpPost, Mail>;

// How one try ended.
struct Answer {
  // False: the receiver cannot have seen anything of the message (no address, no connection, no
  // TLS, no login). True without a code: it may have.
  bool reached = false;
  int code = 0;  // HTTP status or SMTP reply; 0: none came
  std::chrono::seconds retry_after{0};
  std::string words;  // for people: the code, and the first of what was said
};

// Several messages on their way at once, all on the caller's thread; wake() from any.
class Client {
 public:
  static core::Result<std::unique_ptr<Client>> create();
  virtual ~Client() = default;  // what is on its way is cut off

  // kBadRequest: a header that holds a line end. `tag` comes back with the answer.
  virtual core::Result<void> start(std::uint64_t tag, Message message,
                                   std::chrono::milliseconds timeout) = 0;
  struct Done {
    std::uint64_t tag = 0;
    Answer answer;
  };
  // What has ended; waits for the first of them, for wake() or for the time.
  virtual std::vector<Done> wait(std::chrono::milliseconds limit) = 0;
  virtual void wake() = 0;
  virtual std::size_t on_their_way() const = 0;
};

}  // namespace sluice::outbound
