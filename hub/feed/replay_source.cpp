// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/replay_source.hpp"

#include "core/subject.hpp"
#include "hub/feed/incoming_batch.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kAskTimeout{30'000};
constexpr milliseconds kWait{10'000};

class NatsSource final : public ReplaySource {
 public:
  NatsSource(nats::ConnectionOptions options, std::string subject)
      : options_(std::move(options)), subject_(std::move(subject)) {}
  NatsSource(nats::Connection& connection, std::string subject)
      : connection_(&connection), subject_(std::move(subject)) {}
  ~NatsSource() override { consumer_.reset(); }

  Result<HubStreamFacts> facts(const std::string& hub_stream) override {
    SLUICE_TRY(connect());
    const auto info = nats::hub_stream_info(*connection_, hub_stream, kAskTimeout);
    if (!info) return info.error();
    return HubStreamFacts{hub_stream, info->created, info->first, info->last};
  }

  Result<void> seek(const std::string& hub_stream, std::uint64_t from) override {
    SLUICE_TRY(connect());
    consumer_.reset();
    nats::PullOptions pull;
    pull.hub_stream = hub_stream;
    pull.start = from;
    // The subjects of a hub stream begin with its shard.
    const std::string shard = hub_stream.substr(core::hub_stream_name("").size());
    if (!subject_.empty()) pull.filter = "ev." + shard + "." + subject_;
    pull.batch_bytes =
        std::max<std::uint64_t>(pull.batch_bytes, 2 * connection_->server_info().max_payload);
    auto consumer = nats::PullConsumer::create(*connection_, pull);
    if (!consumer) return consumer.error();
    consumer_ = std::move(*consumer);
    return {};
  }

  Result<std::span<const projection::Incoming>> next() override {
    batch_ = {};
    if (!consumer_) return fail(Errc::kInternal, "a replay reads before it has a place");
    if (consumer_->pending() == 0) return batch_.messages();
    auto pulled = consumer_->next(kWait);
    if (!pulled) return pulled.error();
    if (pulled->empty() && consumer_->pending() != 0)
      return fail(Errc::kUnavailable, "the hub stream stopped giving messages before its end");
    batch_ = IncomingBatch(std::move(*pulled));
    return batch_.messages();
  }

 private:
  Result<void> connect() {
    if (connection_ != nullptr) return {};
    auto connection = nats::Connection::connect(options_);
    if (!connection) return connection.error();
    own_ = std::move(*connection);
    connection_ = own_.get();
    return {};
  }

  nats::ConnectionOptions options_;
  std::unique_ptr<nats::Connection> own_;
  nats::Connection* connection_ = nullptr;
  std::string subject_;
  std::unique_ptr<nats::PullConsumer> consumer_;  // ends before its connection
  IncomingBatch batch_;
};

}  // namespace

std::unique_ptr<ReplaySource> nats_source(nats::ConnectionOptions options, std::string subject) {
  return std::make_unique<NatsSource>(std::move(options), std::move(subject));
}

std::unique_ptr<ReplaySource> nats_source(nats::Connection& connection, std::string subject) {
  return std::make_unique<NatsSource>(connection, std::move(subject));
}

}  // namespace sluice::hub
