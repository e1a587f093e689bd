// SPDX-License-Identifier: Apache-2.0
// Kills every part of an installation at random moments while devices append, then checks that each
// acknowledged event is in the log, in the hub stream once, and has taken effect once.
//
//     sluice-chaos [--runs N] [--events N] [--seed S] [--minutes M]
//
// Prints one JSON line per run. Exit code 1 after the first run with a violation; its scratch state
// is described on stderr.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "core/json.hpp"
#include "tests/system/chaos_check.hpp"

namespace {

using namespace sluice;
using namespace std::chrono_literals;
using test::Installation;
using test::LoadClient;

constexpr int kClients = 8;

struct Settings {
  std::uint64_t runs = 1;
  std::uint64_t events = 20'000;
  std::uint64_t seed = 1;
  std::uint64_t minutes = 0;  // if set, runs go on for that long
};

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--runs") == 0)
      settings.runs = value;
    else if (std::strcmp(argv[i], "--events") == 0)
      settings.events = value;
    else if (std::strcmp(argv[i], "--seed") == 0)
      settings.seed = value;
    else if (std::strcmp(argv[i], "--minutes") == 0)
      settings.minutes = value;
    else
      return false;
  }
  return argc % 2 == 1;
}

// Kills until the clients are done: any part, at any moment, and starts it again at once.
std::array<std::uint64_t, 4> wreak(Installation& site, core::SeededRandom& random,
                                   const std::atomic<int>& working, std::chrono::seconds limit,
                                   std::atomic<bool>& stop) {
  std::array<std::uint64_t, 4> kills{};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (working > 0) {
    if (std::chrono::steady_clock::now() > deadline) stop = true;
    const auto pause = std::chrono::milliseconds(50 + random.below(400));
    test::eventually([&] { return working == 0; }, pause);
    if (working == 0) break;
    const auto part = Installation::kParts[random.below(4)];
    site.kill(part);
    ++kills[static_cast<std::size_t>(part)];
    // Half of the time the part stays away long enough for the others to notice.
    if (random.below(2) == 0)
      test::eventually([&] { return working == 0; }, std::chrono::milliseconds(random.below(700)));
    site.supervise();
  }
  site.supervise();
  return kills;
}

bool run(const Settings& settings, std::uint64_t seed) {
  core::SeededRandom random(seed);
  Installation site(test::kChaosModel);
  if (!site.start()) {
    std::fprintf(stderr, "the installation did not start\n%s\n", site.logs().c_str());
    return false;
  }
  std::vector<std::unique_ptr<LoadClient>> clients;
  for (int i = 0; i < kClients; ++i)
    clients.push_back(std::make_unique<LoadClient>(site.edge().ingest_socket(), i,
                                                   static_cast<LoadClient::Ids>(i % 3),
                                                   seed * 1000 + static_cast<std::uint64_t>(i)));
  std::atomic<int> working = kClients;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (auto& client : clients)
    threads.emplace_back([&, device = client.get()] {
      device->run((settings.events + kClients - 1) / kClients, stop);
      --working;
    });
  const auto kills = wreak(site, random, working, 300s, stop);
  for (auto& thread : threads) thread.join();
  std::vector<const LoadClient*> devices;
  for (const auto& client : clients) devices.push_back(client.get());
  const auto settle_from = std::chrono::steady_clock::now();
  test::Verdict verdict = test::judge(site, devices, 120s);
  if (stop) verdict.violations.push_back("the devices were not done in 300 s");
  const core::json::object line{
      {"seed", seed},
      {"acknowledged", verdict.acknowledged},
      {"stored", verdict.stored},
      {"applied", verdict.applied},
      {"violations", verdict.violations.size()},
      {"kills",
       {{"nats", kills[0]}, {"sluiced", kills[1]}, {"uplink", kills[2]}, {"hub", kills[3]}}},
      {"settle_s",
       std::chrono::duration<double>(std::chrono::steady_clock::now() - settle_from).count()}};
  std::printf("%s\n", core::to_json(line).c_str());
  std::fflush(stdout);
  for (const std::string& text : verdict.violations)
    std::fprintf(stderr, "violation: %s\n", text.c_str());
  if (!verdict.violations.empty()) std::fprintf(stderr, "%s\n", site.logs().c_str());
  return verdict.violations.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (!parse(argc, argv, settings)) {
    std::fprintf(stderr, "usage: sluice-chaos [--runs N] [--events N] [--seed S] [--minutes M]\n");
    return 2;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(settings.minutes);
  for (std::uint64_t i = 0;
       settings.minutes > 0 ? std::chrono::steady_clock::now() < end : i < settings.runs; ++i)
    if (!run(settings, settings.seed + i)) return 1;
  return 0;
}
