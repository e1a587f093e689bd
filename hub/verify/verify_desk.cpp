// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/verify_desk.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "core/text.hpp"
#include "hub/verify/verify_json.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

constexpr int kNiceness = 10;
constexpr std::chrono::milliseconds kTick{1'000};
constexpr std::size_t kTold = 5;  // rows in the event; the report has more

}  // namespace

VerifyDesk::VerifyDesk(const ModelShelf& models, Audit& audit, const core::Clock& clock,
                       core::Logger& log, Settings settings)
    : models_(models), audit_(audit), clock_(clock), log_(log), settings_(std::move(settings)) {}

VerifyDesk::~VerifyDesk() {
  stop();
  join();
}

void VerifyDesk::start() {
  // What a killed process left.
  std::error_code ignored;
  std::filesystem::remove_all(settings_.scratch, ignored);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "verify");
}

void VerifyDesk::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

void VerifyDesk::join() {
  if (thread_.joinable()) thread_.join();
}

Result<void> VerifyDesk::ask(std::string_view model, std::uint64_t sample) {
  if (!models_.serving(model)) return models_.missing(model);
  const std::lock_guard lock(mutex_);
  Status& status = status_[std::string(model)];
  if (status.state == State::kWaiting || status.state == State::kRunning)
    return fail(Errc::kBusy, "a verification of this model has not ended yet");
  status.state = State::kWaiting;
  status.sample = sample;
  queue_.push_back({std::string(model), sample});
  wake_.notify_all();
  return {};
}

VerifyDesk::Status VerifyDesk::status(std::string_view model) const {
  const std::lock_guard lock(mutex_);
  const auto found = status_.find(model);
  return found == status_.end() ? Status() : found->second;
}

VerifyRequest VerifyDesk::request_for(const ModelVersion& version, std::uint64_t sample) const {
  VerifyRequest request{version.definition(), version.place(), settings_.scratch};
  request.sample = sample;
  request.seed = clock_.monotonic_ns();
  return request;
}

Result<VerifyReport> VerifyDesk::check(const ModelVersion& version, std::uint64_t sample,
                                       std::function<bool()> stopping) const {
  VerifyRequest request = request_for(version, sample);
  request.stopping = std::move(stopping);
  const auto source = nats_source(settings_.connection);
  return verify(request, *source, clock_, log_);
}

void VerifyDesk::run() {
  // Of this thread alone, as Linux has it: feeds and queries come first.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness);
  while (!stopping_) {
    std::optional<Asked> asked;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kTick, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      if (!queue_.empty()) {
        asked = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (asked)
      one(*asked);
    else if (settings_.interval.count() > 0)
      ask_by_clock();
  }
}

std::uint64_t VerifyDesk::jittered(double from, double to) {
  const double part = from + (to - from) * static_cast<double>(random_.below(1000)) / 1000;
  return static_cast<std::uint64_t>(static_cast<double>(settings_.interval.count()) * 1e6 * part);
}

// The first time comes somewhere in the interval, so that models do not meet, and that a program
// which is started every day verifies all the same.
void VerifyDesk::ask_by_clock() {
  if (settings_.has_turn && !settings_.has_turn()) {
    due_ns_.clear();  // who gets the turn begins as at a start
    return;
  }
  const std::uint64_t now = clock_.monotonic_ns();
  for (const auto& version : models_.serving()) {
    const auto [due, is_new] = due_ns_.try_emplace(version->name(), now + jittered(0.05, 0.5));
    if (due->second > now) continue;
    due->second = now + jittered(0.9, 1.1);
    (void)ask(version->name(), settings_.sample);  // kBusy: somebody asked already
  }
}

void VerifyDesk::one(const Asked& asked) {
  const auto version = models_.serving(asked.model);
  if (!version) return;
  const std::uint64_t began = clock_.monotonic_ns();
  VerifyRequest request = request_for(*version, asked.sample);
  request.stopping = [this] { return stopping_.load(); };
  request.progress = [&](std::uint64_t messages) {
    const std::lock_guard lock(mutex_);
    status_[asked.model].messages = messages;
  };
  {
    std::uint64_t total = 0;
    for (const auto& feed : version->feeds()) total += feed->status().position;
    const std::lock_guard lock(mutex_);
    Status& status = status_[asked.model];
    status.state = State::kRunning;
    status.version = version->id().text();
    status.began_ns = clock_.wall_ns();
    status.messages = 0;
    status.total = total;
    status.error.clear();
  }
  const auto source = nats_source(settings_.connection);
  auto report = verify(request, *source, clock_, log_);
  Status now;
  {
    const std::lock_guard lock(mutex_);
    Status& status = status_[asked.model];
    status.ended_ns = clock_.wall_ns();
    status.duration_s = static_cast<double>(clock_.monotonic_ns() - began) / 1e9;
    if (report) {
      status.state = !report->compared() ? State::kUnknown
                     : report->good()    ? State::kGood
                                         : State::kDiffers;
      status.model = version->definition();
      status.report = std::make_shared<const VerifyReport>(std::move(*report));
      status.runs += 1;
    } else {
      status.state = State::kFailed;
      status.error = core::to_string(report.error());
    }
    now = status;
  }
  if (!stopping_) tell(asked.model, now);
}

void VerifyDesk::tell(const std::string& model, const Status& status) {
  if (status.state == State::kFailed) {
    log_.warning("verify", status.error, {{"model", model}});
    return;
  }
  if (status.state == State::kUnknown) {
    log_.warning("verify", "nothing could be compared: " + status.report->unverifiable.front(),
                 {{"model", model}});
    return;
  }
  json::object data{{"model", model},
                    {"version", status.version},
                    {"sample", status.sample},
                    {"rows", status.report->rows},
                    {"differences", status.report->differences},
                    {"unverifiable", status.report->unverifiable.size()},
                    {"messages", status.report->messages},
                    {"duration_s", status.duration_s}};
  if (status.state == State::kDiffers) {
    json::array rows;
    for (const VerifyFinding& finding : status.report->findings)
      if (rows.size() < kTold) rows.push_back(finding_json(*status.model, finding));
    data["findings"] = std::move(rows);
    log_.error("alarm",
               "the rows of a read model are not those that its events make: see `sluice "
               "model verify`, and rebuild it",
               {{"model", model}, {"rows", std::to_string(status.report->differences)}});
  }
  (void)audit_.record(status.state == State::kGood ? "ModelVerified" : "ModelDiffers", data);
}

std::string_view state_word(VerifyDesk::State state) {
  switch (state) {
    case VerifyDesk::State::kNever:
      return "never";
    case VerifyDesk::State::kWaiting:
      return "waiting";
    case VerifyDesk::State::kRunning:
      return "running";
    case VerifyDesk::State::kGood:
      return "good";
    case VerifyDesk::State::kDiffers:
      return "differs";
    case VerifyDesk::State::kUnknown:
      return "unknown";
    case VerifyDesk::State::kFailed:
      return "failed";
  }
  return "never";
}

json::object status_json(const VerifyDesk::Status& status) {
  json::object out{{"state", state_word(status.state)}};
  if (status.state == VerifyDesk::State::kNever) return out;
  out["sample"] = status.sample;
  if (status.state == VerifyDesk::State::kRunning) {
    out["began_at"] = core::format_time(status.began_ns);
    out["messages"] = status.messages;
    out["total"] = status.total;
  }
  if (status.state == VerifyDesk::State::kFailed) out["error"] = status.error;
  if (status.ended_ns != 0) {
    out["at"] = core::format_time(status.ended_ns);
    out["duration_s"] = status.duration_s;
    out["version"] = status.version;
  }
  if (status.report) {
    out["rows"] = status.report->rows;
    out["differences"] = status.report->differences;
    out["unverifiable"] = status.report->unverifiable.size();
  }
  return out;
}

}  // namespace sluice::hub
