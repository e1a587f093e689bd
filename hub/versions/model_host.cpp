// SPDX-License-Identifier: Apache-2.0
// Versions come and go: the start, the model file, and what operators ask for.
#include "hub/versions/model_host.hpp"

#include <algorithm>

#include "projection/schema/stored_definition.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using Definition = std::shared_ptr<const projection::Model>;

namespace {

std::string version_words(const VersionId& id) {
  return "version " + id.text();
}

}  // namespace

ModelHost::ModelHost(std::string name, Parts parts, const core::Clock& clock, core::Logger& log)
    : name_(std::move(name)), parts_(std::move(parts)), clock_(clock), log_(log) {}

ModelHost::~ModelHost() {
  stop();
  join();
}

std::shared_ptr<ModelVersion> ModelHost::serving() const {
  const std::lock_guard lock(mutex_);
  return serving_;
}

VersionRecord ModelHost::serving_record() const {
  const std::lock_guard lock(mutex_);
  const VersionRecord* record = book_.serving();
  return record == nullptr ? VersionRecord() : *record;
}

std::shared_ptr<ModelHost::Build> ModelHost::build() const {
  const std::lock_guard lock(mutex_);
  return build_;
}

std::vector<std::shared_ptr<ModelVersion>> ModelHost::open_versions() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ModelVersion>> out{serving_};
  if (build_) out.push_back(build_->version);
  return out;
}

HostStatus ModelHost::status() const {
  const std::lock_guard lock(mutex_);
  HostStatus out;
  out.serving = serving_->id();
  out.problem = problem_;
  out.lost = book_.lost;
  if (build_)
    out.building = BuildStatus{build_->version->id(),   build_->returning,
                               build_->verdict,         build_->reason,
                               build_->begun_ns,        build_->progress.done(),
                               build_->progress.last(), build_->progress.percent(),
                               build_->progress.rate(), build_->progress.eta_s(),
                               build_->parked,          build_->check_words};
  for (const VersionRecord& record : book_.versions)
    if (record.state == VersionState::kKept)
      out.kept.push_back({record.id, record.since_ns, parts_.store->bytes(record.id)});
  std::sort(out.kept.begin(), out.kept.end(),
            [](const KeptStatus& a, const KeptStatus& b) { return a.since_ns > b.since_ns; });
  return out;
}

// The definition that a version was built with.
Result<Definition> ModelHost::stored_model(const VersionId& id) const {
  const auto stored = projection::read_definition(parts_.store->place(id));
  if (!stored) return stored.error();
  if (stored->text.empty())
    return fail(Errc::kConfig, "version " + id.text() + " of model " + name_ +
                                   " was made by an older program, which did not keep its "
                                   "definition");
  return projection::Model::parse(stored->text, parts_.store->place(id).text() + " (definition)");
}

Result<std::shared_ptr<ModelVersion>> ModelHost::open_version(Definition definition,
                                                              const VersionId& id) {
  return ModelVersion::open(std::move(definition), id, parts_.store->place(id), parts_.make_feeds,
                            clock_, log_, parts_.shared);
}

Result<void> ModelHost::save(VersionBook book) {
  SLUICE_TRY(parts_.store->save(book));
  const std::lock_guard lock(mutex_);
  book_ = std::move(book);
  return {};
}

void ModelHost::set_build(std::shared_ptr<Build> build) {
  const std::lock_guard lock(mutex_);
  build_ = std::move(build);
  wake_.notify_all();
}

void ModelHost::say_problem(std::string problem) {
  if (!problem.empty())
    log_.error("model", problem, {{"model", name_}, {"serving", serving()->id().text()}});
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

// The plan for the model file as it is now.
Result<void> ModelHost::take(const FoundDefinition& file) {
  file_ = file;
  if (!file.definition) {
    say_problem(file.problem);
    return {};
  }
  if (!build()) SLUICE_TRY(resume());  // begun when the database went away
  if (file.definition->target() != serving()->place().dialect()) {
    say_problem(file.file +
                ": its target has changed: that is taken at the next start of "
                "sluice-hub, where the model begins with nothing and without operators' decisions; "
                "under another name it can fill beside this one");
    return {};
  }
  std::map<VersionId, std::string> fingerprints;
  for (const VersionRecord& record : book_.versions)
    if (record.id.version == file.definition->version()) {
      const auto stored = projection::read_definition(parts_.store->place(record.id));
      if (stored)
        fingerprints[record.id] = stored->fingerprint;
      else if (is_passing(stored.error()))
        return stored.error();
    }
  const Plan plan = plan_definition(
      book_, WantedDefinition{file.definition->version(), file.definition->fingerprint()},
      fingerprints);
  say_problem(plan.problem.empty() ? std::string() : file.file + ": " + plan.problem);
  if (plan.abandon) SLUICE_TRY(abandon());
  if (plan.step != PlanStep::kBuild) return {};
  const auto begun =
      begin_build(file.definition, plan.id,
                  "the definition says version " + std::to_string(plan.id.version), false);
  if (begun) return {};
  // What only its database can refuse is as much a mistake in the file as any other.
  const bool is_mistake = begun.error().code == Errc::kConfig;
  say_problem(is_mistake ? begun.error().message
                         : file.file + ": " + version_words(plan.id) +
                               " cannot be built yet: " + begun.error().message);
  return is_mistake ? Result<void>() : begun;
}

Result<void> ModelHost::reload(const FoundDefinition& file) {
  const auto changing = change();
  if (!changing) return changing.error();
  return take(file);
}

// What lies where a version is to be made, and no book knows, came to nothing.
Result<void> ModelHost::clear_place(const VersionId& id) {
  const auto stored = projection::read_definition(parts_.store->place(id));
  const bool is_ours = stored ? stored->model == name_ : stored.error().code == Errc::kNotFound;
  return is_ours ? parts_.store->drop(id) : Result<void>();  // else who opens it says what it is
}

// Makes the database of a version that `book` does not know yet. On an error nothing is left of it:
// the next try may come with another definition.
Result<std::shared_ptr<ModelVersion>> ModelHost::make_version(VersionBook& book,
                                                              Definition definition,
                                                              const VersionId& id,
                                                              const std::string& reason,
                                                              bool accepted) {
  SLUICE_TRY(clear_place(id));
  // First the book: a database that no book knows would be nobody's.
  book.set(id, VersionState::kBuilding, clock_.wall_ns(), reason);
  book.find(id)->accepted = accepted;
  SLUICE_TRY(save(book));
  auto version = open_version(std::move(definition), id);
  if (version) return version;
  // The error at hand says more than those of these; what they leave, the next start finds.
  book.forget(id);
  (void)save(book);
  (void)clear_place(id);
  return version;
}

Result<void> ModelHost::begin_build(Definition definition, VersionId id, const std::string& reason,
                                    bool accepted) {
  VersionBook book = book_;
  auto version = make_version(book, std::move(definition), id, reason, accepted);
  if (!version) return version.error();
  auto build = std::make_shared<Build>();
  build->version = std::move(*version);
  build->reason = reason;
  build->begun_ns = clock_.wall_ns();
  build->accepted = accepted;
  SLUICE_TRY(take_over(*build, *serving()));
  log_.info("model", "builds a version beside",
            {{"model", name_},
             {"version", id.text()},
             {"serving", serving()->id().text()},
             {"reason", reason}});
  if (started_) build->version->start_feeds(ModelFeed::Pace::kBulk);
  set_build(std::move(build));
  return {};
}

// Gives up what is being built; what returns is kept again.
Result<void> ModelHost::abandon() {
  const VersionRecord* coming = book_.coming();
  if (coming == nullptr) return {};
  const VersionId id = coming->id;
  const bool returning = coming->state == VersionState::kReturning;
  if (const std::shared_ptr<Build> given_up = build()) {
    set_build(nullptr);
    given_up->version->stop_feeds();
    given_up->version->join_feeds();
  }
  VersionBook book = book_;
  if (returning) {
    book.set(id, VersionState::kKept, clock_.wall_ns(), {});
  } else {
    if (const auto dropped = parts_.store->drop(id); !dropped) {
      (void)resume();  // somebody reads it: then it goes on, at the latest when watch() looks
      return dropped.error();
    }
    book.remove(id);
  }
  log_.info("model", "gives up a version", {{"model", name_}, {"version", id.text()}});
  return save(std::move(book));
}

BuildFacts ModelHost::overtaken_facts(const Build& build) const {
  const std::lock_guard lock(mutex_);
  BuildFacts facts;
  facts.returning = build.returning;
  facts.overtaken = build.overtaken;
  facts.accepted = build.accepted;
  return facts;
}

std::optional<VersionId> ModelHost::coming() const {
  const std::lock_guard lock(mutex_);
  const VersionRecord* record = book_.coming();
  return record == nullptr ? std::nullopt : std::optional(record->id);
}

// Who asks knows at most what this program could tell before: what was begun since, here or by
// another worker, is not displaced unseen.
Result<void> ModelHost::check_coming(const std::optional<VersionId>& known) const {
  const VersionRecord* record = book_.coming();
  if (record == nullptr || record->id == known) return {};
  return fail(Errc::kVersionConflict,
              "version " + record->id.text() + " of model " + name_ +
                  (record->state == VersionState::kReturning ? " returns" : " is being built") +
                  ", as was asked at the same time (" + record->reason +
                  "): look again, and ask again if that is not what you want");
}

Result<VersionId> ModelHost::rebuild(const std::string& reason) {
  const auto known = coming();
  const auto changing = change();
  if (!changing) return changing.error();
  SLUICE_TRY(check_coming(known));
  Definition definition = serving()->definition();
  bool accepted = false;
  if (const auto now = build()) {
    const BuildFacts facts = overtaken_facts(*now);
    const BuildVerdict verdict = [&] {
      const std::lock_guard look(mutex_);
      return now->verdict;
    }();
    if (!can_be_replaced(verdict, facts))
      return fail(Errc::kBusy, "version " + now->version->id().text() + " of model " + name_ +
                                   " is being built just now");
    definition = now->version->definition();
    // What it parks was taken when it served, or by an operator's word.
    accepted = facts.returning || facts.accepted;
  }
  const VersionId id = book_.next(definition->version());
  SLUICE_TRY(abandon());
  SLUICE_TRY(begin_build(std::move(definition), id, reason, accepted));
  return id;
}

Result<VersionId> ModelHost::accept() {
  const auto changing = change();
  if (!changing) return changing.error();
  if (!build()) return fail(Errc::kNotFound, "no version of model " + name_ + " is being built");
  VersionBook book = book_;
  if (VersionRecord* record = book.find(build()->version->id())) {
    record->accepted = true;
    record->obstacle.clear();
  }
  SLUICE_TRY(save(std::move(book)));
  const std::lock_guard look(mutex_);
  build_->accepted = true;
  // The verdict so far was given without this: who asks before the keeper has looked again, as
  // `sluice model rebuild --accept --wait` does, must not be told that it cannot serve.
  build_->verdict = {BuildState::kReading, {}};
  return build_->version->id();
}

Result<void> ModelHost::take_over(Build& build, ModelVersion& from) {
  const auto decisions =
      from.with_engine([](projection::Engine& engine) { return engine.decisions(); });
  if (!decisions) return decisions.error();
  const auto too_late = build.version->with_engine(
      [&](projection::Engine& engine) { return engine.take_over(*decisions); });
  if (!too_late) return too_late.error();
  if (!too_late->empty()) {
    const std::lock_guard lock(mutex_);
    build.overtaken = too_late->front().text();
  }
  return take_over_skips(*build.version, from);
}

Result<void> ModelHost::take_over_skips(ModelVersion& version, ModelVersion& from) {
  const auto skipped =
      from.with_engine([](projection::Engine& engine) { return engine.skipped_holes(); });
  if (!skipped) return skipped.error();
  return version.with_engine(
      [&](projection::Engine& engine) { return engine.take_over_skips(*skipped); });
}

// Under operation_: else a version could serve that does not know what was just decided.
Result<projection::ParkedOutcome> ModelHost::settle(const Deed& deed) {
  const auto changing = change();
  if (!changing) return changing.error();
  for (const auto& version : open_versions()) {
    auto done = version->with_engine(deed);
    if (!done && done.error().code == Errc::kNotFound) continue;
    if (!done) return done.error();
    // Else who follows a table, or asks whether it has changed, would not hear of it.
    version->changes().committed({{}, {}, done->applied > 0});
    if (done->settled) hand_over_decisions();
    return done;
  }
  return fail(Errc::kNotFound, "no such event is parked there", "event");
}

void ModelHost::hand_over_decisions() {
  const auto now = build();
  if (!now) return;
  // The deed itself is done and kept. What goes wrong here is handed over with the next one, or at
  // the next start; until then the version waits, since it parks what the serving one does not.
  if (const auto done = take_over(*now, *serving()); !done)
    log_.warning(
        "model",
        "a version that is being built does not know what was decided: " + done.error().message,
        {{"model", name_}, {"version", now->version->id().text()}});
}

Result<VersionId> ModelHost::roll_back(std::optional<VersionId> to, const std::string& reason) {
  const auto known = coming();
  const auto changing = change();
  if (!changing) return changing.error();
  SLUICE_TRY(check_coming(known));
  const VersionRecord* record = to ? book_.find(*to) : book_.previous();
  if (record == nullptr || record->state != VersionState::kKept)
    return fail(Errc::kNotFound,
                to ? "version " + to->text() + " of model " + name_ + " is not kept"
                   : "no earlier version of model " + name_ + " is kept");
  const VersionId id = record->id;
  auto definition = stored_model(id);
  if (!definition) return definition.error();
  SLUICE_TRY(abandon());
  SLUICE_TRY(parts_.store->reopen(id));
  auto version = open_version(std::move(*definition), id);
  if (!version) return version.error();
  VersionBook book = book_;
  book.set(id, VersionState::kReturning, clock_.wall_ns(), reason);
  SLUICE_TRY(save(std::move(book)));
  auto build = std::make_shared<Build>();
  build->version = std::move(*version);
  build->returning = true;
  build->reason = reason;
  build->begun_ns = clock_.wall_ns();
  SLUICE_TRY(take_over(*build, *serving()));
  log_.info("model", "a kept version returns",
            {{"model", name_}, {"version", id.text()}, {"reason", reason}});
  if (started_) build->version->start_feeds(ModelFeed::Pace::kLive);  // somebody waits for it
  set_build(std::move(build));
  return id;
}

}  // namespace sluice::hub
