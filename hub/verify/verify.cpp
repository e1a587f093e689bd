// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/verify.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "core/text.hpp"
#include "hub/verify/certainty.hpp"
#include "hub/verify/replay.hpp"
#include "hub/verify/slice.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/marks.hpp"
#include "projection/model/sql.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Cell;
using projection::Mark;
using projection::Marks;
using projection::Target;

namespace {

constexpr std::size_t kScratchCacheBytes = 16u << 20;
// A live model moves on while it is replayed: it is followed until this close, then the snapshot is
// held for the rest.
constexpr std::uint64_t kCloseEnough = 5'000;
constexpr int kRoundsMax = 5;

// The database that the log alone makes; gone with the object.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make(const VerifyRequest& request, const Slice& slice,
                                               const core::Clock& clock, core::Logger& log) {
    static std::atomic<unsigned> next{0};
    std::error_code error;
    std::filesystem::create_directories(request.scratch, error);
    if (error)
      return fail(Errc::kIo, "cannot make " + request.scratch.string() + ": " + error.message());
    std::unique_ptr<Scratch> out(new Scratch);
    out->place_ = request.scratch / ("verify-" + std::to_string(::getpid()) + "-" +
                                     std::to_string(++next) + "-" + request.model->database_name());
    // The rules give the same rows in either database; SQL of the user's own may not.
    if (request.place.dialect() == projection::Dialect::kPostgres &&
        !request.model->sql_rules().empty()) {
      out->place_ = projection::Place::postgres(
          request.place.conninfo, scratch_schema(request, static_cast<unsigned>(next)));
      out->drop();  // what a killed process left
    }
    projection::EngineSettings settings;
    settings.cache_bytes = kScratchCacheBytes;
    if (slice.by() == Slice::By::kEntity || slice.by() == Slice::By::kGateway)
      settings.only = [slice](const core::EventView& event) { return slice.takes(event); };
    auto engine = projection::Engine::open(request.model, out->place_, clock, log, settings);
    if (!engine) return engine.error();
    out->engine_ = std::move(*engine);
    auto reader = Target::open(out->place_, projection::Access::kRead);
    if (!reader) return reader.error();
    out->reader_ = std::move(*reader);
    return out;
  }
  ~Scratch() {
    reader_.reset();
    engine_.reset();
    drop();
  }
  projection::Engine& engine() { return *engine_; }
  Target& reader() { return *reader_; }

 private:
  Scratch() = default;

  // The same for the same model in the same folder, so that leftovers are found again.
  static std::string scratch_schema(const VerifyRequest& request, unsigned number) {
    const std::size_t hash =
        std::hash<std::string>()(request.place.schema + " " + request.scratch.string());
    return "sluice_verify_" + core::to_hex({reinterpret_cast<const char*>(&hash), sizeof hash}) +
           "_" + std::to_string(number);
  }
  void drop() {
    if (place_.dialect() == projection::Dialect::kPostgres) {
      if (auto target = Target::open(place_, projection::Access::kWrite))
        (void)(*target)->exec("DROP SCHEMA " + projection::sql::quoted(place_.schema) + " CASCADE");
      return;
    }
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm"})
      std::filesystem::remove(place_.file.string() + ending, ignored);
  }

  projection::Place place_{std::filesystem::path()};
  std::unique_ptr<projection::Engine> engine_;
  std::unique_ptr<Target> reader_;
};

std::set<std::string_view> gateways_of(const Marks& marks) {
  std::set<std::string_view> names;
  for (const auto& [key, mark] : marks.rows) names.insert(mark.gateway);
  return names;
}

Result<Slice> slice_for(const VerifyRequest& request, Target& found, const Marks& marks) {
  if (request.sample == 0) return Slice::whole();
  std::uint64_t rows = 0;
  for (const projection::Table& table : request.model->tables()) {
    const auto count =
        query_int(found, "SELECT count(*) FROM " + projection::sql::quoted(table.name));
    if (!count) return count.error();
    rows += static_cast<std::uint64_t>(*count);
  }
  return Slice::sample(*request.model, rows, gateways_of(marks), request.sample, request.seed);
}

Result<Marks> marks_now(Target& found) {
  auto snapshot = projection::Transaction::begin(found, projection::Begin::kSnapshot);
  if (!snapshot) return snapshot.error();
  return read_marks(found);
}

// How many messages lie between two states of the model.
std::uint64_t distance(const Marks& from, const Marks& to) {
  std::uint64_t out = 0;
  for (const projection::Position& after : to.positions) {
    std::uint64_t before = 0;
    for (const projection::Position& position : from.positions)
      if (position.hub.name == after.hub.name) before = position.sequence;
    out += after.sequence > before ? after.sequence - before : 0;
  }
  return out;
}

// Gateways of which events that took effect are in no hub stream any longer, each with one
// sentence.
std::map<std::string, std::string> incomplete(const projection::Engine& copy, const Marks& marks) {
  std::map<std::string, std::string> out;
  for (const projection::GatePoint& point : copy.awaited()) {
    const Mark* mark = marks.find(projection::mark_key({point.gateway, point.epoch, point.lane}));
    const bool has_begun = mark != nullptr && point.next != mark->first;
    out.try_emplace(point.gateway,
                    "gateway " + point.gateway + ": the hub no longer has all events of lane " +
                        std::string(core::lane_name(point.lane)) + ", epoch " + point.epoch.text() +
                        (has_begun ? ", from seq " : ", which begins at seq ") +
                        std::to_string(point.next) + (has_begun ? " on" : ""));
  }
  return out;
}

class Verification {
 public:
  Verification(const VerifyRequest& request, ReplaySource& source, const core::Clock& clock,
               core::Logger& log)
      : request_(request), source_(source), clock_(clock), log_(log) {}

  Result<VerifyReport> run() {
    auto found = Target::open(request_.place, projection::Access::kRead);
    if (!found) return found.error();
    found_ = std::move(*found);
    auto marks = marks_now(*found_);
    if (!marks) return marks.error();
    const auto slice = slice_for(request_, *found_, *marks);
    if (!slice) return slice.error();
    slice_ = *slice;
    auto scratch = Scratch::make(request_, slice_, clock_, log_);
    if (!scratch) return scratch.error();
    Replay replay((*scratch)->engine(), source_, options());
    SLUICE_TRY(follow(replay, *marks));
    SLUICE_TRY(compare(replay, **scratch, *marks));
    found_.reset();  // the snapshot is no longer needed, and the WAL can shrink
    report_.messages = replay.messages();
    SLUICE_TRY(look_for_events(*marks));
    return std::move(report_);
  }

 private:
  ReplayOptions options() const {
    ReplayOptions out;
    out.stopping = request_.stopping;
    out.progress = request_.progress;
    return out;
  }

  Result<void> follow(Replay& replay, Marks& marks) {
    for (int round = 0; round < kRoundsMax; ++round) {
      SLUICE_TRY(replay.retrace(marks));
      auto now = marks_now(*found_);
      if (!now) return now.error();
      const bool close = distance(marks, *now) <= kCloseEnough;
      marks = std::move(*now);
      if (close) return {};
    }
    return {};
  }

  Result<void> compare(Replay& replay, Scratch& scratch, Marks& marks) {
    auto snapshot = projection::Transaction::begin(*found_, projection::Begin::kSnapshot);
    if (!snapshot) return snapshot.error();
    auto exact = read_marks(*found_);
    if (!exact) return exact.error();
    marks = std::move(*exact);
    SLUICE_TRY(replay.retrace(marks));
    // A position that is being read again lies below what took effect.
    if (!scratch.engine().awaited().empty()) SLUICE_TRY(replay.retrace(marks, Replay::Until::kEnd));
    SLUICE_TRY(replay.settle(marks));
    report_.positions = marks.positions;
    const auto left_out = incomplete(scratch.engine(), marks);
    const Certainty certainty(marks);
    for (const auto& [gateway, words] : left_out) report_.unverifiable.push_back(words);
    for (const projection::Table& table : request_.model->tables())
      SLUICE_TRY(compare_one(scratch.reader(), table, left_out, certainty));
    return {};
  }

  Result<void> compare_one(Target& expected, const projection::Table& table,
                           const std::map<std::string, std::string>& left_out,
                           const Certainty& certainty) {
    const auto wants = [&](std::span<const Cell> key) {
      if (!slice_.takes(table, key)) return false;
      const auto gateway = gateway_of(table, key);
      return !gateway || !left_out.contains(std::string(*gateway));
    };
    if (table.any_order) {
      report_.unverifiable.push_back("table " + table.name +
                                     ": its rows depend on the order between lanes, as it says");
      return {};
    }
    if (!left_out.empty() && table.shared) {
      report_.unverifiable.push_back("table " + table.name +
                                     ": its rows are shared with these gateways");
      return {};
    }
    std::map<std::string, std::uint64_t> doubtful;  // rows, by why
    const auto done = compare_table(
        expected, *found_, table, wants, [&](projection::RowDifference row) -> Result<void> {
          const auto gateway = gateway_of(table, row.key);
          const std::string doubt =
              gateway ? certainty.doubt(table, *gateway) : certainty.doubt(table);
          if (!doubt.empty()) {
            ++doubtful[(gateway ? "gateway " + std::string(*gateway) + ": " : "") + doubt];
            return {};
          }
          ++report_.differences;
          if (report_.findings.size() < request_.list_max)
            report_.findings.push_back({std::move(row), {}, false});
          return {};
        });
    if (!done) return done.error();
    report_.rows += done->rows;
    for (const auto& [why, rows] : doubtful) {
      report_.rows -= rows;
      report_.unverifiable.push_back("table " + table.name + ": " + std::to_string(rows) +
                                     (rows == 1 ? " row differs" : " rows differ") +
                                     ", which may be right. " + why);
    }
    return {};
  }

  // Once more, event by event, with an eye on the rows that differ.
  Result<void> look_for_events(const Marks& marks) {
    if (report_.findings.empty()) return {};
    auto scratch = Scratch::make(request_, slice_, clock_, log_);
    if (!scratch) return scratch.error();
    std::vector<projection::RowDifference> rows;
    for (const VerifyFinding& finding : report_.findings)
      if (rows.size() < kWatchedMax) rows.push_back(finding.row);
    auto watch = RowWatch::open((*scratch)->reader(), *request_.model, rows);
    if (!watch) return watch.error();
    ReplayOptions watched = options();
    watched.progress = {};
    watched.alone = [&](const projection::Incoming& message) {
      return (*watch)->concerns(message);
    };
    watched.after_alone = [&](const projection::Incoming& message) {
      return (*watch)->after(message);
    };
    Replay replay((*scratch)->engine(), source_, std::move(watched));
    SLUICE_TRY(replay.retrace(marks));
    const auto findings = (*watch)->findings();
    for (std::size_t i = 0; i < findings.size(); ++i) {
      report_.findings[i].event = findings[i];
      report_.findings[i].watched = true;
    }
    return {};
  }

  const VerifyRequest& request_;
  ReplaySource& source_;
  const core::Clock& clock_;
  core::Logger& log_;
  std::unique_ptr<Target> found_;
  Slice slice_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> verify(const VerifyRequest& request, ReplaySource& source,
                            const core::Clock& clock, core::Logger& log) {
  return Verification(request, source, clock, log).run();
}

}  // namespace sluice::hub
