// SPDX-License-Identifier: Apache-2.0
// With other workers: what they do to the model is seen here, and followed.
#include "hub/versions/model_host.hpp"
#include "hub/versions/neighbours.hpp"

namespace sluice::hub {

using core::Errc;
using core::Result;

namespace {

constexpr std::chrono::milliseconds kLook{250};

// What the worker that decides sees.
BuildVerdict verdict_of(const VersionRecord& record) {
  if (record.refused) return {BuildState::kRefused, record.obstacle};
  if (!record.obstacle.empty()) return {BuildState::kWaiting, record.obstacle};
  return {};
}

}  // namespace

void ModelHost::watch() {
  Neighbours neighbours;
  std::string followed;  // the book, as text
  bool is_well = false;
  std::string last_words;
  while (!stopping()) {
    const auto version = serving();
    // Feeds say what is wrong with the database.
    if (const auto tables = neighbours.look(*version)) version->changes().by_others(*tables);
    const auto text = neighbours.book(*version);
    const bool is_new = text && (*text != followed || !is_well || !feeds_coming());
    // Who is at a change looks for itself.
    if (std::unique_lock changing(operation_, std::defer_lock); is_new && changing.try_lock()) {
      // Once more: what was read before may be older than what this program wrote since.
      const auto now = neighbours.book(*version);
      const auto book = now ? read_book(*now) : Result<VersionBook>(now.error());
      const auto done = book ? adopt(*book) : Result<void>(book.error());
      is_well = done.has_value();
      if (now) followed = *now;
      const std::string words = is_well ? std::string() : core::to_string(done.error());
      if (words != last_words && !is_well)
        log_.warning("model", "what another worker did cannot be followed yet: " + words,
                     {{"model", name_}});
      last_words = words;
      changing.unlock();
      if (!is_well && decides()) (void)begin_again();
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLook, [&] { return stopping(); });
  }
}

Result<void> ModelHost::Change::enter() {
  SLUICE_TRY(store_->enter());
  entered_ = true;
  return {};
}

Result<ModelHost::Change> ModelHost::change() {
  Change out(*this);
  if (!parts_.shared) return out;
  SLUICE_TRY(out.enter());
  const auto book = parts_.store->read();
  if (!book) return book.error();
  const auto adopted = adopt(*book);
  // A version that is being built may be about to be dropped for good reason.
  const VersionRecord* record = book->serving();
  if (!adopted && record != nullptr && record->id != serving()->id()) return adopted.error();
  return out;
}

// Whoever began to build a version was killed before its database was there. Who makes one has the
// versions until it is there, so that it is not missing for any other reason.
Result<void> ModelHost::begin_again() {
  const auto changing = change();
  if (!changing) return changing.error();
  const VersionRecord* coming = book_.coming();
  if (coming == nullptr || build()) return {};
  const auto definition = stored_model(coming->id);
  if (definition || is_passing(definition.error())) return {};
  SLUICE_TRY(let_go(VersionRecord(*coming), definition.error()));
  return take(FoundDefinition(file_));
}

bool ModelHost::feeds_coming() const {
  const std::lock_guard lock(mutex_);
  const VersionRecord* coming = book_.coming();
  if (coming == nullptr) return !build_;
  return build_ && build_->version->id() == coming->id;
}

Result<void> ModelHost::adopt(const VersionBook& book) {
  // What could not be opened before, as it was being made just then; or was given up in vain.
  if (book == book_) return adopt_coming(book_.coming());
  if (const VersionRecord* record = book.serving(); record != nullptr)
    SLUICE_TRY(adopt_serving(record->id));
  {
    const std::lock_guard lock(mutex_);
    book_ = book;
  }
  SLUICE_TRY(adopt_coming(book.coming()));
  adopt_word(book);
  return {};
}

// Another worker let it serve: the one that served is closed, so that nothing more comes into it.
Result<void> ModelHost::adopt_serving(const VersionId& id) {
  const auto old = serving();
  if (old->id() == id) return {};
  std::shared_ptr<ModelVersion> fresh;
  if (const auto now = build(); now && now->version->id() == id) {
    fresh = now->version;
    fresh->stop_feeds();
    fresh->join_feeds();
  } else {
    auto definition = stored_model(id);
    if (!definition) return definition.error();
    auto opened = open_version(std::move(*definition), id);
    if (!opened) return opened.error();
    fresh = std::move(*opened);
  }
  {
    const std::lock_guard lock(mutex_);
    if (build_ && build_->version == fresh) build_ = nullptr;
    serving_ = fresh;
    wake_.notify_all();
  }
  old->changes().end();  // who follows it looks for the new one
  old->stop_feeds();
  old->join_feeds();
  if (started_ && !stopping()) fresh->start_feeds(ModelFeed::Pace::kLive);
  log_.info("model", "another worker let a version serve",
            {{"model", name_}, {"from", old->id().text()}, {"to", id.text()}});
  return {};
}

Result<void> ModelHost::adopt_coming(const VersionRecord* record) {
  if (const auto now = build(); now && (record == nullptr || now->version->id() != record->id)) {
    set_build(nullptr);
    now->version->stop_feeds();
    now->version->join_feeds();
  }
  if (record == nullptr || build()) return {};
  auto definition = stored_model(record->id);
  if (!definition) return definition.error();
  auto version = open_version(std::move(*definition), record->id);
  if (!version) return version.error();
  auto fresh = std::make_shared<Build>();
  fresh->version = std::move(*version);
  fresh->returning = record->state == VersionState::kReturning;
  fresh->reason = record->reason;
  fresh->begun_ns = record->since_ns;
  fresh->accepted = record->accepted;
  fresh->verdict = verdict_of(*record);
  SLUICE_TRY(take_over(*fresh, *serving()));
  log_.info("model", "builds a version beside, with other workers",
            {{"model", name_}, {"version", record->id.text()}, {"reason", record->reason}});
  if (started_ && !stopping())
    fresh->version->start_feeds(fresh->returning ? ModelFeed::Pace::kLive : ModelFeed::Pace::kBulk);
  set_build(std::move(fresh));
  return {};
}

// What operators and the worker that decides say of the version that is built; and what the model
// file here is now.
void ModelHost::adopt_word(const VersionBook& book) {
  if (const VersionRecord* record = book.coming(); record != nullptr) {
    const std::lock_guard lock(mutex_);
    if (build_) {
      build_->accepted |= record->accepted;
      if (!decides()) build_->verdict = verdict_of(*record);
    }
  }
  if (!file_.definition) return;
  const Plan plan = plan_definition(
      book, WantedDefinition{file_.definition->version(), file_.definition->fingerprint()},
      {{serving()->id(), serving()->definition()->fingerprint()}});
  if (plan.step == PlanStep::kBuild) return;  // it was not taken: take() has said why
  std::string problem = plan.problem.empty() ? std::string() : file_.file + ": " + plan.problem;
  if (problem != status().problem) say_problem(std::move(problem));
}

}  // namespace sluice::hub
