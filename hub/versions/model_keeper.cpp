// SPDX-License-Identifier: Apache-2.0
// A model's keeper: watches the version that is to serve, and lets it.
#include <pthread.h>

#include <algorithm>

#include "hub/versions/model_host.hpp"

namespace sluice::hub {

using core::Errc;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLook{250};
constexpr std::size_t kHeadsLooked = 1000;
constexpr std::size_t kHolesLooked = 100 * EngineHost::kHolesMax;
constexpr std::size_t kLanesLooked = 100 * EngineState::kLanesMax;
// For so long the serving version stands still at most while the other reads what it has.
constexpr std::uint64_t kStandStillNs = 10'000'000'000;
constexpr std::uint64_t kSharedStandStillNs = 5'000'000'000;  // with the others' batches waiting
constexpr milliseconds kStandStillLook{2};
constexpr std::uint64_t kAgainNs = 30'000'000'000;

bool overlap(const projection::Hole& a, const projection::Hole& b) {
  return a.gateway == b.gateway && a.epoch == b.epoch && a.lane == b.lane && a.from <= b.to &&
         b.from <= a.to;
}

// Holes of `coming` that `serving` has not, or no more.
Result<std::uint64_t> new_holes(ModelVersion& serving, ModelVersion& coming) {
  const auto find = [](projection::Engine& engine) { return engine.holes(kHolesLooked); };
  const auto theirs = coming.with_engine(find);
  if (!theirs) return theirs.error();
  if (theirs->empty()) return std::uint64_t{0};
  const auto ours = serving.with_engine(find);
  if (!ours) return ours.error();
  return static_cast<std::uint64_t>(
      std::count_if(theirs->begin(), theirs->end(), [&](const projection::Hole& hole) {
        return std::none_of(ours->begin(), ours->end(),
                            [&](const projection::Hole& known) { return overlap(hole, known); });
      }));
}

Result<std::uint64_t> parked_by(ModelVersion& version) {
  const auto totals =
      version.with_engine([](projection::Engine& engine) { return engine.totals(); });
  if (!totals) return totals.error();
  return totals->parked - totals->late;
}

// What keeps events back in `coming`, beside what does so in `serving`.
struct Parked {
  std::uint64_t deciding = 0;
  std::uint64_t others = 0;
};
Result<Parked> compare_parked(ModelVersion& serving, ModelVersion& coming) {
  const auto heads = coming.with_engine(
      [](projection::Engine& engine) { return engine.parked_heads(kHeadsLooked); });
  if (!heads) return heads.error();
  Parked out;
  for (const projection::ParkedEvent& event : *heads) {
    if (event.decided) ++out.deciding;
    if (event.decided || event.kind == "late") continue;
    const auto known = serving.with_engine([&](projection::Engine& engine) {
      return engine.is_parked({event.gateway, event.epoch, event.lane, event.seq, 0});
    });
    if (!known) return known.error();
    if (!*known) ++out.others;
  }
  return out;
}

Result<std::vector<LanePoint>> lane_points(ModelVersion& version) {
  const auto lanes =
      version.with_engine([](projection::Engine& engine) { return engine.lanes(kLanesLooked); });
  if (!lanes) return lanes.error();
  std::vector<LanePoint> out;
  for (const projection::LaneState& lane : *lanes)
    out.push_back({lane.gateway + " " + std::string(core::lane_name(lane.lane)), lane.epoch.text(),
                   lane.epochs, lane.next});
  return out;
}

// The highest message of a hub stream that a version has read; 0 if that is not known.
std::uint64_t read_up_to(ModelVersion& version, const std::string& hub_stream) {
  const auto position =
      version.with_engine([&](projection::Engine& engine) { return engine.position(hub_stream); });
  return position && *position ? (*position)->sequence : 0;
}

// True if `to` has read every hub stream as far as `from`.
Result<bool> reached(ModelVersion& from, ModelVersion& to) {
  for (const auto& feed : from.feeds()) {
    const auto ask = [&](projection::Engine& engine) {
      return engine.position(feed->hub_stream());
    };
    const auto old = from.with_engine(ask);
    if (!old) return old.error();
    const auto fresh = to.with_engine(ask);
    if (!fresh) return fresh.error();
    if (!*old) continue;
    if (!*fresh || (*fresh)->hub.created != (*old)->hub.created ||
        (*fresh)->sequence < (*old)->sequence || (*fresh)->next < (*old)->next)
      return false;
  }
  return true;
}

}  // namespace

void ModelHost::start() {
  const std::lock_guard lock(operation_);
  started_ = true;
  serving()->start_feeds(ModelFeed::Pace::kLive);
  if (const auto now = build())
    now->version->start_feeds(now->returning ? ModelFeed::Pace::kLive : ModelFeed::Pace::kBulk);
  keeper_ = std::thread([this] { keep(); });
  pthread_setname_np(keeper_.native_handle(), ("keep-" + name_).substr(0, 15).c_str());
  if (!parts_.shared) return;
  watcher_ = std::thread([this] { watch(); });
  pthread_setname_np(watcher_.native_handle(), ("watch-" + name_).substr(0, 15).c_str());
}

void ModelHost::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  for (const auto& version : open_versions())
    if (version) version->stop_feeds();
}

void ModelHost::join() {
  if (keeper_.joinable()) keeper_.join();
  if (watcher_.joinable()) watcher_.join();
  for (const auto& version : open_versions())
    if (version) {
      version->stop_feeds();  // once more: the keeper may have been in the midst of a switch
      version->join_feeds();
    }
}

void ModelHost::keep() {
  drop_surplus();  // what a kill left, or a lower keep_versions
  while (!stopping()) {
    if (const auto now = build()) look_at(now);
    std::unique_lock lock(mutex_);
    const auto before = build_;
    wake_.wait_for(lock, build_ ? kLook : milliseconds(60'000),
                   [&] { return stopping() || build_ != before; });
  }
}

void ModelHost::look_at(const std::shared_ptr<Build>& build) {
  const BuildFacts facts = facts_of(*build);
  if (!decides()) return;  // whoever does says in the book what is in the way
  BuildVerdict verdict = judge_build(facts);
  if (verdict.state == BuildState::kReady && clock_.monotonic_ns() < build->again_ns)
    verdict = {BuildState::kWaiting, build->obstacle};
  {
    const std::lock_guard lock(mutex_);
    if (build->accepted != facts.accepted) return;  // decided meanwhile: these facts are old
    if (verdict.state != build->verdict.state || verdict.why != build->verdict.why) {
      const bool bad =
          verdict.state == BuildState::kRefused || verdict.state == BuildState::kWaiting;
      if (bad)
        log_.error("alarm", "a version cannot serve: " + verdict.why,
                   {{"model", name_}, {"version", build->version->id().text()}});
    }
    build->verdict = verdict;
  }
  tell_others(*build);
  if (verdict.state == BuildState::kVerifying) check(build);
  if (verdict.state == BuildState::kReady) let_serve(build);
}

BuildFacts ModelHost::facts_of(Build& build) {
  BuildFacts facts;
  facts.returning = build.returning;
  facts.connected = true;
  std::uint64_t done = 0;
  std::uint64_t last = 0;
  for (const auto& feed : build.version->feeds()) {
    const FeedStatus status = feed->status();
    if (status.elsewhere) {  // another worker's: what the database says of it
      const std::uint64_t read = read_up_to(*build.version, feed->hub_stream());
      const std::uint64_t served = read_up_to(*serving(), feed->hub_stream());
      done += read;
      last += std::max(read, served);
      // Who has not opened it yet could need what stands still meanwhile: first it has to be seen
      // to read into it.
      const std::uint64_t found = build.found.try_emplace(feed->hub_stream(), read).first->second;
      facts.connected = facts.connected && (read != found || read >= served);
      continue;
    }
    const std::uint64_t before = status.hub.first > 0 ? status.hub.first - 1 : 0;
    done += std::max(status.position, before) - before;
    last += std::max({status.hub_last, status.hub.last, status.position, before}) - before;
    facts.connected = facts.connected && status.connected;
    if (status.last_error.empty()) continue;
    (status.refused ? facts.refused : facts.feed_error) = status.last_error;
  }
  const auto serving_now = serving();
  std::uint64_t holes = 0;
  Parked compared;
  if (last - std::min(done, last) < kCaughtUp && facts.connected) {
    const auto count_holes = [&] {
      if (const auto found = new_holes(*serving_now, *build.version)) holes = *found;
    };
    count_holes();
    // They may have been stepped over in the serving version since this one was begun.
    if (holes != 0 && decides() && take_over_skips(*build.version, *serving_now)) count_holes();
    if (const auto found = compare_parked(*serving_now, *build.version)) compared = *found;
  }
  const auto parked = parked_by(*build.version);
  const auto serving_parked = parked_by(*serving_now);
  const std::lock_guard lock(mutex_);
  build.progress.observe(clock_.monotonic_ns(), done, last);
  if (parked) build.parked = *parked;
  facts.left = build.progress.left();
  facts.holes = holes;
  facts.overtaken = build.overtaken;
  facts.deciding = compared.deciding;
  facts.others = compared.others;
  facts.parked = build.parked;
  facts.serving_parked = serving_parked ? *serving_parked : 0;
  facts.check = parts_.check ? build.check : BuildFacts::Check::kNone;
  facts.check_words = build.check_words;
  facts.accepted = build.accepted;
  return facts;
}

void ModelHost::check(const std::shared_ptr<Build>& build) {
  if (clock_.monotonic_ns() < build->again_ns) return;
  const auto given_up = [&] { return stopping() || this->build() != build; };
  const auto verdict = parts_.check(*build->version, given_up);
  if (given_up()) return;
  const std::lock_guard lock(mutex_);
  if (!verdict) {
    build->check_words = "the sample check could not be made: " + verdict.error().message;
    build->again_ns = clock_.monotonic_ns() + kAgainNs;
    log_.warning("model", build->check_words, {{"model", name_}});
    return;
  }
  build->check = verdict->good ? BuildFacts::Check::kGood : BuildFacts::Check::kDiffers;
  build->check_words =
      verdict->good ? std::to_string(verdict->rows) + " rows checked" : verdict->words;
}

// So that an operator hears it from every worker.
void ModelHost::tell_others(const Build& build) {
  if (!parts_.shared) return;
  const BuildVerdict verdict = [&] {
    const std::lock_guard lock(mutex_);
    return build.verdict;
  }();
  const bool is_stuck =
      verdict.state == BuildState::kRefused || verdict.state == BuildState::kWaiting;
  const std::string words = is_stuck ? verdict.why : std::string();
  const auto says = [&](const VersionBook& book) {
    const VersionRecord* record = book.find(build.version->id());
    return record == nullptr || record->obstacle == words;
  };
  {
    const std::lock_guard lock(mutex_);
    if (says(book_)) return;
  }
  const auto changing = change();
  if (!changing || says(book_)) return;
  VersionBook book = book_;
  VersionRecord* record = book.find(build.version->id());
  record->obstacle = words;
  record->refused = verdict.state == BuildState::kRefused;
  (void)save(std::move(book));  // else at the next look
}

// What stands in the way of readers seeing `to` in the place of `from`, which stands still.
std::string ModelHost::catch_up(ModelVersion& from, ModelVersion& to) {
  const std::uint64_t until =
      clock_.monotonic_ns() + (parts_.shared ? kSharedStandStillNs : kStandStillNs);
  for (;;) {
    const auto there = reached(from, to);
    if (!there) return there.error().message;
    if (*there) break;
    if (stopping() || clock_.monotonic_ns() > until)
      return "it does not reach the position of the serving version";
    std::this_thread::sleep_for(kStandStillLook);
  }
  const auto old_lanes = lane_points(from);
  if (!old_lanes) return old_lanes.error().message;
  const auto new_lanes = lane_points(to);
  if (!new_lanes) return new_lanes.error().message;
  return behind(*old_lanes, *new_lanes, to.model().history() == projection::History::kWhole);
}

// What was decided since the facts were looked at: from here on nobody decides (settle()). Not
// empty: what stands in the way.
std::string ModelHost::take_in_decisions(Build& build, ModelVersion& from) {
  if (const auto done = take_over(build, from); !done) return done.error().message;
  const auto verdict = judge_overtaken(overtaken_facts(build));
  return verdict ? verdict->why : std::string();
}

// The one instant: readers had the old version, and have the new one, which has all that it had.
bool ModelHost::let_serve(const std::shared_ptr<Build>& build) {
  core::json::object deed;
  bool returning = false;
  {
    const auto changing = change();
    if (!changing || this->build() != build || stopping()) return false;
    const auto old = serving();
    const auto fresh = build->version;
    const std::uint64_t began = clock_.monotonic_ns();
    old->stop_feeds();
    old->join_feeds();
    std::string obstacle;
    if (parts_.shared)
      if (const auto still = parts_.store->hold_still(old->id()); !still)
        obstacle = still.error().message;  // another worker's batch does not end
    if (obstacle.empty()) obstacle = catch_up(*old, *fresh);
    if (obstacle.empty()) obstacle = take_in_decisions(*build, *old);
    VersionBook book = book_;
    book.serve(fresh->id(), clock_.wall_ns());
    if (!build->returning) book.lost.reset();
    if (obstacle.empty())
      if (const auto done = parts_.store->serve(book); !done) obstacle = done.error().message;
    if (!obstacle.empty()) {
      parts_.store->let_go();
      if (!stopping()) old->start_feeds(ModelFeed::Pace::kLive);
      const std::lock_guard look(mutex_);
      build->again_ns = clock_.monotonic_ns() + kAgainNs;
      build->obstacle = std::move(obstacle);
      return false;
    }
    {
      const std::lock_guard look(mutex_);
      book_ = std::move(book);
      serving_ = fresh;
      build_ = nullptr;
    }
    old->changes().end();                  // who follows it looks for the new one
    if (parts_.shared) adopt_word(book_);  // the model file here may be an older one
    const std::uint64_t stood_ns = clock_.monotonic_ns() - began;
    if (!build->returning) {  // its feeds gave way to others until now
      fresh->stop_feeds();
      fresh->join_feeds();
      if (!stopping()) fresh->start_feeds(ModelFeed::Pace::kLive);
    }
    returning = build->returning;
    deed = {
        {"model", name_},
        {"from", old->id().text()},
        {"to", fresh->id().text()},
        {"reason", build->reason},
        {"messages", build->progress.done()},
        {"took_s", std::max<std::int64_t>(0, clock_.wall_ns() - build->begun_ns) / 1'000'000'000},
        {"stood_still_ms", stood_ns / 1'000'000},
        {"verified", build->check == BuildFacts::Check::kGood},
        {"sample", build->check_words}};
  }
  drop_surplus();
  if (parts_.audit) parts_.audit(returning ? "ModelRolledBack" : "ModelSwitched", deed);
  return true;
}

void ModelHost::drop_surplus() {
  const auto changing = change();
  if (!changing) return;  // another worker's turn
  for (const VersionId& id : book_.surplus(parts_.keep)) {
    const auto dropped = parts_.store->drop(id);
    if (!dropped) {
      log_.warning("model", "a version cannot be dropped: " + dropped.error().message,
                   {{"model", name_}, {"version", id.text()}});
      continue;
    }
    VersionBook book = book_;
    book.remove(id);
    if (!save(std::move(book))) return;  // its record goes at the next start
    log_.info("model", "dropped a version", {{"model", name_}, {"version", id.text()}});
  }
}

}  // namespace sluice::hub
