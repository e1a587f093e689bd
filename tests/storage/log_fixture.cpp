// SPDX-License-Identifier: Apache-2.0
#include "tests/storage/log_fixture.hpp"

#include <future>

#include "storage/segment_file.hpp"

namespace sluice::storage {

void KeptLogger::write(Level, std::string_view, std::string_view message, Fields fields) {
  std::string line(message);
  for (const auto& [key, value] : fields) line += " " + std::string(key) + "=" + value;
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

bool KeptLogger::saw(std::string_view words) const {
  const std::lock_guard lock(mutex_);
  for (const std::string& line : lines_)
    if (line.find(words) != std::string::npos) return true;
  return false;
}

NewEvent make_event(const std::string& stream, const std::string& type, const std::string& data) {
  NewEvent event;
  event.stream = *core::StreamName::parse(stream);
  event.type = type;
  event.data = data;
  return event;
}

core::Uuid make_id(std::uint64_t n) {
  core::SeededRandom random(n + 1);
  core::Uuid id;
  for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random.next());
  return id;
}

LogTest::LogTest() {
  for (LaneSettings& lane : settings.lanes) lane.commit_interval = std::chrono::milliseconds(0);
  settings.disk_soft = settings.disk_hard = settings.ballast = 0;
  settings.segment_events = 100;
}

EventLog::Options LogTest::options() const {
  EventLog::Options made{scratch.path() / "log", *core::GatewayId::parse(gateway), settings,
                         lane_map, vfs};
  made.read_only = read_only;
  return made;
}

core::Result<std::unique_ptr<EventLog>> LogTest::try_open() {
  return EventLog::open(options(), {clock, random, logger});
}

void LogTest::open() {
  auto opened = try_open();
  if (!opened) throw std::runtime_error(core::to_string(opened.error()));
  log = std::move(*opened);
}

LogTest::Answer LogTest::append(AppendRequest request) {
  auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  log->append(std::move(request),
              [promise](Answer result) { promise->set_value(std::move(result)); });
  return answer.get();
}

LogTest::Answer LogTest::append(NewEvent event) {
  AppendRequest request;
  request.events.push_back(std::move(event));
  return append(std::move(request));
}

Appended LogTest::must_append(NewEvent event) {
  const auto answer = append(std::move(event));
  if (!answer) throw std::runtime_error(core::to_string(answer.error()));
  return answer->front();
}

void LogTest::append_many(std::size_t count, const std::string& stream) {
  while (count > 0) {
    AppendRequest request;
    const std::size_t group = std::min<std::size_t>(count, 50);
    for (std::size_t i = 0; i < group; ++i) request.events.push_back(make_event(stream));
    count -= group;
    const auto answer = append(std::move(request));
    if (!answer) throw std::runtime_error(core::to_string(answer.error()));
  }
}

core::Result<void> LogTest::rewind(core::Lane lane, core::Seq acked) {
  std::promise<core::Result<void>> promise;
  log->rewind(lane, acked,
              [&](core::Result<void> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

core::Result<void> LogTest::set_aside(core::Lane lane, SetAside range) {
  std::promise<core::Result<void>> promise;
  log->set_aside(lane, range,
                 [&](core::Result<void> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

void LogTest::ack(core::Lane lane, core::Seq acked) {
  Anchor anchor;
  anchor.acked = acked;
  anchor.hub_stream = "EVENTS-main";
  anchor.created = "2026-11-21T00:00:00Z";
  const auto epochs = reader()->epochs(lane);
  for (const EpochInfo& info : *epochs)
    if (info.first_seq <= acked) anchor.epoch = info.epoch;
  anchor.seq = acked;
  anchor.hub_seq = 1000 + acked;
  anchor.subject = "ev.main.plant-7.telemetry.pump.Measured";
  anchor.identity = core::Identity{gateway, anchor.epoch, lane, acked}.text();
  log->record_acks(lane, {anchor});
  // The cursor is written with the lane's next commit.
  std::promise<core::Result<void>> promise;
  log->set_aside(lane, SetAside{log->epoch(), acked, acked, core::GapReason::kOversize},
                 [&](core::Result<void> result) { promise.set_value(std::move(result)); });
  const auto done = promise.get_future().get();
  if (!done) throw std::runtime_error(core::to_string(done.error()));
}

std::unique_ptr<LogReader> LogTest::reader() {
  auto opened = LogReader::open(scratch.path() / "log");
  if (!opened) throw std::runtime_error(core::to_string(opened.error()));
  return std::move(*opened);
}

std::vector<Record> LogTest::read_all(core::Lane lane) {
  const auto from_disk = reader();
  std::vector<Record> all;
  core::Seq next = 1;
  for (;;) {
    auto page = from_disk->read_lane(lane, next);
    if (!page) throw std::runtime_error(core::to_string(page.error()));
    if (page->empty()) return all;
    for (Record& record : *page) {
      if (!all.empty() && record.seq != next) throw std::runtime_error("a seq is missing");
      next = record.seq + 1;
      const auto event = codec::decode_event(record.body);
      if (!event) throw std::runtime_error(core::to_string(event.error()));
      if (event->seq != record.seq) throw std::runtime_error("a body names another seq");
      all.push_back(std::move(record));
    }
  }
}

std::vector<std::filesystem::path> LogTest::segment_paths(core::Lane lane) const {
  std::vector<std::filesystem::path> paths;
  const auto files = list_segments(lane_folder(scratch.path() / "log", lane));
  if (!files) return paths;
  for (const SegmentFile& file : *files) paths.push_back(file.path);
  return paths;
}

std::size_t LogTest::segment_files(core::Lane lane) const {
  return segment_paths(lane).size();
}

}  // namespace sluice::storage
