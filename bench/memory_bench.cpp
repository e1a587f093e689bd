// SPDX-License-Identifier: Apache-2.0
// Memory of sluiced and sluice-uplink together (PSS of smaps_rollup, RSS beside it): idle, with a
// backlog, and while that drains; and the time from sluiced's start to READY with that backlog, its
// files out of the page cache.
//
//     memory_bench [--backlog=2000000] [--starts=5]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "bench/filled_log.hpp"
#include "bench/gateway.hpp"
#include "bench/hub.hpp"
#include "bench/report.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::bench {
namespace {

constexpr double kLimitMb = 16;
constexpr double kStartLimit = 1;
constexpr std::uint64_t kOwnEvents = 8;

struct Memory {
  double pss = 0;  // MB, as in 10^6 bytes
  double rss = 0;
};

Memory memory_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  Memory memory;
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == "Pss:" && file >> kib) memory.pss = kib * 1024 / 1e6;
    if (word == "Rss:" && file >> kib) memory.rss = kib * 1024 / 1e6;
  }
  if (memory.rss == 0) give_up("cannot read smaps_rollup of " + std::to_string(pid));
  return memory;
}

// The two programs as if nothing else ran: what is their own, and each page of a shared file once.
// PSS counts only a share of the libraries that other programs use at this moment.
double alone(pid_t sluiced, pid_t uplink) {
  double kib = 0;
  std::map<std::string, double> files;  // the larger of the two, per mapped piece of a file
  for (const pid_t pid : {sluiced, uplink}) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps");
    std::string piece;
    double rss = 0, anonymous = 0;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string first, rights, offset, device, inode, name;
      words >> first;
      if (first.find('-') != std::string::npos) {
        words >> rights >> offset >> device >> inode >> name;
        piece = inode == "0" ? "" : name + "@" + offset;
      } else if (first == "Rss:") {
        words >> rss;
      } else if (first == "Anonymous:") {
        words >> anonymous;
        kib += anonymous + (piece.empty() ? rss - anonymous : 0);
        if (!piece.empty()) files[piece] = std::max(files[piece], rss - anonymous);
      }
    }
  }
  for (const auto& [piece, size] : files) kib += size;
  return kib * 1024 / 1e6;
}

void report(const std::string& when, const Memory& sluiced, const Memory& uplink,
            double both_alone = 0) {
  const double pss = sluiced.pss + uplink.pss;
  std::string words = "PSS " + rounded(sluiced.pss) + " + " + rounded(uplink.pss) + "; RSS " +
                      rounded(sluiced.rss) + " + " + rounded(uplink.rss);
  if (both_alone > 0) words += "; if nothing else ran: " + rounded(both_alone);
  print({"memory of sluiced and sluice-uplink, " + when,
         pss,
         "MB",
         words,
         pss / kLimitMb,
         {},
         kLimitMb});
}

void report(const std::string& when, const Gateway& gateway) {
  report(when, memory_of(gateway.pid()), memory_of(gateway.uplink_pid()),
         alone(gateway.pid(), gateway.uplink_pid()));
}

void settle(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void append_some(const Gateway& gateway, int appends) {
  auto client = need(rpc::BlockingClient::connect(gateway.socket()));
  Workload workload(Ids::kV7);
  for (int i = 0; i < appends; ++i) need(client.call("append", workload.next_params(1, true)));
}

void idle(Hub& hub) {
  Gateway gateway({.nats_url = hub.url()});
  gateway.start();
  gateway.start_uplink();
  append_some(gateway, 500);
  hub.wait_for(500, 60);
  settle(5);
  report("idle", gateway);
}

void drop_from_page_cache(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    ::fdatasync(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

void starts(Gateway& gateway, std::uint64_t backlog, long times) {
  std::vector<double> cold, warm;
  for (long i = 0; i < times; ++i) {
    drop_from_page_cache(gateway.log_folder());
    cold.push_back(gateway.start());
    gateway.stop();
    warm.push_back(gateway.start());
    gateway.stop();
  }
  const std::string words = "start to READY with a backlog of " + std::to_string(backlog);
  print({words + " events, files not in memory",
         median(cold),
         "s",
         "slowest of " + std::to_string(times) + ": " + rounded(percentile(cold, 100)) + " s",
         median(cold) / kStartLimit,
         {},
         kStartLimit});
  print({words + " events, files in memory",
         median(warm),
         "s",
         "slowest of " + std::to_string(times) + ": " + rounded(percentile(warm, 100)) + " s",
         median(warm) / kStartLimit,
         {},
         kStartLimit});
}

void drained(Hub& hub, std::uint64_t backlog) {
  Gateway gateway({.nats_url = hub.url()});
  {
    Workload workload(Ids::kV7);
    OpenLog(gateway.log_folder()).fill(backlog, workload);
  }
  gateway.start();
  gateway.start_uplink();
  Memory sluiced, uplink;
  while (hub.messages() < backlog + kOwnEvents) {
    const Memory now = memory_of(gateway.pid());
    const Memory other = memory_of(gateway.uplink_pid());
    if (now.pss + other.pss > sluiced.pss + uplink.pss) {
      sluiced = now;
      uplink = other;
    }
    settle(0.2);
  }
  report("highest while " + std::to_string(backlog) + " events drain", sluiced, uplink);
  settle(5);
  report("after that", gateway);
}

void with_backlog(std::uint64_t backlog, long times) {
  Gateway gateway;
  {
    Workload workload(Ids::kV7);
    OpenLog(gateway.log_folder()).fill(backlog, workload);
  }
  starts(gateway, backlog, times);
  gateway.start();
  gateway.start_uplink();
  settle(5);
  report("backlog of " + std::to_string(backlog) + " events, hub gone", gateway);
  append_some(gateway, 5000);
  settle(5);
  report("the same, 5,000 appends later", gateway);
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const auto backlog = static_cast<std::uint64_t>(arguments.number("backlog", 2'000'000));
  const long times = arguments.number("starts", 5);
  arguments.finish();
  Hub hub;
  idle(hub);
  with_backlog(backlog, times);
  hub.delete_stream();
  hub.make_stream();
  drained(hub, backlog);
}
