// SPDX-License-Identifier: Apache-2.0
// sluiced: takes events from devices into the log, and answers when they are on disk.
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "core/logger.hpp"
#include "core/random.hpp"
#include "gateway/daemon.hpp"

namespace {

constexpr int kUsage = 2;
constexpr int kBadConfig = 78;

constexpr const char* kHelp =
    "Usage: sluiced [--config FILE] [--check-config | --print-config]\n"
    "\n"
    "Takes events from devices into the log of this gateway, and answers when they are on disk.\n"
    "\n"
    "  --config FILE    the gateway's configuration (default /etc/sluice/sluice.toml)\n"
    "  --check-config   read and check the configuration, then exit\n"
    "  --print-config   print the configuration with all defaults, then exit\n"
    "  --version        print the version, then exit\n"
    "  --help           print this, then exit\n"
    "\n"
    "Exit codes: 0 ended by SIGTERM or SIGINT, 1 failed (a new start may help), 2 wrong usage,\n"
    "78 bad configuration. docs/protocol.md describes the sockets.\n";

struct Arguments {
  std::string config = "/etc/sluice/sluice.toml";
  std::string action;
};

std::optional<Arguments> parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view value = values[i];
    if (value == "--config" && i + 1 < count) {
      arguments.config = values[++i];
    } else if (value.starts_with("--config=")) {
      arguments.config = value.substr(9);
    } else if (arguments.action.empty() &&
               (value == "--check-config" || value == "--print-config" || value == "--version" ||
                value == "--help" || value == "-h")) {
      arguments.action = value;
    } else {
      std::fprintf(stderr, "sluiced: unknown or incomplete argument '%s'\n%s", values[i], kHelp);
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace

int main(int count, char** values) {
  // The log's large, short-lived buffers go back to the system, which keeps a long run small.
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  ::mallopt(M_ARENA_MAX, 2);
  using namespace sluice;
  const auto arguments = parse(count, values);
  if (!arguments) return kUsage;
  if (arguments->action == "--version") return std::puts("sluiced " SLUICE_VERSION), 0;
  if (arguments->action == "--help" || arguments->action == "-h")
    return std::fputs(kHelp, stdout), 0;

  auto settings = gateway::load(arguments->config);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().message.c_str());
    return kBadConfig;
  }
  if (arguments->action == "--check-config")
    return std::printf("%s: ok\n", arguments->config.c_str()), 0;
  if (arguments->action == "--print-config")
    return std::fputs(gateway::print(*settings).c_str(), stdout), 0;

  ::signal(SIGPIPE, SIG_IGN);
  core::StderrLogger logger;
  core::SystemClock clock(settings->gateway.clock_sync_file);
  core::SystemRandom random;
  gateway::Daemon daemon(*settings, clock, random, logger);
  return daemon.run();
}
