// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_centre.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cli/program.hpp"
#include "core/text.hpp"
#include "projection/model/model.hpp"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDescription =
    "Examines the hub from the configuration of sluice-hub to what it serves, in the order in "
    "which things depend on one another, and says for each what it found and what to do if it is "
    "not "
    "well: the configuration, the models' files, the state folder, name, connection, TLS and login "
    "at NATS, the hub streams and how full they are, the rights, then, from sluice-hub itself, "
    "whether it is ready, its clock against the NATS server's, the models and their databases, "
    "what "
    "they wait for, and the gateways: who is silent or a clone, whose disk is nearly full, whose "
    "clock is off.\n"
    "\n"
    "The login at NATS, the folders and the address of sluice-hub come from the file of --config, "
    "so it runs where sluice-hub does, as a user who may read that file (root, or its own). Where "
    "sluice-hub answers elsewhere, --hub or SLUICE_HUB names it. If it asks for a token, put a "
    "line "
    "of its token_file into SLUICE_HUB_TOKEN.\n"
    "\n"
    "It works with sluice-hub stopped and beside a running one, and changes nothing. `sluice "
    "doctor` alone examines a gateway.\n"
    "\n"
    "It ends with 0 if nothing failed (warnings are no failure), with 1 otherwise.";

constexpr const char* kExamples =
    " $ sudo sluice doctor hub\n"
    " $ sluice doctor hub --config ./hub.toml --json | jq -r 'select(.state==\"failed\").found'\n";

constexpr double kTight = 0.05;  // of the disk

struct Options {
  std::string what = "hub";
  std::string config = "/etc/sluice/hub.toml";
};

using CentreCheck = Findings (*)(Centre&);
using RoadCheck = Finding (*)(HubRoad&);

std::vector<Check> checks_of(Centre& centre) {
  const auto own = [&centre](const char* name, CentreCheck check) {
    return Check{name, [&centre, check] { return check(centre); }};
  };
  const auto road = [&centre](const char* name, RoadCheck check) {
    return Check{name, [&centre, check] {
                   return Findings{centre.road ? check(*centre.road)
                                               : skipped("the configuration does not say where "
                                                         "NATS is")};
                 }};
  };
  return {own("config", check_hub_config),
          own("model files", check_model_files),
          own("state folder", check_hub_state),
          road("DNS", check_dns),
          road("TCP", check_tcp),
          road("TLS", check_tls),
          road("login", check_login),
          own("hub streams", check_hub_streams),
          own("rights", check_hub_rights),
          own("sluice-hub", check_hub_api),
          own("clock", check_hub_clock),
          own("models", check_models),
          own("holds", check_holds),
          own("gateways", check_gateways)};
}

ExitCode run_doctor(Program& program, const Options& given) {
  const core::SystemClock clock;
  Centre centre{.config_file = given.config,
                .api_url = program.hub_was_named() ? program.hub : std::string()};
  const ExitCode code = examine(program.output, clock, checks_of(centre));
  // A connection attempt that hangs in nats.c is left behind on a thread of its own.
  if (nats::Connection::abandoned() > 0) {
    program.output.flush();
    std::_Exit(static_cast<int>(code));
  }
  return code;
}

}  // namespace

Findings check_hub_config(Centre& centre) {
  auto settings = hub::load_settings(centre.config_file);
  if (!settings)
    return {failed(settings.error().message, "Correct the file, or name another: --config.")};
  std::string words = centre.config_file + ": hub " + settings->name + ", shards";
  for (const std::string& shard : settings->shards) words += " " + shard;
  centre.road = HubRoad{.login = settings->login,
                        .client = "sluice-doctor",
                        .inbox_prefix = "_INBOX_HUB_" + settings->name,
                        .section = "[hub]"};
  Findings out;
  if (!settings->gateway_socket.empty() && access(settings->gateway_socket.c_str(), W_OK) != 0)
    out.push_back(warn("no gateway takes events at " + settings->gateway_socket +
                           ": what operators do is in the log and the audit tables alone",
                       "Is sluiced running beside, and may this user write its socket?"));
  centre.settings = std::move(*settings);
  out.insert(out.begin(), found(words));
  return out;
}

Findings check_model_files(Centre& centre) {
  if (!centre.settings) return {skipped("the configuration does not say where they are")};
  const auto files = hub::model_files(*centre.settings);
  if (!files) return {failed(files.error().message, "Correct models in [hub].")};
  Findings out;
  std::string good;
  for (const std::string& file : *files) {
    const auto model = projection::Model::load(file);
    if (!model) {
      std::string words = model.error().message;
      std::replace(words.begin(), words.end(), '\n', ';');  // a finding is one line
      out.push_back(failed(words, "sluice model check " + file));
      continue;
    }
    good += (good.empty() ? "" : ", ") + (*model)->name() + " version " +
            std::to_string((*model)->version());
  }
  if (!good.empty()) out.insert(out.begin(), found(good));
  return out;
}

Findings check_hub_state(Centre& centre) {
  if (!centre.settings) return {skipped("the configuration does not say where it is")};
  const fs::path folder = centre.settings->state;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return {failed(folder.string() + " does not exist",
                   "sluice-hub makes it, if it may: is its parent writable for its user?")};
  struct statvfs space {};
  if (statvfs(folder.c_str(), &space) != 0)
    return {failed(folder.string() + " cannot be looked at",
                   "Is its disk mounted and sound? See dmesg.")};
  const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
  const std::uint64_t total =
      std::max<std::uint64_t>(1, std::uint64_t{space.f_blocks} * space.f_frsize);
  const std::string words = folder.string() + ": " + core::human_bytes(free) + " free";
  if (static_cast<double>(free) / static_cast<double>(total) < kTight)
    return {failed(words + " of " + core::human_bytes(total),
                   "A full disk stops the models (nothing is lost: they go on when there is room). "
                   "Older versions' databases may be removed: sluice model list")};
  return {found(words)};
}

void add_hub_doctor(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb("doctor", "examine the hub from configuration to models",
                                {"sluice doctor hub [--config FILE]", kDescription, kExamples});
  verb.add_option("what", given->what, "The word `hub`.")->check(CLI::IsMember({"hub"}));
  verb.add_option("--config", given->config, "The configuration of sluice-hub.")
      ->type_name("FILE")
      ->envname("SLUICE_HUB_CONFIG")
      ->capture_default_str();
  program.on_run(verb, [&program, given] { return run_doctor(program, *given); });
}

}  // namespace sluice::cli
