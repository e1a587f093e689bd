// SPDX-License-Identifier: Apache-2.0
#include "hub/hub.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;

namespace {

// What a connection goes on in spite of, as a right that is missing. The same words once a minute.
std::function<void(core::Error)> error_reporter(const core::Clock& clock, core::Logger& log) {
  struct Last {
    std::mutex mutex;
    std::string words;
    std::uint64_t at_ns = 0;
  };
  return [last = std::make_shared<Last>(), &clock, &log](const core::Error& error) {
    const std::string words = core::to_string(error);
    const std::lock_guard lock(last->mutex);
    if (words == last->words && clock.monotonic_ns() - last->at_ns < 60'000'000'000) return;
    last->words = words;
    last->at_ns = clock.monotonic_ns();
    log.warning("nats", words);
  };
}

nats::ConnectionOptions connection_options(const HubSettings& settings, const core::Clock& clock,
                                           core::Logger& log) {
  nats::ConnectionOptions options;
  options.login = settings.login;
  // In capitals, which no gateway's id holds: their inboxes are _INBOX_<gateway>.
  options.inbox_prefix = "_INBOX_HUB_" + settings.name;
  options.on_error = error_reporter(clock, log);
  options.ping_interval = std::chrono::milliseconds(20'000);
  return options;
}

// Held for the life of the process: two programs on one database would each believe that the
// position is theirs.
Result<int> lock_state(const std::filesystem::path& state) {
  std::error_code error;
  std::filesystem::create_directories(state, error);
  if (error)
    return fail(Errc::kConfig, "cannot make " + state.string() + ": " + error.message(),
                "hub.state");
  const std::string file = (state / "lock").string();
  const int fd = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0640);
  if (fd < 0)
    return fail(Errc::kConfig, "cannot write " + file + ": " + std::strerror(errno), "hub.state");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return fail(Errc::kBusy, "another sluice-hub uses " + state.string());
  }
  return fd;
}

}  // namespace

struct Hub::Parts {
  Parts(const HubSettings& from, const core::Clock& time, core::Logger& logger)
      : settings(from),
        clock(time),
        log(logger),
        needs(time, logger),
        audit(from.gateway_socket, from.name, logger) {}
  ~Parts() {
    if (lock_fd >= 0) ::close(lock_fd);
  }

  const HubSettings settings;
  const core::Clock& clock;
  core::Logger& log;
  std::function<void(const core::Error&)> fatal;
  int lock_fd = -1;
  NeedDesk needs;
  ReportKeeper reports;
  Audit audit;
  std::unique_ptr<ReportWatch> watch;
  std::unique_ptr<Tail> tail;
  ModelShelf models;
};

Hub::Hub(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Hub::~Hub() {
  stop();
  join();
}

Result<std::vector<std::shared_ptr<const projection::Model>>> load_models(
    const HubSettings& settings) {
  const auto files = model_files(settings);
  if (!files) return files.error();
  std::vector<std::shared_ptr<const projection::Model>> models;
  std::map<std::string, std::string> names;
  std::string errors;
  for (const std::string& file : *files) {
    auto model = projection::Model::load(file);
    if (!model) {
      errors += (errors.empty() ? "" : "\n") + model.error().message;
      continue;
    }
    const auto [other, is_new] = names.emplace((*model)->name(), file);
    if (!is_new)
      errors += (errors.empty() ? "" : "\n") + file + ": model " + (*model)->name() +
                " is also in " + other->second;
    models.push_back(std::move(*model));
  }
  if (!errors.empty()) return fail(Errc::kConfig, errors);
  return models;
}

Result<std::unique_ptr<Hub>> Hub::open(const HubSettings& settings, const core::Clock& clock,
                                       core::Logger& log) {
  auto models = load_models(settings);
  if (!models) return models.error();
  auto parts = std::make_unique<Parts>(settings, clock, log);
  const auto locked = lock_state(settings.state);
  if (!locked) return locked.error();
  parts->lock_fd = *locked;
  const auto options = connection_options(settings, clock, log);
  Parts& all = *parts;
  const auto fatal = [&all](const core::Error& error) { all.fatal(error); };
  all.watch = std::make_unique<ReportWatch>(all.reports, all.needs, clock, log, options, fatal);
  all.tail = std::make_unique<Tail>(settings.shards, options, log, fatal);
  const auto make_feeds = [&all, options, fatal](EngineHost& host) {
    ModelVersion::Feeds feeds;
    for (const std::string& shard : all.settings.shards) {
      ModelFeed::Settings feed;
      feed.shard = shard;
      feed.several_shards = all.settings.shards.size() > 1;
      feed.connection = options;
      feed.check_interval = all.settings.check_interval;
      feeds.push_back(
          std::make_unique<ModelFeed>(host, all.needs, all.clock, all.log, std::move(feed), fatal));
    }
    return feeds;
  };
  for (auto& model : *models) {
    const VersionId id{model->version(), 1};
    const auto file = std::filesystem::path(settings.state) / model->database_name();
    auto version = ModelVersion::open(std::move(model), id, file, make_feeds, clock, log);
    if (!version) return version.error();
    all.models.add(std::make_shared<ModelHost>(std::move(*version)));
  }
  return std::unique_ptr<Hub>(new Hub(std::move(parts)));
}

void Hub::start(std::function<void(const core::Error&)> fatal) {
  parts_->fatal = std::move(fatal);
  parts_->watch->start();
  parts_->tail->start();
  for (const auto& version : parts_->models.open_versions())
    version->start_feeds(ModelFeed::Pace::kLive);
}

void Hub::stop() {
  if (parts_->watch) parts_->watch->stop();
  if (parts_->tail) parts_->tail->stop();
  for (const auto& version : parts_->models.open_versions()) version->stop_feeds();
}

void Hub::join() {
  if (parts_->watch) parts_->watch->join();
  if (parts_->tail) parts_->tail->join();
  for (const auto& version : parts_->models.open_versions()) version->join_feeds();
}

void Hub::add_routes(Routes& routes, std::function<std::uint64_t()> http_requests) const {
  add_api(routes, {parts_->models, parts_->reports, *parts_->watch, *parts_->tail, parts_->needs,
                   parts_->audit, parts_->clock, std::move(http_requests)});
}

std::uint64_t Hub::silent_ns() const {
  std::uint64_t oldest = parts_->watch->alive_ns();
  for (const auto& version : parts_->models.open_versions())
    for (const auto& feed : version->feeds())
      oldest = std::min(oldest, feed->alive_ns().value_or(oldest));
  const std::uint64_t now = parts_->clock.monotonic_ns();
  return now > oldest ? now - oldest : 0;
}

std::size_t Hub::models() const {
  return parts_->models.hosts().size();
}

}  // namespace sluice::hub
