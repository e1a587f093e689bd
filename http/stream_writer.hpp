// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "http/event_stream.hpp"
#include "http/session.hpp"

namespace sluice::http {

// Writes an EventStream to one connection, in chunks, as one coroutine on the server's thread:
// what comes, a comment when nothing does, and the last chunk when it ends. It ends the stream when
// the client goes. Internal to http.
class StreamWriter : public std::enable_shared_from_this<StreamWriter> {
 public:
  StreamWriter(HttpSession::Stream& socket, std::shared_ptr<EventStream> stream,
               const ServerSettings& settings, bool chunked)
      : socket_(socket),
        stream_(std::move(stream)),
        settings_(settings),
        chunked_(chunked),
        news_(socket.get_executor()) {}
  ~StreamWriter() { stream_->end(false); }

  // True: it ended in order, and the connection may go on.
  static boost::asio::awaitable<bool> run(std::shared_ptr<StreamWriter> self);
  // The server drains: what waits is written, then the stream ends.
  void end() { stream_->end(true); }

 private:
  boost::asio::awaitable<bool> write(std::string_view piece);
  void watch_client();

  HttpSession::Stream& socket_;
  const std::shared_ptr<EventStream> stream_;
  const ServerSettings& settings_;
  const bool chunked_;
  boost::asio::steady_timer news_;  // cancelled when there is something to do
  bool awake_ = false;              // there was, before news_ was waited for
  bool gone_ = false;               // the client
};

}  // namespace sluice::http
