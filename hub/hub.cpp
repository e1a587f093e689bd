// SPDX-License-Identifier: Apache-2.0
#include "hub/hub.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "hub/settings/definition_files.hpp"
#include "hub/settings/reactor_files.hpp"
#include "hub/verify/verify_desk.hpp"
#include "hub/verify/verify_json.hpp"
#include "hub/versions/version_store.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kSwitchSample = 500;  // rows, before a version serves
// Between two tries to open what is away.
constexpr milliseconds kAwayFirst{500};
constexpr milliseconds kAwayLast{10'000};

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

// Not the fault of what the database holds.
bool passes(const core::Error& error) {
  return error.code == Errc::kUnavailable || error.code == Errc::kBusy ||
         error.code == Errc::kLimit;
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
  nats::ConnectionOptions connection;
  std::unique_ptr<ReportWatch> watch;
  std::unique_ptr<Tail> tail;
  std::unique_ptr<LeaseKeeper> leases;  // before the feeds that ask it
  ModelShelf models;
  Reactors reactors;
  std::unique_ptr<VerifyDesk> verify;  // looks at the models: ends before them

  std::mutex changing;  // start, reload, stop
  bool started = false;
  bool stopped = false;
  std::map<std::string, FoundDefinition> away;  // by model: not opened yet
  std::condition_variable wake;
  std::thread opener;

  // Of several workers one does what is to be done once for all of them.
  bool reads_first_shard() const {
    return !leases || leases->book().is_granted(settings.shards.front());
  }
  ModelVersion::Feeds make_feeds(EngineHost& host);
  Result<std::unique_ptr<VersionStore>> versions_of(const FoundDefinition& found);
  SampleCheck sample_check();
  Result<void> open_model(const FoundDefinition& found, const std::string& anew = {});
  Result<VersionId> rebuild_away(const std::string& model, const std::string& reason);
  Result<void> open_models(const std::vector<FoundDefinition>& found);
  void put_away(const FoundDefinition& found, const core::Error& why);
  bool try_away();
  void keep_opening();
};

Hub::Hub(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Hub::~Hub() {
  stop();
  join();
}

Result<std::vector<std::shared_ptr<const projection::Model>>> load_models(
    const HubSettings& settings) {
  const auto found = find_definitions(settings);
  if (!found) return found.error();
  std::vector<std::shared_ptr<const projection::Model>> models;
  std::string errors;
  for (const FoundDefinition& one : *found) {
    if (!one.problem.empty()) errors += (errors.empty() ? "" : "\n") + one.problem;
    models.push_back(one.definition);
  }
  if (!errors.empty()) return fail(Errc::kConfig, errors);
  return models;
}

ModelVersion::Feeds Hub::Parts::make_feeds(EngineHost& host) {
  ModelVersion::Feeds feeds;
  for (const std::string& shard : settings.shards) {
    ModelFeed::Settings feed;
    feed.shard = shard;
    feed.several_shards = settings.shards.size() > 1;
    feed.connection = connection;
    if (leases) feed.leases = &leases->book();
    feed.check_interval = settings.check_interval;
    feeds.push_back(
        std::make_unique<ModelFeed>(host, needs, clock, log, std::move(feed),
                                    [this](const core::Error& error) { fatal(error); }));
  }
  return feeds;
}

// Where a model lives is what its file says; with a broken file, where it was.
Result<std::unique_ptr<VersionStore>> Hub::Parts::versions_of(const FoundDefinition& found) {
  std::error_code none;
  const bool in_postgres =
      found.definition
          ? found.definition->target() == projection::Dialect::kPostgres
          : !settings.postgres.empty() &&
                !std::filesystem::exists(
                    std::filesystem::path(settings.state) / (found.model + ".versions.json"), none);
  if (!in_postgres && settings.workers)
    return fail(Errc::kConfig,
                found.file +
                    ": workers share models in PostgreSQL only: write target = "
                    "\"postgres\", or give it a hub without workers",
                "hub.workers");
  if (!in_postgres) return sqlite_versions(settings.state, found.model);
  auto login = postgres_login(settings);
  if (!login) return login.error();
  if (login->empty())
    return fail(Errc::kConfig, found.file + ": target = \"postgres\" needs [hub] postgres",
                "hub.postgres");
  return postgres_versions(std::move(*login), found.model);
}

// What decides whether a version that was built may serve.
SampleCheck Hub::Parts::sample_check() {
  return [this](ModelVersion& version,
                const std::function<bool()>& stopping) -> Result<SampleVerdict> {
    const auto report = verify->check(version, kSwitchSample, stopping);
    if (!report) return report.error();
    SampleVerdict out{report->differences == 0, report->rows, {}};
    if (!report->findings.empty())
      out.words = core::to_json(finding_json(version.model(), report->findings.front()));
    return out;
  };
}

Result<void> Hub::Parts::open_model(const FoundDefinition& found, const std::string& anew) {
  ModelHost::Parts of_model;
  auto store = versions_of(found);
  if (!store) return store.error();
  of_model.store = std::move(*store);
  of_model.make_feeds = [this](EngineHost& host) { return make_feeds(host); };
  of_model.audit = [this](std::string_view type, const core::json::object& data) {
    (void)audit.record(type, data);  // it logs what the gateway beside did not take
  };
  of_model.shared = settings.workers;
  // The database has the last word.
  if (leases) of_model.decides = [this] { return reads_first_shard(); };
  of_model.check = sample_check();
  of_model.keep = static_cast<std::size_t>(settings.keep_versions);
  auto host = ModelHost::open(found, std::move(of_model), clock, log, anew);
  if (!host) return host.error();
  if (started) (*host)->start();
  models.add(std::move(*host));
  return {};
}

// Errors of model files come together, so that all can be mended at once. Whatever is wrong with
// one database stops no other model.
Result<void> Hub::Parts::open_models(const std::vector<FoundDefinition>& found) {
  std::string errors;
  for (const FoundDefinition& one : found) {
    const auto opened = open_model(one);
    if (opened) continue;
    if (opened.error().code == Errc::kConfig)
      errors += (errors.empty() ? "" : "\n") + opened.error().message;
    else
      put_away(one, opened.error());
  }
  if (!errors.empty()) return fail(Errc::kConfig, errors);
  return {};
}

void Hub::Parts::put_away(const FoundDefinition& found, const core::Error& why) {
  const std::string next = passes(why) ? ""
                                       : ": if it cannot be mended, `sluice model rebuild " +
                                             found.model + " --reason TEXT` begins with a new one";
  if (models.set_away(found.model, why.message + next))
    log.warning("model", "cannot be opened yet, and is tried again: " + core::to_string(why),
                {{"model", found.model}});
  away.insert_or_assign(found.model, found);
  wake.notify_all();
}

// Whether one could be opened. The first whose database is away speaks for the others, which would
// each wait for a connection as well.
bool Hub::Parts::try_away() {
  bool one_came = false;
  for (auto next = away.begin(); next != away.end();) {
    const auto at = next++;
    const auto opened = open_model(at->second);
    if (opened) {
      log.info("model", "its database answers now", {{"model", at->first}});
      away.erase(at);
      one_came = true;
      continue;
    }
    put_away(FoundDefinition(at->second), opened.error());
    if (opened.error().code == Errc::kUnavailable) break;
  }
  return one_came;
}

// The model's database cannot be used, and an operator wants a new one.
Result<VersionId> Hub::Parts::rebuild_away(const std::string& model, const std::string& reason) {
  const std::lock_guard lock(changing);
  if (const auto at = away.find(model); at != away.end() && !stopped) {
    const FoundDefinition found = at->second;
    auto opened = open_model(found);
    const bool is_well = opened.has_value();
    if (!is_well && !passes(opened.error())) opened = open_model(found, reason);
    if (!opened) {
      put_away(found, opened.error());
      return models.missing(model);
    }
    away.erase(model);
    if (!is_well) return models.find(model)->serving()->id();
  }
  const auto host = models.find(model);
  if (!host) return models.missing(model);
  return host->rebuild(reason);
}

void Hub::Parts::keep_opening() {
  std::unique_lock lock(changing);
  milliseconds backoff = kAwayFirst;
  for (;;) {
    wake.wait(lock, [this] { return stopped || !away.empty(); });
    if (wake.wait_for(lock, backoff, [this] { return stopped; })) return;
    backoff = try_away() ? kAwayFirst : std::min(backoff * 2, kAwayLast);
  }
}

Result<std::unique_ptr<Hub>> Hub::open(const HubSettings& settings, const core::Clock& clock,
                                       core::Logger& log) {
  const auto found = find_definitions(settings);
  if (!found) return found.error();
  auto reactors = load_reactors(settings);
  if (!reactors) return reactors.error();
  auto parts = std::make_unique<Parts>(settings, clock, log);
  const auto locked = lock_state(settings.state);
  if (!locked) return locked.error();
  parts->lock_fd = *locked;
  parts->connection = connection_options(settings, clock, log);
  Parts& all = *parts;
  all.watch = std::make_unique<ReportWatch>(all.reports, all.needs, clock, log, all.connection,
                                            [&all](const core::Error& error) { all.fatal(error); });
  all.tail = std::make_unique<Tail>(settings.shards, all.connection, log,
                                    [&all](const core::Error& error) { all.fatal(error); });
  if (settings.workers)
    all.leases = std::make_unique<LeaseKeeper>(
        LeaseKeeper::Settings{settings.name, settings.worker, settings.lease_ttl, settings.shards,
                              all.connection},
        clock, log, [&all](const core::Error& error) { all.fatal(error); });
  all.verify = std::make_unique<VerifyDesk>(
      all.models, all.audit, clock, log,
      VerifyDesk::Settings{std::filesystem::path(settings.state) / "verify",
                           std::filesystem::path(settings.state) / "verified",
                           settings.verify_interval,
                           static_cast<std::uint64_t>(settings.verify_sample), all.connection,
                           [&all] { return all.reads_first_shard(); }});
  SLUICE_TRY(all.open_models(*found));
  for (auto& reactor : *reactors) {
    auto host = ReactorHost::open(
        std::move(reactor), settings.state, [&all](EngineHost& one) { return all.make_feeds(one); },
        clock, log);
    if (!host) return host.error();
    all.reactors.push_back(std::move(*host));
  }
  return std::unique_ptr<Hub>(new Hub(std::move(parts)));
}

void Hub::start(std::function<void(const core::Error&)> fatal) {
  const std::lock_guard lock(parts_->changing);
  parts_->fatal = std::move(fatal);
  parts_->watch->start();
  parts_->tail->start();
  if (parts_->leases) parts_->leases->start();
  for (const auto& reactor : parts_->reactors) reactor->start();
  parts_->verify->start();
  parts_->started = true;
  for (const auto& host : parts_->models.hosts()) host->start();
  parts_->opener = std::thread([parts = parts_.get()] { parts->keep_opening(); });
}

Result<void> Hub::reload() {
  const std::lock_guard lock(parts_->changing);
  if (parts_->stopped) return {};
  parts_->log.info("hub", "reads the model files again");
  const auto found = find_definitions(parts_->settings);
  if (!found) return found.error();
  std::vector<FoundDefinition> unknown;
  std::optional<core::Error> failed;  // the first; it keeps no other model from its file
  const auto reload = [&](ModelHost& host, const FoundDefinition& file) {
    const auto done = host.reload(file);
    if (!done && !failed) failed = done.error();
  };
  for (const FoundDefinition& one : *found) {
    const auto host = parts_->models.find(one.model);
    if (!host && parts_->away.contains(one.model))
      parts_->away.insert_or_assign(one.model, one);
    else if (!host)
      unknown.push_back(one);
    else
      reload(*host, one);
  }
  const auto is_gone = [&](const std::string& model) {
    return std::none_of(found->begin(), found->end(),
                        [&](const FoundDefinition& one) { return one.model == model; });
  };
  std::erase_if(parts_->away, [&](const auto& one) {
    if (!is_gone(one.first)) return false;
    parts_->models.forget_away(one.first);
    return true;
  });
  for (const auto& host : parts_->models.hosts())
    if (is_gone(host->name()))
      reload(*host, {host->name(),
                     {},
                     nullptr,
                     "its model file is gone: it is served until the next start of sluice-hub"});
  SLUICE_TRY(parts_->open_models(unknown));
  return failed ? Result<void>(*failed) : Result<void>();
}

void Hub::stop() {
  if (parts_->watch) parts_->watch->stop();
  if (parts_->tail) parts_->tail->stop();
  if (parts_->leases) parts_->leases->stop();
  for (const auto& reactor : parts_->reactors) reactor->stop();
  if (parts_->verify) parts_->verify->stop();
  const std::lock_guard lock(parts_->changing);
  parts_->stopped = true;
  parts_->wake.notify_all();
  for (const auto& host : parts_->models.hosts()) host->stop();
}

void Hub::join() {
  if (parts_->watch) parts_->watch->join();
  if (parts_->tail) parts_->tail->join();
  for (const auto& reactor : parts_->reactors) reactor->join();
  if (parts_->verify) parts_->verify->join();
  if (parts_->opener.joinable()) parts_->opener.join();
  for (const auto& host : parts_->models.hosts()) host->join();
  if (parts_->leases) parts_->leases->join();
}

void Hub::add_routes(Routes& routes, std::function<std::uint64_t()> http_requests) {
  add_api(routes, {parts_->models, parts_->reports, *parts_->watch, *parts_->tail, parts_->reactors,
                   parts_->leases.get(), parts_->needs, parts_->audit, *parts_->verify,
                   parts_->clock, parts_->settings.shards, parts_->connection,
                   std::move(http_requests), [this] { return reload(); },
                   [this](const std::string& model, const std::string& reason) {
                     return parts_->rebuild_away(model, reason);
                   }});
}

std::uint64_t Hub::silent_ns() const {
  std::uint64_t oldest = parts_->watch->alive_ns();
  for (const auto& version : parts_->models.open_versions())
    for (const auto& feed : version->feeds())
      oldest = std::min(oldest, feed->alive_ns().value_or(oldest));
  if (parts_->leases) oldest = std::min(oldest, parts_->leases->alive_ns());
  for (const auto& reactor : parts_->reactors) oldest = std::min(oldest, reactor->alive_ns());
  const std::uint64_t now = parts_->clock.monotonic_ns();
  return now > oldest ? now - oldest : 0;
}

std::size_t Hub::models() const {
  return parts_->models.hosts().size();
}

}  // namespace sluice::hub
