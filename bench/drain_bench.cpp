// SPDX-License-Identifier: Apache-2.0
// A backlog drained by sluice-uplink beside a plain nats.c async publish loop: same events, same
// subjects, same Nats-Msg-Ids, same window, same server.
//
//     drain_bench [--rounds=3] [--events=300000]
#include <nats/nats.h>

#include "bench/filled_log.hpp"
#include "bench/gateway.hpp"
#include "bench/hub.hpp"
#include "bench/report.hpp"
#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "storage/log_reader.hpp"

namespace sluice::bench {
namespace {

constexpr std::int64_t kWindow = 256;  // the uplink's default
constexpr double kLimit = 300;
constexpr std::uint64_t kOwnEvents = 8;  // EpochOpened of each lane, from two starts

void check(natsStatus status, const char* doing) {
  if (status != NATS_OK) give_up(std::string(doing) + ": " + natsStatus_GetText(status));
}

// Does what nats.c's own examples do, with the events in memory: nothing is read from a disk, no
// order is watched, no error is answered but by giving up.
class PlainPublisher {
 public:
  explicit PlainPublisher(const std::string& url) {
    check(natsConnection_ConnectTo(&connection_, url.c_str()), "connect");
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = kWindow;
    check(natsConnection_JetStream(&jetstream_, connection_, &options), "JetStream");
  }
  PlainPublisher(const PlainPublisher&) = delete;
  ~PlainPublisher() {
    jsCtx_Destroy(jetstream_);
    natsConnection_Destroy(connection_);
  }

  void publish(const std::string& subject, const std::string& id, const std::string& body) {
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MsgId = id.c_str();
    check(js_PublishAsync(jetstream_, subject.c_str(), body.data(), static_cast<int>(body.size()),
                          &options),
          "publish");
  }
  void finish() { check(js_PublishAsyncComplete(jetstream_, nullptr), "waiting for the acks"); }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* jetstream_ = nullptr;
};

struct Message {
  std::string subject, id, body;
};

std::vector<Message> messages_of(const std::filesystem::path& log_folder) {
  auto reader = need(storage::LogReader::open(log_folder));
  std::vector<Message> messages;
  for (core::Seq from = 1;;) {
    const auto rows = need(reader->read_lane(core::Lane::kTelemetry, from));
    if (rows.empty()) return messages;
    for (const storage::Record& row : rows) {
      const auto event = need(codec::decode_trusted(row.body));
      messages.push_back(
          {core::EventSubject{"main", std::string(kGateway), event.lane,
                              std::string(event.category), std::string(event.type)}
               .text(),
           core::Identity{std::string(kGateway), event.epoch, event.lane, event.seq, 0}.text(),
           row.body});
    }
    from = rows.back().seq + 1;
  }
}

double plain_rate(Hub& hub, const std::vector<Message>& messages) {
  PlainPublisher publisher(hub.url());
  const Stopwatch watch;
  for (const Message& message : messages)
    publisher.publish(message.subject, message.id, message.body);
  publisher.finish();
  return static_cast<double>(messages.size()) / watch.seconds();
}

// From the uplink's start to the last message in the hub stream: login, questions and all.
double drain_rate(Hub& hub, Gateway& gateway, std::uint64_t events) {
  const Stopwatch watch;
  gateway.start_uplink();
  hub.wait_for(events + kOwnEvents, kLimit);
  const double rate = static_cast<double>(events) / watch.seconds();
  gateway.stop_uplink();
  return rate;
}

void run(long rounds, std::uint64_t events) {
  Hub hub;
  std::vector<double> ours, plain;
  for (long round = 0; round < rounds; ++round) {
    Gateway gateway({.nats_url = hub.url()});
    {
      Workload workload(Ids::kV7);
      OpenLog(gateway.log_folder()).fill(events, workload);
    }
    const auto messages = messages_of(gateway.log_folder());
    hub.delete_stream();
    hub.make_stream();
    plain.push_back(plain_rate(hub, messages));
    hub.delete_stream();
    hub.make_stream();
    gateway.start();
    ours.push_back(drain_rate(hub, gateway, events));
  }
  print({"drain of " + std::to_string(events) + " events by sluice-uplink", median(ours),
         "events/s",
         "plain nats.c async publish loop, window 256: " + rounded(median(plain)) + " events/s",
         median(ours) / median(plain), 0.8});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const long rounds = arguments.number("rounds", 3);
  const auto events = static_cast<std::uint64_t>(arguments.number("events", 300'000));
  arguments.finish();
  run(rounds, events);
  nats_Close();
}
