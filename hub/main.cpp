// SPDX-License-Identifier: Apache-2.0
// sluice-hub: reads hub streams into read models and serves them.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "hub/hub.hpp"
#include "hub/server_app.hpp"
#include "hub/settings/hub_settings.hpp"
#include "hub/settings/reactor_files.hpp"

namespace {

using namespace sluice;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;

int exit_code(const core::Error& error) {
  return error.code == core::Errc::kConfig ? kExitConfig : kExitFailure;
}

int complain(core::Logger& log, const core::Error& error) {
  if (error.code == core::Errc::kConfig)
    std::fprintf(stderr, "%s\n", error.message.c_str());
  else
    log.error("hub", core::to_string(error));
  return exit_code(error);
}

// A start is less strict with model files: a model whose file is broken goes on as it is served.
core::Result<void> check(const hub::HubSettings& settings, bool all_models) {
  if (all_models)
    if (const auto models = hub::load_models(settings); !models) return models.error();
  if (const auto reactors = hub::load_reactors(settings); !reactors) return reactors.error();
  if (!settings.token_file.empty())
    if (const auto tokens = http::Tokens::load(settings.token_file); !tokens) return tokens.error();
  return {};
}

int run(const hub::HubSettings& settings, core::Logger& log) {
  const core::SystemClock clock;
  auto hub = hub::Hub::open(settings, clock, log);
  if (!hub) return complain(log, hub.error());
  const auto ended = hub::serve(**hub, settings, log);
  hub->reset();
  if (!ended) return complain(log, ended.error());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "sluice-hub reads the hub streams of NATS JetStream into read models (SQLite or "
      "PostgreSQL), asks gateways for what is missing, and serves models, gateways and holds over "
      "HTTP with a status page. "
      "SIGHUP makes it read the model files again.\n\n"
      "Exit codes: 0 stopped by a signal, 1 failure, 2 usage, 78 bad configuration."};
  std::string config = "/etc/sluice/hub.toml";
  bool check_only = false;
  bool print_only = false;
  app.add_option("--config", config, "The configuration file (TOML, section [hub])")
      ->capture_default_str();
  app.add_flag("--check-config", check_only, "Check the file, the models and the tokens, and end");
  app.add_flag("--print-config", print_only, "Print the settings in force as TOML, and end");
  app.set_version_flag("--version", std::string("sluice-hub ") + SLUICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  std::signal(SIGPIPE, SIG_IGN);
  core::StderrLogger log;
  const auto settings = hub::load_settings(config);
  if (!settings) return complain(log, settings.error());
  if (print_only) {
    std::fputs(hub::print_settings(*settings).c_str(), stdout);
    return 0;
  }
  if (const auto checked = check(*settings, check_only); !checked)
    return complain(log, checked.error());
  if (check_only) {
    std::puts("ok");
    return 0;
  }
  return run(*settings, log);
}
