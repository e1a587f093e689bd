// SPDX-License-Identifier: Apache-2.0
// What a real sluiced tells systemd, and that its watchdog is only fed while the log gets on.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;

class Watchdog : public SluicedTest {
 protected:
  ~Watchdog() override { ::close(notified_); }

  void start_under_systemd(std::chrono::microseconds watchdog,
                           std::vector<std::string> environment = {}) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder_ / "notify").c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(notified_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (config_.empty()) configure();
    environment.push_back("NOTIFY_SOCKET=" + (folder_ / "notify").string());
    environment.push_back("WATCHDOG_USEC=" + std::to_string(watchdog.count()));
    sluiced_.emplace(
        std::vector<std::string>{test::program("sluiced"), "--config", config_.string()},
        test::Process::Options{.environment = environment});
  }
  void take() {
    char buffer[512];
    for (ssize_t size = 0; (size = ::recv(notified_, buffer, sizeof buffer, 0)) > 0;) {
      const std::string line(buffer, static_cast<std::size_t>(size));
      told_ += line + "\n";
      if (line == "WATCHDOG=1") ++pets_;
    }
  }
  bool hears(const char* word) {
    return test::eventually([&] {
      take();
      return told_.find(word) != std::string::npos;
    });
  }
  // How often the watchdog is fed in this time.
  int pets_within(std::chrono::milliseconds time) {
    take();
    const int before = pets_;
    test::eventually([] { return false; }, time);
    take();
    return pets_ - before;
  }

  const int notified_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  std::string told_;
  int pets_ = 0;
};

TEST_F(Watchdog, SystemdIsToldAndAnIdleGatewayFeedsIt) {
  start_under_systemd(300ms);
  EXPECT_TRUE(hears("READY=1")) << told_ << sluiced_->output();
  EXPECT_TRUE(hears("STATUS=link stopped")) << told_;
  EXPECT_TRUE(hears("WATCHDOG=1")) << told_;
  EXPECT_GE(pets_within(1500ms), 5) << told_;  // one in 100 ms, on a slow machine fewer
  sluiced_->signal(SIGTERM);
  EXPECT_TRUE(hears("STOPPING=1")) << told_;
  EXPECT_EQ(sluiced_->wait(), 0);
}

// The disk no longer answers a sync: the program looks alive, sockets and all, but nothing is
// committed. systemd must be left to end it, and be fed again where the disk comes back first.
TEST_F(Watchdog, AWriterThatHangsInTheDiskStarvesIt) {
  const auto stalled = folder_ / "stalled";
  start_under_systemd(1200ms,
                      {"LD_PRELOAD=" SLUICE_STALL_SYNC, "STALL_SYNC_WHILE=" + stalled.string()});
  ASSERT_TRUE(hears("READY=1")) << told_ << sluiced_->output();
  ASSERT_TRUE(rpc().call("append", one_event("pump/7", "T", 1)));
  EXPECT_GE(pets_within(1500ms), 1);

  folder_.write("stalled", "");
  auto client = rpc();
  ASSERT_TRUE(client.send("append", one_event("pump/7", "T", 2)));
  pets_within(1100ms);  // half of the watchdog's time is patience, and one feed may be on its way
  EXPECT_EQ(pets_within(1500ms), 0) << "fed although nothing was committed";
  EXPECT_TRUE(rpc().call("status", no_params()));  // it does look alive

  std::filesystem::remove(stalled);
  const auto answer = client.receive();
  EXPECT_TRUE(answer && answer->body);
  EXPECT_GE(pets_within(1500ms), 1);
  sluiced_->signal(SIGTERM);
  EXPECT_EQ(sluiced_->wait(), 0);
}

}  // namespace
}  // namespace sluice::gateway
