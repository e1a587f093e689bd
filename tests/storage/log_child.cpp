// SPDX-License-Identifier: Apache-2.0
// Appends to a log until it is killed. After each answer it writes one line to stdout:
//   <n> <seq> <version> <epoch>
// where n says which event it was; its id and stream follow from n and the given seed.
//   log_child FOLDER SEED FIRST_N
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/storage/log_child.hpp"

using namespace sluice;

namespace {

std::mutex output;

void report(std::uint64_t n, const storage::Appended& position) {
  char line[128];
  const int size = std::snprintf(
      line, sizeof line, "%llu %llu %llu %s\n", static_cast<unsigned long long>(n),
      static_cast<unsigned long long>(position.seq),
      static_cast<unsigned long long>(position.version), position.epoch.text().c_str());
  const std::lock_guard lock(output);
  // One write(2): what was acked is told, whatever happens to this process next.
  if (write(STDOUT_FILENO, line, static_cast<std::size_t>(size)) != size) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  const std::uint64_t first = std::strtoull(argv[3], nullptr, 10);
  core::SystemClock clock;
  core::SystemRandom random;
  core::NullLogger logger;
  auto log = storage::EventLog::open(storage::child_options(argv[1]), {clock, random, logger});
  if (!log) {
    std::fprintf(stderr, "%s\n", core::to_string(log.error()).c_str());
    return 1;
  }
  std::vector<std::thread> clients;
  for (std::uint64_t client = 0; client < storage::kChildClients; ++client)
    clients.emplace_back([&, client] {
      for (std::uint64_t n = first + client;; n += storage::kChildClients) {
        std::promise<core::Result<std::vector<storage::Appended>>> promise;
        (*log)->append({{storage::child_event(seed, n)}, false},
                       [&](auto answer) { promise.set_value(std::move(answer)); });
        const auto answer = promise.get_future().get();
        if (!answer) {
          std::fprintf(stderr, "%s\n", core::to_string(answer.error()).c_str());
          std::_Exit(1);
        }
        report(n, answer->front());
      }
    });
  for (std::thread& client : clients) client.join();
}
