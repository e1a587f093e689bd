// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "rpc/frame_parser.hpp"

namespace sluice::rpc {

// What client and server sessions share: bytes of a connected socket to messages, and messages to
// bytes, several of them in one write. One thread, that of the socket's executor. Internal to rpc.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;
  using Time = std::chrono::steady_clock::time_point;

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_frame(const Frame& frame) = 0;
    virtual void on_end() = 0;  // the peer will send no more
    virtual void on_broken(
        const core::Error& why) = 0;  // the peer broke the protocol: no more reads
    virtual void on_closed(const core::Error& why) = 0;  // last call; not after close()
    virtual void on_written() = 0;                       // out_bytes() became less
  };

  Connection(Socket socket, const ValueLimits& limits, Owner& owner);
  void start();

  // Queues a message; it is written after the current handler returns.
  void send(std::string_view message);
  std::size_t out_bytes() const { return out_.size() + writing_.size(); }
  // While paused, nothing is read and no on_frame comes.
  void pause() { paused_ = true; }
  void resume();
  std::optional<std::uint32_t> broken_id() const { return parser_.broken_id(); }

  // The oldest moment since which the peer owes us something: the rest of a message that it began,
  // or room for what we write. Time::max() if it owes nothing.
  Time waiting_since() const;

  void stop_reading() { ended_ = true; }
  void close_when_written();          // reads no more
  void close();                       // at once; the owner is not called any more
  void fail(const core::Error& why);  // close(), then on_closed

 private:
  void read();
  void dispatch();
  void write();
  void schedule();

  Socket socket_;
  FrameParser parser_;
  Owner* owner_;
  std::string out_;      // waiting
  std::string writing_;  // given to the kernel
  Time partial_since_ = Time::max();
  Time write_since_ = Time::max();
  bool reading_ = false;
  bool dispatching_ = false;
  bool paused_ = false;
  bool ended_ = false;  // no more reads
  bool scheduled_ = false;
  bool closing_ = false;
};

}  // namespace sluice::rpc
