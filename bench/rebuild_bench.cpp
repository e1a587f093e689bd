// SPDX-License-Identifier: Apache-2.0
// A model of many events is given a new version, which sluice-hub builds beside and switches to,
// while events go on coming and a reader polls. Each of the reader's answers is judged. The peer
// is the same program that builds the first version from the same stream.
//
//     rebuild_bench [--events=2000000] [--live=1000]
#include <thread>

#include <csignal>

#include "bench/report.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/hub/version_reader.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using test::HubProgram;
using test::summed_model;
using test::TestPublisher;

constexpr std::chrono::milliseconds kLimit = 30min;

core::json::object pumps(const HubProgram& hub) {
  return core::json::object(hub.json("/v1/models").at("models").as_array().at(0).as_object());
}

std::int64_t applied(const HubProgram& hub) {
  const auto rows = hub.json("/v1/models/pumps/sums").at("rows").as_array();
  return rows.empty() ? 0 : rows[0].as_object().at("n").as_int64();
}

// `per_second` events, ten times a second, until it is told to stop.
class Traffic {
 public:
  Traffic(const std::string& url, core::Seq from, core::Seq per_second)
      : last_(from), thread_([this, url, per_second] { run(url, per_second); }) {}
  ~Traffic() { stop(); }
  core::Seq stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return last_;
  }

 private:
  void run(const std::string& url, core::Seq per_second) {
    TestPublisher publisher(url);
    auto next = std::chrono::steady_clock::now();
    while (!stopping_) {
      const core::Seq some = std::max<core::Seq>(1, per_second / 10);
      publisher.events({}, last_ + 1, last_ + some);
      last_ += some;
      std::this_thread::sleep_until(next += 100ms);
    }
  }
  std::atomic<bool> stopping_{false};
  std::atomic<core::Seq> last_;
  std::thread thread_;
};

void measure(Arguments arguments) {
  const auto events = static_cast<core::Seq>(arguments.number("events", 2'000'000));
  const auto live = static_cast<core::Seq>(arguments.number("live", 1'000));
  arguments.finish();

  test::NatsServer server;
  TestPublisher publisher(server.url());
  publisher.make_hub_stream("main");
  publisher.epoch_opened({}, 1);
  publisher.events({}, 2, events + 1);

  HubProgram::Options options;
  options.model = summed_model(1, "whole", false);
  const Stopwatch first;
  HubProgram hub(server.url(), options);
  if (!test::eventually([&] { return applied(hub) == static_cast<std::int64_t>(events); }, kLimit))
    give_up("the first version was not built:\n" + hub.log());

  const double first_rate = static_cast<double>(events) / first.seconds();

  Traffic traffic(server.url(), events + 1, live);
  test::VersionReader reader(hub);
  const Stopwatch watch;
  hub.folder().write("pumps.model.toml", summed_model(2, "whole", false));
  hub.process().signal(SIGHUP);
  double caught_up = 0;
  if (!test::eventually(
          [&] {
            const auto now = pumps(hub);
            if (caught_up == 0 && !now.at("building").is_null() &&
                now.at("building").as_object().at("state").as_string() != "reading")
              caught_up = watch.seconds();
            return now.at("serving").as_string() == "2";
          },
          kLimit))
    give_up("the second version does not serve:\n" + hub.log());
  const double switched = watch.seconds();
  const auto all = static_cast<std::int64_t>(traffic.stop()) - 1;
  if (!test::eventually([&] { return applied(hub) == all; }, kLimit))
    give_up("events are missing after the switch:\n" + hub.log());
  reader.stop();
  if (reader.wrong_answers() != 0) std::fprintf(stderr, "%s", reader.wrong().c_str());

  const std::string size = std::to_string(events) + " events, " + std::to_string(live) +
                           " events/s coming, a reader that polls";
  const double rate = static_cast<double>(events) / (caught_up > 0 ? caught_up : switched);
  print({.figure = "rebuild of a model beside the one that serves, " + size,
         .value = rate,
         .unit = "events/s",
         .limit_or_peer = "the first version, with no traffic and no reader beside it: " +
                          rounded(first_rate) + " events/s",
         .ratio = rate / first_rate});
  print({.figure = "from the new definition to the switch, the check of a sample included",
         .value = switched,
         .unit = "s",
         .limit_or_peer = caught_up > 0 ? "caught up after " + rounded(caught_up) + " s" : "",
         .ratio = std::nullopt});
  print({.figure = "wrong answers in that whole run",
         .value = static_cast<double>(reader.wrong_answers()),
         .unit = "answers",
         .limit_or_peer = "of " + std::to_string(reader.answers()) + ", " +
                          std::to_string(reader.refused()) + " refused",
         .ratio = std::nullopt,
         .at_most = 0});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** words) {
  sluice::bench::measure({count, words});
}
