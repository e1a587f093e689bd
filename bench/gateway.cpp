// SPDX-License-Identifier: Apache-2.0
#include "bench/gateway.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "bench/report.hpp"
#include "bench/workload.hpp"

namespace sluice::bench {
namespace {

constexpr double kStartLimit = 60;

// The service manager's end of sd_notify(3).
class NotifySocket {
 public:
  explicit NotifySocket(const std::filesystem::path& path)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    std::filesystem::remove(path);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      give_up("cannot bind " + path.string());
  }
  NotifySocket(const NotifySocket&) = delete;
  ~NotifySocket() { ::close(fd_); }

  bool wait_ready(test::Process& of) const {
    const Stopwatch watch;
    while (watch.seconds() < kStartLimit && of.running()) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, 50) < 1) continue;
      char text[4096];
      const ssize_t size = ::recv(fd_, text, sizeof text, 0);
      if (size > 0 && std::string_view(text, static_cast<std::size_t>(size)).find("READY=1") !=
                          std::string_view::npos)
        return true;
    }
    return false;
  }

 private:
  int fd_;
};

}  // namespace

Gateway::Gateway(const Options& options) {
  const std::string root = folder_.path().string();
  for (const char* name : {"run", "state"}) std::filesystem::create_directory(folder_ / name);
  folder_.write("gateway.toml", "[gateway]\nid = \"" + std::string(kGateway) + "\"\nstate = \"" +
                                    root + "/state\"\nrun = \"" + root +
                                    "/run\"\n[log]\nrestart_wait_max = \"0ms\"\n" + options.more +
                                    "[log.telemetry]\ncommit_interval = \"0ms\"\n[uplink]\n" +
                                    "urls = [\"" + options.nats_url + "\"]\n" + options.uplink);
}

double Gateway::start() {
  const NotifySocket notify(folder_ / "run/notify.sock");
  test::Process::Options how;
  how.log_file = folder_ / "sluiced.log";
  how.environment = {"NOTIFY_SOCKET=" + (folder_ / "run/notify.sock").string()};
  const Stopwatch watch;
  sluiced_.emplace(std::vector<std::string>{test::program("sluiced"), "--config",
                                            (folder_ / "gateway.toml").string()},
                   how);
  if (!notify.wait_ready(*sluiced_)) give_up("sluiced does not get ready: " + sluiced_->output());
  return watch.seconds();
}

void Gateway::start_uplink() {
  test::Process::Options how;
  how.log_file = folder_ / "uplink.log";
  uplink_.emplace(std::vector<std::string>{test::program("sluice-uplink"), "--config",
                                           (folder_ / "gateway.toml").string()},
                  how);
}

void Gateway::stop_uplink() {
  if (uplink_) uplink_->terminate();
  uplink_.reset();
}

void Gateway::stop() {
  stop_uplink();
  if (sluiced_) sluiced_->terminate();
  sluiced_.reset();
}

}  // namespace sluice::bench
