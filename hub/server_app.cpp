// SPDX-License-Identifier: Apache-2.0
#include "hub/server_app.hpp"

#include <systemd/sd-daemon.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <memory>
#include <optional>

#include "http/server.hpp"
#include "hub/page.hpp"

namespace sluice::hub {

namespace asio = boost::asio;
using core::Result;

namespace {

constexpr std::size_t kWorkers = 4;
constexpr std::size_t kPromptWorkers = 2;  // for what waits for no database
constexpr std::chrono::seconds kDrainMax{20};
// A feed may legitimately be busy for as long as its longest question to the server.
constexpr std::uint64_t kSilentMaxNs = 180'000'000'000;

// All members but the worker pool belong to the thread that runs `io`.
class App {
 public:
  App(Hub& hub, const HubSettings& settings, core::Logger& log)
      : hub_(hub), settings_(settings), log_(log) {}

  Result<void> run() {
    SLUICE_TRY(listen());
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) drain("stopping");
    });
    wait_for_reload();
    hub_.start([this](const core::Error& error) {
      asio::post(io_, [this, error] {
        if (!fatal_) fatal_ = error;
        drain("only a new process can go on");
      });
    });
    watch();
    sd_notify(0, "READY=1");
    io_.run();
    workers_->join();
    prompt_workers_->join();
    if (fatal_) return *fatal_;
    return {};
  }

 private:
  Result<void> listen() {
    http::Tokens tokens;
    if (!settings_.token_file.empty()) {
      auto loaded = http::Tokens::load(settings_.token_file);
      if (!loaded) return loaded.error();
      tokens = std::move(*loaded);
    }
    const auto address = http::TcpAddress::parse(settings_.listen);
    if (!address) return address.error();
    http::Router router;
    add_page(router);
    Routes routes(router, worker());
    hub_.add_routes(routes, [this] { return requests_.load(); });
    server_ = std::make_unique<http::Server>(io_, settings_.http, std::move(router), log_);
    const auto bound = server_->listen_tcp(*address, std::move(tokens));
    if (!bound) return bound.error();
    log_.info("hub", "ready",
              {{"http", "http://" + bound->text()},
               {"models", std::to_string(hub_.models())},
               {"version", SLUICE_VERSION}});
    return {};
  }

  // SIGHUP, as from `systemctl reload`: the model files are read again.
  void wait_for_reload() {
    reload_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      asio::post(*workers_, [this] {
        if (const auto done = hub_.reload(); !done)
          log_.error("hub", core::to_string(done.error()));
      });
      wait_for_reload();
    });
  }

  // What waits for its time waits with `io_`, which ends with the program; a pool would wait for
  // it.
  Worker worker() {
    const auto on = [](const std::shared_ptr<asio::thread_pool>& threads) {
      return [pool = std::weak_ptr(threads)](std::function<void()> work) {
        if (const auto alive = pool.lock()) asio::post(*alive, std::move(work));
      };
    };
    const auto after = [this](std::function<void(std::function<void()>)> threads) {
      return [this, threads = std::move(threads)](std::chrono::milliseconds delay,
                                                  std::function<void()> work) {
        const auto timer = std::make_shared<asio::steady_timer>(io_, delay);
        timer->async_wait([threads, timer,
                           work = std::move(work)](const boost::system::error_code& error) mutable {
          if (!error) threads(std::move(work));
        });
      };
    };
    const auto now = on(workers_);
    const auto prompt = on(prompt_workers_);
    return {now, after(now), [this] { return draining_.load(); }, prompt, after(prompt)};
  }

  // Once a second: figures for others' threads, and a sign of life for systemd while every thread
  // of the hub gives one.
  void watch() {
    requests_ = server_->requests();
    if (hub_.silent_ns() < kSilentMaxNs) sd_notify(0, "WATCHDOG=1");
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) watch();
    });
  }

  void drain(std::string_view why) {
    if (draining_) return;
    draining_ = true;
    log_.info("hub", why);
    sd_notify(0, "STOPPING=1");
    hub_.stop();
    signals_.cancel();
    reload_.cancel();
    timer_.cancel();
    server_->drain([this] { io_.stop(); });
    timer_.expires_after(kDrainMax);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) io_.stop();
    });
  }

  Hub& hub_;
  const HubSettings& settings_;
  core::Logger& log_;
  asio::io_context io_{1};
  asio::signal_set signals_{io_, SIGTERM, SIGINT};
  asio::signal_set reload_{io_, SIGHUP};
  asio::steady_timer timer_{io_};
  std::unique_ptr<http::Server> server_;
  std::shared_ptr<asio::thread_pool> workers_ = std::make_shared<asio::thread_pool>(kWorkers);
  std::shared_ptr<asio::thread_pool> prompt_workers_ =
      std::make_shared<asio::thread_pool>(kPromptWorkers);
  std::atomic<std::uint64_t> requests_{0};
  std::optional<core::Error> fatal_;
  std::atomic<bool> draining_{false};
};

}  // namespace

Result<void> serve(Hub& hub, const HubSettings& settings, core::Logger& log) {
  App app(hub, settings, log);
  auto ended = app.run();
  hub.stop();
  hub.join();  // nobody calls back into `app` from here on
  return ended;
}

}  // namespace sluice::hub
