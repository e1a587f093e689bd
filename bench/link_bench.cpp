// SPDX-License-Identifier: Apache-2.0
// Bytes on the link, TCP payload both ways with TLS: per event of a backlog, and per idle day,
// extrapolated from an idle stretch. Pings go every 2 minutes and reports every 5, so the stretch
// should be a multiple of 10.
//
//     link_bench [--events=20000] [--idle-seconds=600]
#include <thread>

#include "bench/filled_log.hpp"
#include "bench/gateway.hpp"
#include "bench/hub.hpp"
#include "bench/report.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace sluice::bench {
namespace {

using Way = test::TcpProxy::Way;

constexpr double kDay = 86'400;
constexpr double kLimit = 300;  // kB a day
constexpr std::uint64_t kOwnEvents = 8;
constexpr std::chrono::seconds kSettle{90};  // the report of the change goes within a minute

// An authority and one server certificate of it, for 127.0.0.1.
class Certificates {
 public:
  Certificates() {
    folder_.write("server.ext", "subjectAltName=IP:127.0.0.1");
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=bench", "-days", "2"});
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", "/CN=server"});
    openssl({"x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"),
             "-CAcreateserial", "-out", at("server.pem"), "-days", "2", "-extfile",
             at("server.ext")});
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

 private:
  static void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const auto done = test::run(arguments);
    if (done.code != 0) give_up("openssl: " + done.output);
  }
  test::TempDir folder_;
};

void run(std::uint64_t events, long idle_seconds) {
  const Certificates certificates;
  nats::LoginSettings login;
  login.tls = true;
  login.ca_file = certificates.at("ca.pem");
  Hub hub({.config = "tls { cert_file: \"" + certificates.at("server.pem") + "\", key_file: \"" +
                     certificates.at("server.key") + "\" }"},
          login);
  test::TcpProxy proxy(hub.port());
  Gateway gateway({.nats_url = proxy.url("tls"),
                   .uplink = "ca_file = \"" + certificates.at("ca.pem") + "\"\n"});
  {
    Workload workload(Ids::kV7);
    OpenLog(gateway.log_folder()).fill(events, workload);
  }
  gateway.start();
  gateway.start_uplink();
  hub.wait_for(events + kOwnEvents, 120);
  const double per_event = static_cast<double>(proxy.bytes()) / static_cast<double>(events);
  print({"bytes on the link per event of 250 bytes, TLS, both ways", per_event, "bytes/event",
         rounded(static_cast<double>(proxy.passed(Way::kUp)) / static_cast<double>(events)) +
             " up, " +
             rounded(static_cast<double>(proxy.passed(Way::kDown)) / static_cast<double>(events)) +
             " down; the body alone: " + std::to_string(kBodyBytes),
         per_event / static_cast<double>(kBodyBytes)});
  if (idle_seconds == 0) return;
  std::this_thread::sleep_for(kSettle);
  const std::uint64_t before = proxy.bytes();
  const Stopwatch watch;
  std::this_thread::sleep_for(std::chrono::seconds(idle_seconds));
  const auto bytes = static_cast<double>(proxy.bytes() - before);
  if (proxy.connections() != 1) give_up("the link was not held");
  const double per_day = bytes * kDay / watch.seconds() / 1000;
  print({"bytes on the link of an idle day, TLS, both ways",
         per_day,
         "kB/day",
         "from " + rounded(bytes) + " bytes in " + std::to_string(idle_seconds) + " s",
         per_day / kLimit,
         {},
         kLimit});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const auto events = static_cast<std::uint64_t>(arguments.number("events", 20'000));
  const long idle_seconds = arguments.number("idle-seconds", 600);
  arguments.finish();
  run(events, idle_seconds);
}
