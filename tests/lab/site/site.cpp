// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/site/site.hpp"

#include <algorithm>
#include <cstdlib>

#include "tests/system/edge.hpp"

namespace sluice::test {

using namespace std::chrono_literals;

namespace {
// As it stands between the quotes of a list.
std::string listed(const std::vector<std::string>& urls) {
  std::string out;
  for (const auto& url : urls) out += (out.empty() ? "" : "\", \"") + url;
  return out;
}
}  // namespace

Site::Site(Options options)
    : options_(std::move(options)),
      hub_port_(free_port()),
      gateway_(options_.gateway_url.empty() ? listed(options_.nats_urls) : options_.gateway_url,
               {.uplink = options_.uplink,
                .sections = options_.sections,
                .environment = options_.environment,
                .sluiced_environment = options_.environment,
                .uplink_prefix = options_.uplink_prefix}) {
  folder_.write("lab.model.toml", kLabModel);
  folder_.write("hub.toml",
                "[hub]\nurls = [\"" + listed(options_.nats_urls) + "\"]\nmodels = [\"" +
                    folder_.path().string() + "\"]\nstate = \"" + (folder_ / "hub").string() +
                    "\"\nlisten = \"127.0.0.1:" + std::to_string(hub_port_) + "\"\n" + hub_lines());
}

std::string Site::hub_lines() const {
  std::string lines;
  for (const auto& [key, value] : {std::pair{"ca_file", options_.login.ca_file},
                                   std::pair{"creds_file", options_.login.creds_file},
                                   std::pair{"nkey_file", options_.login.nkey_file},
                                   std::pair{"user_file", options_.login.user_file},
                                   std::pair{"password_file", options_.login.password_file}})
    if (!value.empty()) lines += std::string(key) + " = \"" + value + "\"\n";
  return lines;
}

std::vector<std::string> Site::login_arguments() const {
  std::vector<std::string> out;
  for (const auto& [name, value] :
       {std::pair{"--ca", options_.login.ca_file}, std::pair{"--creds", options_.login.creds_file},
        std::pair{"--nkey", options_.login.nkey_file}})
    if (!value.empty()) out.insert(out.end(), {name, value});
  return out;
}

void Site::provision() {
  std::string why;
  // Right after its start nats-server may still refuse JetStream's requests for a moment.
  const bool made = eventually(
      [&] {
        std::vector<std::string> command{
            program("sluice"),          "provision",   "--nats",
            options_.nats_urls.front(), "--max-bytes", options_.max_bytes,
            "--keep-forever",           "--replicas",  std::to_string(options_.replicas)};
        for (auto& argument : login_arguments()) command.push_back(argument);
        const auto done = run(command);
        why = done.output;
        return done.code == 0;
      },
      60s);
  if (!made) throw std::runtime_error("provision: " + why);
}

void Site::start_hub() {
  Process::Options how;
  how.log_file = folder_ / "sluice-hub.log";
  hub_.emplace(
      std::vector<std::string>{program("sluice-hub"), "--config", (folder_ / "hub.toml").string()},
      how);
}

void Site::start_without_uplink() {
  provision();
  start_hub();
  gateway_.start_sluiced();
}

void Site::start(std::size_t devices) {
  start_without_uplink();
  gateway_.start_uplink();
  for (std::size_t i = 0; i < devices; ++i) add_device({});
}

void Site::add_device(Device::Options options) {
  const auto socket = gateway_.config().parent_path() / "r/ingest.sock";
  devices_.push_back(std::make_unique<Device>(socket, devices_.size() + 1, std::move(options)));
}

void Site::supervise() {
  if (gateway_.uplink && !gateway_.uplink->running()) gateway_.start_uplink();
  if (hub_ && !hub_->running()) start_hub();
}

bool Site::waits_until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  return eventually(
      [&] {
        supervise();
        return condition();
      },
      limit);
}

std::uint64_t Site::acked() {
  std::uint64_t sum = 0;
  for (const auto& device : devices_) sum += device->acked_so_far();
  return sum;
}

void Site::append_more(std::uint64_t events, std::chrono::seconds limit) {
  const std::uint64_t wanted = acked() + events;
  EXPECT_TRUE(waits_until([&] { return acked() >= wanted; }, limit))
      << acked() << " of " << wanted << logs();
}

LabRow Site::judge(const std::string& fault, std::uint64_t runs, std::chrono::seconds limit) {
  for (auto& device : devices_) device->stop();
  std::vector<Acked> acked;
  for (const auto& device : devices_)
    acked.insert(acked.end(), device->acked().begin(), device->acked().end());
  Effects effects;
  const bool settled = waits_until(
      [&] {
        if (!gateway_.drained()) return false;
        auto now = read_effects(hub_url());
        if (!now) return false;
        effects = std::move(*now);
        return compare(acked, effects).lost == 0;
      },
      limit);
  LabRow row = compare(acked, effects);
  row.fault = fault;
  row.runs = runs;
  row.reopened = settled;
  return row;
}

std::string Site::logs() const {
  return "\n--- sluice-hub\n" + last_lines(folder_ / "sluice-hub.log") + gateway_.logs();
}

std::uint64_t lab_runs(std::uint64_t usual) {
  const char* times = std::getenv("SLUICE_LAB_RUNS");
  const std::uint64_t factor = times == nullptr ? 1 : std::strtoull(times, nullptr, 10);
  return usual * std::max<std::uint64_t>(factor, 1);
}

void expect_nothing_lost(const LabRow& row, const Site& site) {
  lab_report(row);
  EXPECT_GT(row.acked, 0u) << row.fault;
  const bool good = row.lost == 0 && row.doubled == 0 && row.out_of_order == 0 && row.reopened;
  EXPECT_TRUE(good) << row.fault << ": of " << row.acked << " acknowledged " << row.lost
                    << " lost, " << row.doubled << " doubled, " << row.out_of_order
                    << " out of order, settled " << row.reopened << site.logs();
}

}  // namespace sluice::test
