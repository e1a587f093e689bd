// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <fstream>
#include <iostream>

#include "sync/lock_file.hpp"
#include "sync/machine.hpp"
#include "sync/progress_pulse.hpp"
#include "sync/uplink.hpp"
#include "sync/watchdog.hpp"

namespace {

using namespace sluice;
using namespace std::chrono_literals;

constexpr int kExitConfig = 78;  // EX_CONFIG: systemd does not start it again

int run(const sync::UplinkSettings& settings) {
  core::SystemClock clock(settings.clock_sync_file);
  core::SystemRandom random;
  core::StderrLogger logger;
  // A supervisor may start this before sluiced has made the folder: it tries again.
  auto lock = sync::LockFile::take(settings.lock_file());
  if (!lock) {
    logger.error("uplink", lock.error().message);
    return 1;
  }
  boost::asio::io_context io(1);
  const auto machine = settings.machine.empty() ? sync::machine_identity() : settings.machine;
  sync::Uplink* running = nullptr;
  const auto tell = [&] { sd_notify(0, ("STATUS=" + running->state_words()).c_str()); };
  sync::Uplink uplink(io, settings, {clock, random, logger, machine, tell});
  running = &uplink;

  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) {
    sd_notify(0, "STOPPING=1");
    uplink.stop();
    // What was just handed to the socket goes out with the handlers that are ready now.
    boost::asio::post(io, [&] { io.stop(); });
  });

  std::unique_ptr<sync::Watchdog> watchdog;
  // A main loop that turns but gets nothing done is as good as one that stands still.
  sync::ProgressPulse pulse(settings.stall_timeout + settings.ack_timeout * 16);
  watchdog = std::make_unique<sync::Watchdog>(settings.stall_timeout, 10s, [&] {
    boost::asio::post(io, [&] {
      watchdog->alive();
      const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::nanoseconds(clock.monotonic_ns()));
      if (pulse.beats(uplink.moves(), uplink.rests(), now)) sd_notify(0, "WATCHDOG=1");
    });
  });
  uplink.start();
  sd_notify(0, "READY=1\nSTATUS=starting");
  io.run();
  watchdog.reset();
  std::cerr.flush();
  // A thread that hangs inside nats.c must not hold up the end; nothing here needs a destructor.
  ::_exit(0);
}

// Leaves the operator's word where the running uplink looks for it.
int tell(const std::filesystem::path& where, const std::string& word, const std::string& answer) {
  std::ofstream file(where);
  file << "the operator's word: " << word << "\n";
  file.close();
  if (file) {
    std::cout << "told: " << answer << "\n";
    return 0;
  }
  std::cerr << "sluice-uplink: cannot write " << where.string() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Eight threads with an arena each would keep what one short backlog needed. As in sluiced.
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  ::mallopt(M_ARENA_MAX, 2);
#endif
  std::string config = "/etc/sluice/sluice.toml";
  bool check = false, print = false, takeover = false, allow_rewind = false;
  CLI::App app(
      "Carries the events of this gateway's log to NATS JetStream, in order, and again "
      "until the hub has them.");
  app.set_version_flag("--version", "sluice-uplink " SLUICE_VERSION);
  app.add_option("--config", config, "The gateway's TOML file, the same that sluiced reads")
      ->capture_default_str();
  app.add_flag("--check-config", check,
               "Read the configuration and exit: 0 if it is good, 78 if not");
  app.add_flag("--print-config", print, "Print the effective settings and exit");
  app.add_flag("--takeover", takeover,
               "For a gateway that stopped because another machine reports under its name: say "
               "that this one goes on. The other one stops at its next report");
  app.add_flag(
      "--allow-rewind", allow_rewind,
      "For a gateway that has to send again more than rewind_ask_bytes, since the hub lost "
      "it, and waits for this word (`sluice status` says how much)");
  app.footer(
      "Exit codes: 0 ended by SIGTERM or SIGINT, 1 cannot run now, 75 stood still and ended\n"
      "itself, 78 bad configuration. The supervisor starts it again after all but 0 and 78.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  auto settings = sync::load_uplink_settings(config);
  if (!settings) {
    std::cerr << settings.error().message << "\n";
    return kExitConfig;
  }
  if (print) {
    core::ConfigPrinter printer;
    visit(*settings, printer);
    std::cout << printer.text();
  }
  if (check) std::cout << config << ": ok\n";  // as sluiced says it
  if (check || print) return 0;
  if (takeover)
    return tell(settings->takeover_file(), "this machine goes on",
                "this machine goes on as " + settings->id + ", the other one will stop");
  if (allow_rewind)
    return tell(settings->allow_rewind_file(), "send again what the hub lost",
                settings->id + " sends again what the hub lost, whatever its size");
  return run(*settings);
}
