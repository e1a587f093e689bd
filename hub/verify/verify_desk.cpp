// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/verify_desk.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "core/text.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

constexpr int kNiceness = 10;
constexpr std::chrono::milliseconds kTick{1'000};
constexpr std::size_t kTold = 5;  // rows in the event; the report has more

VerifyDesk::State state_of(const VerifyRecord& record) {
  if (!record.compared()) return VerifyDesk::State::kUnknown;
  return record.differences == 0 ? VerifyDesk::State::kGood : VerifyDesk::State::kDiffers;
}

// Why rows were left out.
std::string first_reason(const VerifyRecord& record) {
  const auto& reasons = record.report.at("unverifiable").as_array();
  return reasons.empty() ? std::string() : std::string(reasons.front().as_string());
}

// As if it had just ended.
VerifyDesk::Status status_of(VerifyRecord record) {
  VerifyDesk::Status out;
  out.state = state_of(record);
  out.version = record.version;
  out.sample = record.sample;
  out.began_ns = record.began_ns;
  out.ended_ns = record.ended_ns;
  out.duration_s = record.duration_s;
  out.last = std::make_shared<const VerifyRecord>(std::move(record));
  return out;
}

}  // namespace

VerifyDesk::VerifyDesk(const ModelShelf& models, Audit& audit, const core::Clock& clock,
                       core::Logger& log, Settings settings)
    : models_(models),
      audit_(audit),
      clock_(clock),
      log_(log),
      settings_(std::move(settings)),
      shelf_(settings_.kept) {
  for (auto& [model, record] : shelf_.read(log_)) status_[model] = status_of(std::move(record));
}

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
  const auto host = models_.find(model);
  Status out;
  {
    const std::lock_guard lock(mutex_);
    const auto found = status_.find(model);
    if (found == status_.end()) return out;
    out = found->second;
  }
  if (!out.last || !host || out.last->is_of(host->serving_record())) return out;
  // What was found in the version before says nothing of this one.
  if (out.state == state_of(*out.last)) return Status();
  out.last = nullptr;
  return out;
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
  const auto host = models_.find(asked.model);
  if (!host) return;
  VerifyRecord record;
  record.serving_since_ns = host->serving_record().since_ns;
  const auto version = host->serving();
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
  const std::int64_t ended_ns = clock_.wall_ns();
  const double duration_s = static_cast<double>(clock_.monotonic_ns() - began) / 1e9;
  Status now;
  {
    const std::lock_guard lock(mutex_);
    Status& status = status_[asked.model];
    if (report) {
      record.version = status.version;
      record.sample = asked.sample;
      record.began_ns = status.began_ns;
      record.ended_ns = ended_ns;
      record.duration_s = duration_s;
      record.set_report(version->model(), *report);
      status = status_of(std::move(record));
    } else {
      status.state = State::kFailed;
      status.ended_ns = ended_ns;
      status.duration_s = duration_s;
      status.error = core::to_string(report.error());
    }
    now = status;
  }
  if (report) take_down(asked.model, *now.last);
  if (!stopping_) tell(asked.model, now);
}

void VerifyDesk::take_down(const std::string& model, const VerifyRecord& record) {
  if (const auto kept = shelf_.keep(model, record); !kept)
    log_.error("verify", "what was found is forgotten at the next start: " + kept.error().message,
               {{"model", model}});
}

void VerifyDesk::tell(const std::string& model, const Status& status) {
  if (status.state == State::kFailed) {
    log_.warning("verify", status.error, {{"model", model}});
    return;
  }
  if (status.state == State::kUnknown) {
    log_.warning("verify", "nothing could be compared: " + first_reason(*status.last),
                 {{"model", model}});
    return;
  }
  const VerifyRecord& found = *status.last;
  json::object data{{"model", model},
                    {"version", status.version},
                    {"sample", status.sample},
                    {"rows", found.rows},
                    {"differences", found.differences},
                    {"unverifiable", found.unverifiable},
                    {"messages", found.report.at("messages")},
                    {"duration_s", status.duration_s}};
  if (status.state == State::kDiffers) {
    json::array rows = found.report.at("findings").as_array();
    if (rows.size() > kTold) rows.resize(kTold);
    data["findings"] = std::move(rows);
    log_.error("alarm",
               "the rows of a read model are not those that its events make: see `sluice "
               "model verify`, and rebuild it",
               {{"model", model}, {"rows", std::to_string(found.differences)}});
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
  if (status.last) {
    out["rows"] = status.last->rows;
    out["differences"] = status.last->differences;
    out["unverifiable"] = status.last->unverifiable;
  }
  return out;
}

}  // namespace sluice::hub
