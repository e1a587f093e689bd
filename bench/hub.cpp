// SPDX-License-Identifier: Apache-2.0
#include "bench/hub.hpp"

#include <chrono>
#include <thread>

#include "bench/report.hpp"
#include "core/subject.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/provision.hpp"

namespace sluice::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kHubStream = core::hub_stream_name("main");
// Asking takes the server's time as well.
constexpr milliseconds kAskEvery{20};

}  // namespace

Hub::Hub(test::NatsServer::Options server, nats::LoginSettings login) : server_(std::move(server)) {
  nats::ConnectionOptions options;
  options.login = std::move(login);
  options.login.urls = {server_.url()};
  options.name = "bench";
  connection_ = need(nats::Connection::connect(options));
  make_stream();
}

void Hub::make_stream() {
  const nats::ProvisionRun run{
      .wish = {.shard = "main", .max_bytes = 4ull << 30, .max_age = std::chrono::nanoseconds{0}}};
  const auto made = need(nats::provision(*connection_, run));
  if (!made.agrees()) give_up("the hub stream is not as it should be");
}

void Hub::delete_stream() {
  for (const std::string& name : {kHubStream, "KV_" + std::string(core::kReportBucket)})
    need(nats::api_request(*connection_, "$JS.API.STREAM.DELETE." + name, "", seconds(30)));
}

std::uint64_t Hub::messages() {
  return need(nats::hub_stream_info(*connection_, kHubStream, seconds(30))).messages;
}

double Hub::wait_for(std::uint64_t messages, double limit) {
  const Stopwatch watch;
  for (;;) {
    const std::uint64_t there = this->messages();
    if (there >= messages) return watch.seconds();
    if (watch.seconds() > limit)
      give_up("after " + rounded(limit) + " s the hub stream has " + std::to_string(there) +
              " messages, not " + std::to_string(messages));
    std::this_thread::sleep_for(kAskEvery);
  }
}

}  // namespace sluice::bench
