// SPDX-License-Identifier: Apache-2.0
// A backlog over a thin link, 1 Mbit/s and 100 ms each way: the share of the link that it uses, and
// how long an alarm takes that is appended meanwhile, from its append to a subscriber at the hub.
//
//     thin_link_bench [--events=50000] [--bytes-per-second=125000] [--delay-ms=100]
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "bench/filled_log.hpp"
#include "bench/gateway.hpp"
#include "bench/hub.hpp"
#include "bench/report.hpp"
#include "core/codec/event_codec.hpp"
#include "rpc/blocking_client.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace sluice::bench {
namespace {

constexpr std::chrono::milliseconds kAlarmEvery{700};
constexpr double kLimit = 2;  // seconds
constexpr double kShare = 0.8;

// When each alarm came to the hub, by its entity.
class Arrivals {
 public:
  explicit Arrivals(nats::Connection& hub) {
    subscription_ = need(hub.subscribe("ev.main.*.alarm.alert.>", [this](nats::Message message) {
      const auto event = codec::decode_event(message.payload());
      if (!event) return;
      const std::lock_guard lock(mutex_);
      // A second copy of it would be no later alarm.
      came_.emplace(std::string(event->entity), watch_.seconds());
    }));
    need(hub.flush(std::chrono::seconds(5)));
  }
  double now() const { return watch_.seconds(); }
  std::optional<double> of(const std::string& entity) {
    const std::lock_guard lock(mutex_);
    const auto found = came_.find(entity);
    if (found == came_.end()) return std::nullopt;
    return found->second;
  }

 private:
  Stopwatch watch_;
  std::mutex mutex_;
  std::map<std::string, double> came_;
  std::unique_ptr<nats::Subscription> subscription_;
};

void append_alarm(rpc::BlockingClient& client, const std::string& entity) {
  rpc::Packer params;
  params.array(1).array(1).map(3).text("stream").text("alert/" + entity);
  params.text("type").text("Overheated").text("data").map(1).text("celsius").float64(90.5);
  need(client.call("append", params.take()));
}

void run(std::uint64_t events, std::uint64_t rate, std::chrono::milliseconds delay) {
  Hub hub;
  test::TcpProxy proxy(hub.port());
  proxy.set_delay(delay);
  proxy.set_rate(rate);
  Gateway gateway({.nats_url = proxy.url(), .more = "[gateway.lanes]\nalert = \"alarm\"\n"});
  {
    Workload workload(Ids::kV7);
    OpenLog(gateway.log_folder()).fill(events, workload);
  }
  gateway.start();
  auto client = need(rpc::BlockingClient::connect(gateway.socket()));
  Arrivals arrivals(hub.connection());
  gateway.start_uplink();
  hub.wait_for(1, 60);

  const Stopwatch watch;
  const std::uint64_t before = proxy.passed(test::TcpProxy::Way::kUp);
  std::map<std::string, double> appended;
  std::uint64_t stored = 0;
  while (stored < events && watch.seconds() < 1'200) {
    const std::string entity = std::to_string(appended.size());
    appended[entity] = arrivals.now();
    append_alarm(client, entity);
    std::this_thread::sleep_for(kAlarmEvery);
    stored = hub.messages();
  }
  const double seconds = watch.seconds();
  if (stored < events) give_up("the backlog did not drain");
  const auto bytes = static_cast<double>(proxy.passed(test::TcpProxy::Way::kUp) - before);
  const double share = bytes / seconds / static_cast<double>(rate);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  std::vector<double> waits;
  for (const auto& [entity, at] : appended) {
    const auto came = arrivals.of(entity);
    if (!came) give_up("alarm " + entity + " did not arrive");
    waits.push_back(*came - at);
  }
  const std::string link = rounded(static_cast<double>(rate) * 8 / 1e6) + " Mbit/s, " +
                           std::to_string(delay.count()) + " ms each way, backlog of " +
                           std::to_string(events);
  print({"share of the link used, " + link, share, "", "in " + rounded(seconds) + " s",
         share / kShare, 1.0});
  const double worst = *std::max_element(waits.begin(), waits.end());
  print({"alarm on that link meanwhile, slowest of " + std::to_string(waits.size()),
         worst,
         "s",
         "median " + rounded(median(waits)) + " s, p99 " + rounded(percentile(waits, 99)) + " s",
         worst / kLimit,
         {},
         kLimit});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const auto events = static_cast<std::uint64_t>(arguments.number("events", 50'000));
  const auto rate = static_cast<std::uint64_t>(arguments.number("bytes-per-second", 125'000));
  const std::chrono::milliseconds delay(arguments.number("delay-ms", 100));
  arguments.finish();
  run(events, rate, delay);
}
