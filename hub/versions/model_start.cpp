// SPDX-License-Identifier: Apache-2.0
// How a model begins when the program starts: with what served last, or with nothing yet.
#include "hub/versions/model_host.hpp"
#include "projection/schema/stored_definition.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using Definition = std::shared_ptr<const projection::Model>;

Result<std::shared_ptr<ModelHost>> ModelHost::open(const FoundDefinition& file, Parts parts,
                                                   const core::Clock& clock, core::Logger& log,
                                                   const std::string& anew) {
  std::shared_ptr<ModelHost> host(new ModelHost(file.model, std::move(parts), clock, log));
  Change change(*host);
  if (host->parts_.shared) SLUICE_TRY(change.enter());
  SLUICE_TRY(host->open_serving(file, anew));
  SLUICE_TRY(host->resume());
  // What stands in the way of a new version does not stop the one that serves.
  if (const auto taken = host->take(file); !taken && is_passing(taken.error()))
    return taken.error();
  return host;
}

// Says nothing about what the database holds.
bool ModelHost::is_passing(const core::Error& error) {
  return error.code == Errc::kUnavailable || error.code == Errc::kBusy ||
         error.code == Errc::kLimit;
}

// What served last, with the file's definition if it is that, else with its own. kConfig: it has
// none that this program can read.
Result<std::shared_ptr<ModelVersion>> ModelHost::open_last(const FoundDefinition& file,
                                                           const VersionId& id) {
  // Of something that served it is not said that it is badly configured: it waits to be mended.
  const auto as_waiting = [](core::Error error) {
    if (error.code == Errc::kConfig) error.code = Errc::kUnsupported;
    return error;
  };
  const auto stored = projection::read_definition(parts_.store->place(id));
  if (!stored) return as_waiting(stored.error());
  const bool is_file = file.definition && file.definition->fingerprint() == stored->fingerprint &&
                       file.definition->version() == id.version;
  auto definition = is_file ? Result<Definition>(file.definition) : stored_model(id);
  if (!definition) return definition.error();
  auto opened = open_version(std::move(*definition), id);
  if (!opened) return as_waiting(opened.error());
  return opened;
}

// What takes the place of a database that cannot be used; without one, what the model begins with.
Result<Definition> ModelHost::first_definition(const FoundDefinition& file,
                                               const std::optional<VersionRecord>& last) const {
  if (!last && !file.definition) return fail(Errc::kConfig, file.problem);
  if (!last || (file.definition && file.definition->version() >= last->id.version))
    return file.definition;
  if (auto stored = stored_model(last->id)) return stored;
  return fail(Errc::kUnsupported, file.definition
                                      ? file.file + ": raise its version above " +
                                            std::to_string(last->id.version) + ", which served last"
                                      : file.problem);
}

// Only a model whose file is the one mistake, and never served, ends with kConfig.
Result<void> ModelHost::open_serving(const FoundDefinition& file, const std::string& anew) {
  auto loaded = parts_.store->load(clock_.wall_ns());
  if (!loaded) return loaded.error();
  VersionBook book = std::move(*loaded);
  if (book.lost)
    log_.error("model",
               "the database of the version that served is gone, and so is what operators "
               "decided since the one before; build it anew",
               {{"model", name_}, {"version", book.lost->text()}});
  const VersionRecord* found = book.serving() != nullptr ? book.serving() : book.previous();
  const auto last = found == nullptr ? std::nullopt : std::optional(*found);
  std::shared_ptr<ModelVersion> version;
  if (last && anew.empty()) {
    auto opened = open_last(file, last->id);
    if (opened) {
      version = std::move(*opened);
    } else if (opened.error().code != Errc::kConfig) {
      return opened.error();
    } else if (!file.definition || file.definition->version() <= last->id.version) {
      return fail(Errc::kUnsupported,
                  (file.definition
                       ? file.file + ": its definition is not that of version " + last->id.text() +
                             ", whose database is there: raise its "
                             "version, and it is built anew"
                       : file.problem) +
                      "\n" + opened.error().message);
    }
  }
  if (!version) {
    auto definition = first_definition(file, last);
    if (!definition) return definition.error();
    // Nobody has read of what was begun and never served: it may be of another definition.
    if (const VersionRecord* begun = book.coming(); !last && begun != nullptr) {
      const VersionId id = begun->id;
      SLUICE_TRY(parts_.store->drop(id));
      book.forget(id);
    }
    const VersionId id = book.next((*definition)->version());
    auto made = make_version(book, std::move(*definition), id, anew, false);
    if (!made) return made.error();
    version = std::move(*made);
  }
  if (book.serving() == nullptr || book.serving()->id != version->id())
    book.serve(version->id(), clock_.wall_ns());
  SLUICE_TRY(parts_.store->serve(book));
  if (last && !anew.empty()) tell_anew(*last, version->id(), anew);
  const std::lock_guard lock(mutex_);
  book_ = std::move(book);
  serving_ = std::move(version);
  return {};
}

void ModelHost::tell_anew(const VersionRecord& last, const VersionId& id,
                          const std::string& reason) {
  log_.warning("model", "begins with nothing in the place of a database that cannot be used",
               {{"model", name_}, {"from", last.id.text()}, {"to", id.text()}, {"why", reason}});
  if (!parts_.audit) return;
  const core::json::object deed{{"model", name_},
                                {"from", last.id.text()},
                                {"to", id.text()},
                                {"reason", reason},
                                {"messages", 0},
                                {"took_s", 0},
                                {"stood_still_ms", 0},
                                {"verified", false},
                                {"sample", "the database that served could not be opened"}};
  parts_.audit("ModelSwitched", deed);
}

// Goes on with what was under construction when the program ended.
Result<void> ModelHost::resume() {
  const VersionRecord* coming = book_.coming();
  if (coming == nullptr) return {};
  const VersionRecord record = *coming;
  if (parts_.shared) {
    (void)adopt_coming(&record);  // the others may have it; else it is tried again
    return {};
  }
  auto definition = stored_model(record.id);
  auto version = definition ? open_version(*definition, record.id) : definition.error();
  if (!version && is_passing(version.error())) return version.error();
  if (!version) return let_go(record, version.error());
  auto build = std::make_shared<Build>();
  build->version = std::move(*version);
  build->returning = record.state == VersionState::kReturning;
  build->reason = record.reason;
  build->begun_ns = record.since_ns;
  build->accepted = record.accepted;
  SLUICE_TRY(take_over(*build, *serving()));
  if (started_)
    build->version->start_feeds(build->returning ? ModelFeed::Pace::kLive : ModelFeed::Pace::kBulk);
  set_build(std::move(build));
  return {};
}

// Of a version whose database is not there, or is of no use.
Result<void> ModelHost::let_go(const VersionRecord& record, const core::Error& why) {
  log_.warning("model", "what was being built cannot be gone on with: " + why.message,
               {{"model", name_}, {"version", record.id.text()}});
  VersionBook book = book_;
  if (record.state == VersionState::kReturning) {
    book.set(record.id, VersionState::kKept, clock_.wall_ns(), {});
  } else {
    SLUICE_TRY(parts_.store->drop(record.id));
    book.forget(record.id);
  }
  return save(std::move(book));
}

}  // namespace sluice::hub
