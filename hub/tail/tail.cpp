// SPDX-License-Identifier: Apache-2.0
#include "hub/tail/tail.hpp"

#include <pthread.h>

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "core/json.hpp"
#include "core/subject.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;
namespace json = core::json;

namespace {

constexpr milliseconds kAskTimeout{10'000};
constexpr milliseconds kPullWait{200};
constexpr milliseconds kAgain{2'000};

std::string document(const char* key, const json::value& value) {
  return core::to_json(json::object{{key, value}});
}

}  // namespace

Tail::Tail(std::vector<std::string> shards, nats::ConnectionOptions connection, core::Logger& log,
           std::function<void(const core::Error&)> fatal)
    : connection_(std::move(connection)), log_(log), fatal_(std::move(fatal)) {
  for (std::string& name : shards) {
    shards_.push_back(std::make_unique<Shard>());
    shards_.back()->name = std::move(name);
  }
}

Tail::~Tail() {
  stop();
  join();
}

void Tail::start() {
  sender_ = std::thread([this] { send_rounds(); });
  pthread_setname_np(sender_.native_handle(), "tail");
  for (auto& shard : shards_) {
    shard->thread = std::thread([this, &one = *shard] { read(one); });
    pthread_setname_np(shard->thread.native_handle(), "tail-read");
  }
}

void Tail::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (const auto& client : clients_) client->stream->close();
  wake_.notify_all();
}

void Tail::join() {
  if (sender_.joinable()) sender_.join();
  for (auto& shard : shards_)
    if (shard->thread.joinable()) shard->thread.join();
}

void Tail::watch(std::shared_ptr<http::EventStream> stream, TailFilter filter) {
  stream->send(http::server_sent("begin", "{}"));
  const std::lock_guard lock(mutex_);
  if (stopping_) return stream->close();
  looked_ = std::chrono::steady_clock::now();
  clients_.push_back(std::make_shared<Client>(
      Client{std::move(stream), std::move(filter), ring_.newest(), 0, {}}));
  wake_.notify_all();
}

bool Tail::pause(milliseconds wait) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, wait, [this] { return stopping_.load(); });
  return !stopping_;
}

bool Tail::wanted() const {
  const std::lock_guard lock(mutex_);
  return !clients_.empty() || std::chrono::steady_clock::now() - looked_ < kLinger;
}

std::string Tail::trouble() const {
  const std::lock_guard lock(mutex_);
  for (const auto& shard : shards_)
    if (!shard->trouble.empty()) return "shard " + shard->name + ": " + shard->trouble;
  return {};
}

// --- To the clients ------------------------------------------------------------------------------

void Tail::send_rounds() {
  while (!stopping_) {
    std::vector<std::shared_ptr<Client>> serving;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !clients_.empty(); });
      looked_ = std::chrono::steady_clock::now();
      serving = clients_;
    }
    const std::string why = trouble();
    for (const auto& client : serving) serve(*client, why);
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(clients_, [](const auto& client) { return client->stream->closed(); });
    }
    pause(kEvery);
  }
}

void Tail::serve(Client& client, const std::string& why) const {
  if (why != client.told &&
      client.stream->send(http::server_sent("trouble", document("message", json::string(why)))))
    client.told = why;
  TailRing::Batch batch = ring_.after(client.read, client.filter, kPerRound);
  client.read = batch.next;
  client.dropped += batch.dropped;
  for (const auto& event : batch.events)
    if (!client.stream->send(http::server_sent("event", tail_json(*event, kDataBytesMax))))
      client.dropped += 1;
  if (client.dropped > 0 &&
      client.stream->send(http::server_sent("dropped", document("count", client.dropped))))
    client.dropped = 0;
}

// --- From the hub stream -------------------------------------------------------------------------

void Tail::read(Shard& shard) {
  while (!stopping_) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !clients_.empty(); });
    }
    if (stopping_) return;
    const auto ended = session(shard);
    const std::string words = ended ? std::string() : ended.error().message;
    {
      const std::lock_guard lock(mutex_);
      if (!words.empty() && words != shard.trouble)
        log_.warning("tail", words, {{"shard", shard.name}});
      shard.trouble = words;
    }
    if (!ended) pause(kAgain);
  }
}

// Until nobody looks any more, or something fails.
Result<void> Tail::session(Shard& shard) {
  auto options = connection_;
  options.name = "sluice-hub tail/" + shard.name;
  auto connection = nats::Connection::connect(options);
  if (!connection) {
    if (connection.error().code == Errc::kInternal) fatal_(connection.error());
    return connection.error();
  }
  std::uint64_t last = 0;
  while (!stopping_ && wanted()) SLUICE_TRY(read_from_end(**connection, shard, last));
  return {};
}

// Ends when nobody looks, and when the reader has fallen behind. What lies between `last` and the
// hub stream's end is left out.
Result<void> Tail::read_from_end(nats::Connection& connection, Shard& shard, std::uint64_t& last) {
  nats::PullOptions pull;
  pull.hub_stream = core::hub_stream_name(shard.name);
  const auto info = nats::hub_stream_info(connection, pull.hub_stream, kAskTimeout);
  if (!info) return info.error();
  pull.start = info->last + 1;
  pull.batch_bytes =
      std::max<std::uint64_t>(pull.batch_bytes, 2 * connection.server_info().max_payload);
  auto consumer = nats::PullConsumer::create(connection, pull);
  if (!consumer) return consumer.error();
  if (last != 0 && info->last > last) ring_.left_out(info->last - last);
  last = info->last;
  {
    const std::lock_guard lock(mutex_);
    shard.trouble.clear();
  }
  while (!stopping_ && wanted() && (*consumer)->pending() <= kBehindMax) {
    const auto batch = (*consumer)->next(kPullWait);
    if (!batch) return batch.error();
    for (const nats::Pulled& pulled : *batch) take(shard, pulled, last);
  }
  return {};
}

void Tail::take(const Shard& shard, const nats::Pulled& pulled, std::uint64_t& last) {
  last = pulled.sequence;
  const std::string_view body = pulled.message.payload();
  if (!codec::decode_event(body)) return ring_.left_out(1);  // models refuse it, with an alarm
  ring_.push({0, shard.name, pulled.sequence, pulled.stored_ns,
              pulled.message_id().value_or(std::string()), std::string(body)});
}

}  // namespace sluice::hub
