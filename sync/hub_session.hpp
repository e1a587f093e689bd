// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/codec/messages.hpp"
#include "sync/effects.hpp"
#include "sync/nats/connection.hpp"
#include "sync/pub_ack.hpp"
#include "sync/report_keeper.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::sync {

// What a session hears. Called on the thread of the io_context.
class HubListener {
 public:
  virtual ~HubListener() = default;
  virtual void hub_connected(std::size_t max_payload) = 0;
  virtual void hub_failed(core::Error why) = 0;     // could not connect
  virtual void hub_closed(core::Error why) = 0;     // was open
  virtual void hub_complains(core::Error why) = 0;  // goes on, but the server refused something
  virtual void hub_info(core::Result<HubStream> answer) = 0;
  virtual void hub_anchor(core::Lane lane, core::Result<std::optional<StoredMessage>> answer) = 0;
  virtual void hub_answer(core::Lane lane, std::uint64_t token, const PubAnswer& answer) = 0;
  virtual void hub_report(core::Result<std::optional<StoredReport>> answer) = 0;
  virtual void hub_report_put(const PutAnswer& answer) = 0;
  virtual void hub_look() = 0;     // the report was changed by someone else
  virtual void hub_changed() = 0;  // sluice-hub found another hub stream, or less of it
  virtual void hub_need(const codec::Need& need) = 0;
  virtual void hub_alive() = 0;  // the answer to ping()
};

// One connection to a NATS server in the forms that permissions can confine to one gateway
// (docs/security.md). Made by connect() on a thread of its own, since nats.c can hang in it; after
// that everything runs on the io_context's thread. Answers come to one inbox, told apart by its
// last tokens. Destroying it ends the session without a word to the listener.
class HubSession {
 public:
  struct Options {
    nats::ConnectionOptions connection;  // handlers and inbox prefix are set here
    std::string gateway;
    std::string shard;
  };
  HubSession(boost::asio::io_context& io, Options options, HubListener& listener);
  ~HubSession();
  HubSession(const HubSession&) = delete;
  HubSession& operator=(const HubSession&) = delete;

  void ask_stream();
  void ask_anchor(core::Lane lane, const std::string& hub_stream, const std::string& subject);
  void publish(core::Lane lane, std::uint64_t token, const Outgoing& message);
  void publish_live(const std::string& category, std::string_view body);
  // Asks for this gateway's own report, for the sake of an answer, whatever that is.
  void ping();
  void get_report();
  void put_report(std::uint64_t revision, std::string_view payload);

  std::string url() const;  // empty until connected
  nats::Connection::Bytes bytes() const;

 private:
  struct Mailbox;
  void deliver();
  void opened(std::unique_ptr<nats::Connection> connection);
  void take(nats::Message message);
  void send(const std::string& subject, std::string_view payload, const nats::Headers& headers,
            const std::string& tokens);

  Options options_;
  HubListener& listener_;
  std::shared_ptr<Mailbox> mailbox_;
  std::string inbox_;
  std::unique_ptr<nats::Connection> connection_;
  std::unique_ptr<nats::Subscription> answers_;
  std::unique_ptr<nats::Subscription> needs_;
  bool closed_ = false;
};

}  // namespace sluice::sync
