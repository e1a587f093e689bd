// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "storage/filesystem.hpp"
#include "storage/log_writer.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_health.hpp"
#include "storage/start_record.hpp"

// The callers' side of the log: start and stop, checks, queues, reads.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kReadersOpenMax = 4;
// All fields but names and data, in their longest form.
constexpr std::size_t kFieldBytesMax = 160;

}  // namespace

LogWriter::LogWriter(EventLog::Options options, EventLog::Environment environment)
    : options_(std::move(options)),
      ids_(environment.random),
      ballast_(options_.folder / "ballast", options_.settings.ballast),
      read_cache_(kReadersOpenMax, options_.vfs) {
  context_.folder = options_.folder;
  context_.gateway = options_.gateway.text();
  context_.settings = options_.settings;
  context_.vfs = options_.vfs;
  context_.machine = options_.machine;
  context_.read_only = options_.read_only;
  if (!context_.read_only) context_.read_only = [this] { return is_read_only(context_.folder); };
  context_.fresh_segments = options_.fresh_segments;
  context_.clock = &environment.clock;
  context_.random = &environment.random;
  context_.logger = &environment.logger;
  context_.ids = &ids_;
  for (const auto& [category, lane] : options_.lane_of_category) lane_by_category_[category] = lane;
}

LogWriter::~LogWriter() {
  stop();
}

Result<void> LogWriter::open() {
  for (const auto& [category, lane] : lane_by_category_) {
    SLUICE_TRY(core::check_category(category));
    if (category == core::kReservedCategory)
      return fail(Errc::kConfig, "category 'sluice' is Sluice's own", "gateway.lanes.sluice");
  }
  SLUICE_TRY(make_folder(context_.folder));
  const auto verdict = judge_folder(context_.folder);
  if (verdict.fitness == Fitness::kUnfit)
    return fail(Errc::kConfig,
                context_.folder.string() + " cannot hold a log: " + std::string(verdict.why));
  if (verdict.fitness == Fitness::kDoubtful)
    context_.logger->warning(
        "log", "the log's filesystem is a poor place for it",
        {{"folder", context_.folder.string()}, {"why", std::string(verdict.why)}});
  SLUICE_TRY(check_formats(context_.folder));
  auto lock = FolderLock::take(context_.folder);
  if (!lock) return lock.error();
  lock_file_.emplace(std::move(*lock));
  context_.epoch = core::draw_epoch(*context_.random);
  for (const Lane lane : core::kLanes)
    lanes_[core::index(lane)] = std::make_unique<LaneLog>(context_, lane);
  const auto placed = [this](const std::string& category) { return lane_of(category); };
  for (const auto& lane : lanes_) SLUICE_TRY(lane->open(placed));
  report_.salvaged = read_reports(context_.folder, Told::kNotYet);
  for (const SalvagedSegment& one : read_reports(context_.folder, Told::kAny)) {
    ++counters_.damaged_segments;
    counters_.damaged_events += one.lost;
  }
  find_lost_tails();
  SLUICE_TRY(write_short_lived(context_.folder, read_short_lived(context_.folder) + 1));
  count();
  sealer_ = std::make_unique<Sealer>(*context_.logger, context_.vfs, [this](Sealer::Report report) {
    const std::lock_guard guard(mutex_);
    seal_reports_.push_back(std::move(report));
    wake_.notify_one();
  });
  submit_seal_jobs();
  keep_ballast(steady_clock::now());
  started_ = steady_clock::now();
  thread_ = std::thread([this] { run(); });
  return {};
}

// A chain mark of the epoch before this one names a seq that its lane does not have: the lane was
// cut back, and lane system was not.
void LogWriter::find_lost_tails() {
  const LaneLog& system = *lanes_[core::index(Lane::kSystem)];
  for (const Lane lane : core::kLanes) {
    const LaneLog& here = *lanes_[core::index(lane)];
    for (const LostTail& tail : here.lost_tails()) report_.lost_tails.push_back(tail);
    const std::string stream = core::lane_stream(lane).text();
    const std::uint64_t version = system.version_of(stream);
    constexpr std::uint64_t kLook = 16;
    const auto newest =
        system.read_stream(read_cache_, stream, version > kLook ? version - kLook : 1, kLook + 1);
    if (!newest) continue;
    core::Seq known = 0;
    for (const Record& record : *newest) {
      const auto event = codec::decode_trusted(record.body);
      if (!event || event->type != codec::kTypeChainMark) continue;
      const auto mark = codec::decode_chain_mark(event->data);
      if (mark && mark->epoch == system.opened().opened.previous) known = mark->seq;
    }
    if (known > here.opened().opened.last_seq)
      report_.lost_tails.push_back({lane, known, here.opened().opened.last_seq,
                                    "a chain mark was made at seq " + std::to_string(known)});
  }
}

Result<void> LogWriter::salvage_told(const SalvagedSegment& salvaged) {
  return mark_told(context_.folder, salvaged);
}

codec::ChainMark LogWriter::chain_mark(Lane lane) const {
  return lanes_[core::index(lane)]->chain_mark();
}

void LogWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  if (sealer_) sealer_->stop();
  for (const auto& lane : lanes_)
    if (lane) lane->close();
  const std::lock_guard reading(read_mutex_);
  read_cache_.clear();
  lock_file_.reset();
}

Lane LogWriter::lane_of(const std::string& category) const {
  const auto found = lane_by_category_.find(category);
  return found == lane_by_category_.end() ? Lane::kTelemetry : found->second;
}

Result<std::size_t> LogWriter::check_event(const NewEvent& event, bool own) const {
  SLUICE_TRY(core::check_category(event.stream.category));
  SLUICE_TRY(core::check_entity(event.stream.entity));
  SLUICE_TRY(core::check_type(event.type));
  if (event.stream.category == core::kReservedCategory) {
    if (!own) return fail(Errc::kBadRequest, "category 'sluice' is Sluice's own", "stream");
    // The streams sluice/<lane> belong to the lanes of that name.
    if (event.stream.entity != core::lane_name(Lane::kSystem) &&
        core::parse_lane(event.stream.entity))
      return fail(Errc::kBadRequest,
                  "sluice/" + event.stream.entity + " is not a stream of lane system", "stream");
  } else if (own) {
    return fail(Errc::kBadRequest, "an own event must be of category 'sluice'", "stream");
  }
  if (event.data.empty()) return fail(Errc::kBadRequest, "the event has no data", "data");
  const std::size_t bytes = event.data.size() + event.type.size() + event.stream.category.size() +
                            event.stream.entity.size() + context_.gateway.size() + kFieldBytesMax;
  if (bytes > context_.settings.event_bytes_max)
    return fail(Errc::kTooLarge,
                "the event takes about " + std::to_string(bytes) + " bytes, the limit is " +
                    std::to_string(context_.settings.event_bytes_max),
                "data");
  return bytes;
}

Result<Lane> LogWriter::check(const AppendRequest& request) const {
  if (request.events.empty() || request.events.size() > core::limits::kAtomicAppendEvents)
    return fail(request.events.empty() ? Errc::kBadRequest : Errc::kTooLarge,
                "an append holds 1 to " + std::to_string(core::limits::kAtomicAppendEvents) +
                    " events, this one " + std::to_string(request.events.size()));
  if (request.own) return Lane::kSystem;
  const Lane lane = lane_of(request.events.front().stream.category);
  for (const NewEvent& event : request.events)
    if (lane_of(event.stream.category) != lane)
      return fail(Errc::kBadRequest,
                  "one append must stay in one lane: " + request.events.front().stream.category +
                      " is in " + std::string(core::lane_name(lane)) + ", " +
                      event.stream.category + " in " +
                      std::string(core::lane_name(lane_of(event.stream.category))),
                  "stream");
  return lane;
}

void LogWriter::append(AppendRequest request, AppendCallback callback) {
  std::size_t bytes = 0;
  for (const NewEvent& event : request.events) {
    const auto checked = check_event(event, request.own);
    if (!checked) return callback(checked.error());
    bytes += *checked;
  }
  const auto lane = check(request);
  if (!lane) return callback(lane.error());
  if (bytes > context_.settings.queue_bytes_max)
    return callback(fail(Errc::kTooLarge, "the append takes about " + std::to_string(bytes) +
                                              " bytes, [log] queue_bytes_max is " +
                                              std::to_string(context_.settings.queue_bytes_max)));
  const std::size_t events = request.events.size();
  PendingAppend pending{
      std::move(request), {}, context_.clock->wall_ns(), context_.clock->monotonic_ns(), bytes};
  core::Error refused;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.empty()) {
      refused = fail(Errc::kIo, failure_);
    } else if (stopping_) {
      refused = fail(Errc::kUnavailable, "the log is stopping");
    } else if (queued_events_ > 0 &&
               (queued_events_ + events >
                    static_cast<std::size_t>(context_.settings.queue_events_max) ||
                queued_bytes_ + bytes > context_.settings.queue_bytes_max)) {
      ++counters_.refused;
      refused = fail(Errc::kBusy, std::to_string(queued_events_) +
                                      " events wait for their commit: try again in a moment");
    } else {
      Queue& queue = queues_[core::index(*lane)];
      if (queue.appends.empty()) queue.oldest = steady_clock::now();
      pending.callback = std::move(callback);
      queue.appends.push_back(std::move(pending));
      queue.events += events;
      queue.bytes += bytes;
      queued_events_ += events;
      queued_bytes_ += bytes;
      wake_.notify_one();
      return;
    }
  }
  callback(std::move(refused));
}

Result<std::vector<Record>> LogWriter::read_stream(const core::StreamName& stream,
                                                   std::uint64_t from, std::size_t limit) {
  Lane lane = lane_of(stream.category);
  if (stream.category == core::kReservedCategory) {
    const auto named = core::parse_lane(stream.entity);
    lane = named ? *named : Lane::kSystem;
  }
  const std::lock_guard reading(read_mutex_);
  // A segment can be trimmed between the plan and the read: then plan again.
  for (int attempt = 0;; ++attempt) {
    auto records = lanes_[core::index(lane)]->read_stream(read_cache_, stream.text(), from, limit);
    if (records || records.error().code != Errc::kNotFound || attempt == 3) return records;
  }
}

void LogWriter::record_acks(Lane lane, std::vector<Anchor> anchors) {
  if (anchors.empty()) return;
  const std::lock_guard lock(mutex_);
  Queue& queue = queues_[core::index(lane)];
  if (queue.acks.empty()) queue.acks_since = steady_clock::now();
  std::move(anchors.begin(), anchors.end(), std::back_inserter(queue.acks));
  wake_.notify_one();
}

void LogWriter::rewind(Lane lane, core::Seq acked, EventLog::Done done) {
  core::Error refused;
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty() && !stopping_) {
      Queue& queue = queues_[core::index(lane)];
      queue.acks.clear();  // they speak of what is being taken back
      queue.rewinds.emplace_back(acked, std::move(done));
      wake_.notify_one();
      return;
    }
    refused = failure_.empty() ? fail(Errc::kUnavailable, "the log is stopping")
                               : fail(Errc::kIo, failure_);
  }
  if (done) done(std::move(refused));
}

void LogWriter::set_aside(Lane lane, SetAside range, EventLog::Done done) {
  core::Error refused;
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty() && !stopping_) {
      queues_[core::index(lane)].set_aside.emplace_back(range, std::move(done));
      wake_.notify_one();
      return;
    }
    refused = failure_.empty() ? fail(Errc::kUnavailable, "the log is stopping")
                               : fail(Errc::kIo, failure_);
  }
  if (done) done(std::move(refused));
}

void LogWriter::on_commit(std::function<void()> bell) {
  bell_ = std::move(bell);
}

LaneState LogWriter::lane_state(Lane lane) const {
  LaneState state = lanes_[core::index(lane)]->state();
  const core::Seq seq = std::max(state.acked + 1, state.first);
  if (seq > state.last) return state;
  const std::lock_guard reading(read_mutex_);
  auto& [known, wall_ns] = oldest_unacked_[core::index(lane)];
  if (known != seq) {
    const auto reader = read_cache_.get(lanes_[core::index(lane)]->newest_holding(seq));
    if (!reader) return state;
    const auto record = (*reader)->read_one(seq);
    if (!record || !*record) return state;
    const auto event = codec::decode_trusted((*record)->body);
    if (!event) return state;
    known = seq;
    wall_ns = event->recorded.wall_ns;
  }
  state.oldest_unacked_wall_ns = wall_ns;
  return state;
}

EventLog::Counters LogWriter::counters() const {
  const std::lock_guard lock(mutex_);
  EventLog::Counters counters = counters_;
  counters.queued = queued_events_;
  return counters;
}

void LogWriter::nudge() {
  const std::lock_guard lock(mutex_);
  wake_.notify_one();
}

std::string LogWriter::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace sluice::storage
