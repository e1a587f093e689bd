// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/scenario.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <stdexcept>

#include "sqlite/database.hpp"
#include "storage/segment_file.hpp"
#include "tests/lab/replay/sql_words.hpp"

namespace sluice::lab {

void Stage::check(const core::Result<void>& done) const {
  if (!done) throw std::runtime_error("the scenario is broken: " + core::to_string(done.error()));
}

void Stage::open() {
  check(lane.open());
}

storage::AppendRequest Stage::some_events() {
  static constexpr const char* kStreams[] = {"pump/7", "pump/8", "valve/3"};
  storage::AppendRequest request;
  const std::uint64_t count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t bytes = random.below(16) == 0 ? 6000 : 20 + random.below(200);
    request.events.push_back(make_event(kStreams[random.below(3)], random.next() >> 4, bytes));
  }
  return request;
}

void Stage::append(std::size_t commits) {
  for (std::size_t i = 0; i < commits; ++i) {
    std::vector<storage::AppendRequest> group(1 + random.below(3));
    for (storage::AppendRequest& request : group) request = some_events();
    check(lane.commit(std::move(group)));
    if (!lane.refusals.empty())
      throw std::runtime_error("the scenario is broken: " + core::to_string(lane.refusals[0]));
  }
}

void Stage::append_big(std::size_t bytes) {
  storage::AppendRequest request;
  request.events.push_back(make_event("pump/7", random.next() >> 4, bytes));
  check(lane.commit({std::move(request)}));
}

namespace {

// Appends and group commits in one segment; big events spill over many pages.
void play_append(Stage& stage) {
  stage.open();
  stage.append(8);
  stage.append_big(20'000);
  stage.append(4);
  stage.lane.close();
}

// The WAL is copied into the file and begun again, several times.
void play_checkpoint(Stage& stage) {
  stage.open();
  stage.append(12);
  stage.append_big(20'000);
  stage.append(8);
  stage.lane.close();
}

// Segments fill, are followed by new ones, indexed and sealed: at once, or several later.
void play_seal(Stage& stage) {
  stage.open();
  for (int round = 0; round < 5; ++round) {
    stage.append(2 + stage.random.below(3));
    if (stage.random.below(2) == 0) stage.lane.seal();
  }
  stage.lane.seal();
  stage.append(1);
  stage.lane.close();
}

// Acks, trimming, a rewind, ranges that are set aside.
void play_trim(Stage& stage) {
  stage.open();
  for (int round = 0; round < 4; ++round) {
    stage.append(3);
    stage.lane.seal();
    stage.check(stage.lane.ack(stage.last() - stage.random.below(3)));
    stage.check(stage.lane.trim());
  }
  const core::Seq cursor = stage.lane.state().acked;
  stage.check(stage.lane.rewind(cursor - 1 - stage.random.below(3)));
  stage.append(2);
  stage.lane.seal();
  stage.check(stage.lane.trim());
  const core::Seq last = stage.last();
  stage.check(
      stage.lane.set_aside({stage.lane.epoch(), last - 1, last, core::GapReason::kOversize}));
  stage.check(stage.lane.ack(last));
  stage.append(2);
  stage.check(stage.lane.trim());
  stage.lane.close();
}

// Starts over what another run left: in peace, or with a seal and a WAL unfinished.
void play_start(Stage& stage) {
  for (int run = 0; run < 4; ++run) {
    stage.open();
    stage.append(1 + stage.random.below(4));
    if (run == 2) stage.lane.seal();
    if (stage.random.below(2) == 0)
      stage.lane.close();
    else
      stage.lane.drop();
  }
  stage.open();
  stage.append(1);
  stage.lane.close();
}

// A sync or a write that fails: what was being committed is written again, elsewhere.
void play_failed_write(Stage& stage) {
  stage.open();
  for (int round = 0; round < 4; ++round) {
    stage.append(stage.random.below(3));  // none: the next commit is its segment's first
    const CallKind which = stage.random.below(2) == 0 ? CallKind::kSync : CallKind::kWrite;
    std::uint64_t skip = which == CallKind::kSync ? 0 : stage.random.below(5);
    stage.recorder.fault = [&](const FileCall& call) {
      if (call.kind != which) return 0;
      if (skip-- > 0) return 0;
      stage.recorder.fault = nullptr;
      return EIO;
    };
    stage.append(1);
    stage.recorder.fault = nullptr;
    if (stage.random.below(2) == 0) stage.lane.seal();
  }
  stage.append(1);
  stage.lane.close();
}

// Room is made at the cost of events that the hub does not have.
void play_drop_oldest(Stage& stage) {
  stage.open();
  for (int round = 0; round < 4; ++round) {
    stage.append(3);
    if (round == 1) stage.check(stage.lane.ack(stage.last() - 2));
    if (stage.random.below(2) == 0) stage.lane.seal();
    stage.check(stage.lane.drop_oldest());
  }
  stage.append(1);
  stage.lane.close();
}

// The inner page of the table of events: no row is in it, but SQLite finds none without it. False:
// the table is one leaf.
bool destroy_inner_page(const std::filesystem::path& segment) {
  std::int64_t root = 0;
  {
    auto database = sqlite::Database::open(segment, sqlite::OpenMode::kImmutable, {});
    const auto found =
        database ? database->query_int("SELECT rootpage FROM sqlite_master WHERE name='event'")
                 : core::Result<std::int64_t>(database.error());
    if (found) root = *found;
  }
  const std::string noise(4096, '\x5a');
  const int fd = ::open(segment.c_str(), O_RDWR | O_CLOEXEC);
  char type = 0;
  if (root > 1 && ::pread(fd, &type, 1, (root - 1) * 4096) == 1 && type != 5) {
    ::close(fd);
    return false;
  }
  const bool done = root > 1 && fd >= 0 &&
                    ::pwrite(fd, noise.data(), noise.size(), (root - 1) * 4096) ==
                        static_cast<ssize_t>(noise.size()) &&
                    ::fdatasync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!done) throw std::runtime_error("the scenario is broken: cannot damage a segment");
  return true;
}

// A damaged segment is salvaged into a new one at the start: the newest, or one that is sealed.
void play_salvage(Stage& stage) {
  stage.open();
  stage.append(9);
  stage.append_big(3000);
  stage.lane.seal();
  stage.lane.close();
  const auto files =
      storage::list_segments(storage::lane_folder(stage.folder, core::Lane::kTelemetry));
  if (!files) throw std::runtime_error(core::to_string(files.error()));
  const bool newest = stage.random.below(2) == 0;
  if (!newest || !destroy_inner_page(files->back().path)) destroy_inner_page(files->front().path);
  stage.open();
  stage.append(2);
  stage.lane.seal();
  stage.lane.close();
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"append", 1000, 1000, play_append},
      {"checkpoint", 1000, 12, play_checkpoint},
      {"seal", 12, 1000, play_seal},
      {"trim", 10, 16, play_trim},
      {"start", 8, 1000, play_start},
      {"failed-write", 16, 1000, play_failed_write},
      {"drop-oldest", 10, 1000, play_drop_oldest},
      {"salvage", 40, 1000, play_salvage},
  };
  return all;
}

Recording record(const Scenario& scenario, std::uint64_t seed, ImageFolder& folder) {
  Recording recording;
  recording.scenario = &scenario;
  recording.seed = seed;
  recording.settings = small_settings(scenario.segment_events);
  folder.install({});
  seed_sqlite(seed);
  Recorder recorder(folder.path(), {});
  LaneDriver lane(folder.path(), seed * 2, recording.settings, recording.ledger,
                  [&] { return recorder.size(); });
  std::optional<OtherPragma> pragma;
  if (scenario.checkpoint_pages != 1000)
    pragma.emplace("wal_autocheckpoint", "1000", std::to_string(scenario.checkpoint_pages), "1000");
  {
    BothHooks hooks(recorder, folder);
    const HookedCalls hooked(hooks);
    Stage stage{lane, core::SeededRandom(seed * 2 + 0x5eed), recorder, folder.path()};
    scenario.play(stage);
  }
  recording.ops = recorder.take_ops();
  return recording;
}

}  // namespace sluice::lab
