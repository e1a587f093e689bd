// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/settings/definition_files.hpp"
#include "hub/versions/build_progress.hpp"
#include "hub/versions/model_version.hpp"
#include "hub/versions/version_book.hpp"
#include "hub/versions/version_plan.hpp"
#include "hub/versions/version_store.hpp"

namespace sluice::hub {

// What a sample of a version's rows, made again from the hub streams, was found to be.
struct SampleVerdict {
  bool good = false;
  std::uint64_t rows = 0;  // compared
  std::string words;       // the first difference, in one sentence
};
// Called by a model's keeper thread, beside the feeds; may take as long as a rebuild. An error
// means that nothing could be said: it is asked again.
using SampleCheck = std::function<core::Result<SampleVerdict>(
    ModelVersion& version, const std::function<bool()>& stopping)>;

// For those who watch.
struct BuildStatus {
  VersionId id;
  bool returning = false;  // it served before, and is rolled back to
  BuildVerdict verdict;
  std::string reason;
  std::int64_t begun_ns = 0;  // wall
  std::uint64_t done = 0;     // messages read, over all shards
  std::uint64_t last = 0;     // messages that there are
  double percent = 0;
  double rate = 0;  // messages a second
  std::optional<double> eta_s;
  std::uint64_t parked = 0;
  std::string checked;  // what the sample check said, empty before it
};
struct KeptStatus {
  VersionId id;
  std::int64_t since_ns = 0;
  std::uint64_t bytes = 0;
};
struct HostStatus {
  VersionId serving;
  std::optional<BuildStatus> building;
  std::vector<KeptStatus> kept;   // the one that served last comes first
  std::string problem;            // what is wrong with the model file; empty: nothing
  std::optional<VersionId> lost;  // VersionBook::lost
};

// One model with its versions: one serves, one may be built beside it (or returns), others are kept
// and rest. A thread of its own watches what is built: caught up, checked by sample, it takes the
// serving one's place, which readers see as one instant. Any thread.
//
// With other workers the book of versions in the database is what all of them follow: whoever
// changes it has it for itself meanwhile (Change), the others see the change within a moment, and
// open what now serves or is being built by the definition in its database.
class ModelHost {
 public:
  struct Parts {
    std::unique_ptr<VersionStore> store;
    ModelVersion::MakeFeeds make_feeds;
    SampleCheck check;  // empty: versions are switched unchecked, and the audit event says so
    std::function<void(std::string_view type, const core::json::object& data)> audit;
    std::size_t keep = 2;  // versions that served before
    bool shared = false;   // with other workers
    // Shared: whether this worker is the one that checks what is built and lets it serve.
    std::function<bool()> decides;
  };

  // Opens the serving version, and goes on with one under construction. The model file may be
  // broken as long as some version can serve. `anew` is not empty: the words of who wants the
  // database that serves to be left as it cannot be used; a version of the model file takes its
  // place at once, with nothing yet. kConfig: the model never served, and its file is at fault, or
  // the place is; kUnsupported: it served, and cannot as things are; else as Engine::open.
  static core::Result<std::shared_ptr<ModelHost>> open(const FoundDefinition& file, Parts parts,
                                                       const core::Clock& clock, core::Logger& log,
                                                       const std::string& anew = {});
  ~ModelHost();
  void start();  // feeds and keeper
  void stop();   // asks them to end
  void join();   // waits: batches in work are finished

  const std::string& name() const { return name_; }
  // What requests are answered from. Never null.
  std::shared_ptr<ModelVersion> serving() const;
  VersionRecord serving_record() const;  // since when, too: another one after each switch
  // The serving version, and the one that is being built if there is one.
  std::vector<std::shared_ptr<ModelVersion>> open_versions() const;
  HostStatus status() const;

  // The model file was read again: a higher version is built beside, anything else is at most a
  // problem in words (HostStatus). Errors are those of the databases; the served version goes on.
  core::Result<void> reload(const FoundDefinition& file);
  // Builds the served version anew, or the one that is to take its place if that cannot get on: one
  // that returns is then kept again, and its definition built. Durable on return. kBusy: there is
  // one, and it gets on.
  core::Result<VersionId> rebuild(const std::string& reason);
  // The version under construction may serve although it parks more than the serving one.
  core::Result<VersionId> accept();
  // An operator's deed about a parked event: in the serving version, and it then holds in the one
  // that is to take its place as well; or in the latter alone, if only that has parked the event.
  // Waits while one version takes another's place. kNotFound: in neither; kUnavailable: another
  // worker is at a change, or the database is away; else as the deed.
  using Deed = std::function<core::Result<projection::ParkedOutcome>(projection::Engine&)>;
  core::Result<projection::ParkedOutcome> settle(const Deed& deed);
  // A kept version is fed until it has caught up, then serves; without `to` the one that served
  // last. What is being built is given up. Durable on return. kNotFound: no such version is kept.
  // kVersionConflict, of rebuild() too: what is being built, or returns, was begun after the call.
  core::Result<VersionId> roll_back(std::optional<VersionId> to, const std::string& reason);

 private:
  // One that is to serve. Its fields but `version` belong to the keeper and to `mutex_`.
  struct Build {
    std::shared_ptr<ModelVersion> version;
    bool returning = false;
    std::string reason;
    std::int64_t begun_ns = 0;
    BuildProgress progress;
    BuildVerdict verdict;
    BuildFacts::Check check = BuildFacts::Check::kUnknown;
    std::string check_words;
    std::uint64_t parked = 0;
    bool accepted = false;
    std::string overtaken;       // an event that was given up after it had its effect here
    std::uint64_t again_ns = 0;  // nothing is tried before
    std::string obstacle;        // why the last try failed
    std::map<std::string, std::uint64_t> found;  // hub stream -> what was read of it at first
  };

  ModelHost(std::string name, Parts parts, const core::Clock& clock, core::Logger& log);

  // The right to change the versions, of this program's threads and of all workers.
  class Change {
   public:
    explicit Change(ModelHost& host) : lock_(host.operation_), store_(host.parts_.store.get()) {}
    Change(Change&& other) noexcept
        : lock_(std::move(other.lock_)),
          store_(other.store_),
          entered_(std::exchange(other.entered_, false)) {}
    ~Change() {
      if (entered_) store_->leave();
    }
    core::Result<void> enter();

   private:
    std::unique_lock<std::mutex> lock_;
    VersionStore* store_;
    bool entered_ = false;
  };
  // What others changed is known on return. kUnavailable: another worker is at it.
  core::Result<Change> change();
  // Under operation_: everything is as `book`, which somebody else wrote.
  core::Result<void> adopt(const VersionBook& book);
  core::Result<void> adopt_serving(const VersionId& id);
  core::Result<void> adopt_coming(const VersionRecord* record);
  void adopt_word(const VersionBook& book);
  // Whether what the book says is under construction is what this program feeds.
  bool feeds_coming() const;
  std::optional<VersionId> coming() const;
  core::Result<void> check_coming(const std::optional<VersionId>& known) const;
  bool decides() const { return !parts_.shared || (parts_.decides && parts_.decides()); }

  // Under operation_.
  core::Result<void> open_serving(const FoundDefinition& file, const std::string& anew);
  core::Result<std::shared_ptr<ModelVersion>> open_last(const FoundDefinition& file,
                                                        const VersionId& id);
  core::Result<std::shared_ptr<const projection::Model>> first_definition(
      const FoundDefinition& file, const std::optional<VersionRecord>& last) const;
  void tell_anew(const VersionRecord& last, const VersionId& id, const std::string& reason);
  core::Result<void> resume();
  core::Result<void> let_go(const VersionRecord& record, const core::Error& why);
  core::Result<void> begin_again();  // not under it
  static bool is_passing(const core::Error& error);
  core::Result<void> take(const FoundDefinition& file);
  core::Result<void> clear_place(const VersionId& id);
  core::Result<std::shared_ptr<ModelVersion>> make_version(
      VersionBook& book, std::shared_ptr<const projection::Model> definition, const VersionId& id,
      const std::string& reason, bool accepted);
  core::Result<void> begin_build(std::shared_ptr<const projection::Model> definition, VersionId id,
                                 const std::string& reason, bool accepted);
  core::Result<void> abandon();
  core::Result<std::shared_ptr<ModelVersion>> open_version(
      std::shared_ptr<const projection::Model> definition, const VersionId& id);
  core::Result<std::shared_ptr<const projection::Model>> stored_model(const VersionId& id) const;
  core::Result<void> save(VersionBook book);
  void set_build(std::shared_ptr<Build> build);
  core::Result<void> take_over(Build& build, ModelVersion& from);
  static core::Result<void> take_over_skips(ModelVersion& version, ModelVersion& from);
  BuildFacts overtaken_facts(const Build& build) const;  // what judge_overtaken() reads
  void hand_over_decisions();
  std::string take_in_decisions(Build& build, ModelVersion& from);
  void say_problem(std::string problem);
  bool let_serve(const std::shared_ptr<Build>& build);
  std::string catch_up(ModelVersion& from, ModelVersion& to);
  void drop_surplus();

  // The keeper.
  void keep();
  void look_at(const std::shared_ptr<Build>& build);
  BuildFacts facts_of(Build& build);
  void tell_others(const Build& build);
  void check(const std::shared_ptr<Build>& build);
  std::shared_ptr<Build> build() const;
  bool stopping() const { return stopping_.load(); }

  // With other workers (model_watch.cpp): a thread that looks at what they do.
  void watch();

  const std::string name_;
  const Parts parts_;
  const core::Clock& clock_;
  core::Logger& log_;

  std::mutex operation_;  // one change at a time; taken before mutex_
  bool started_ = false;  // under operation_

  mutable std::mutex mutex_;  // short: what others look at
  std::condition_variable wake_;
  VersionBook book_;
  FoundDefinition file_;  // as it was read last
  std::shared_ptr<ModelVersion> serving_;
  std::shared_ptr<Build> build_;
  std::string problem_;

  std::atomic<bool> stopping_{false};
  std::thread keeper_;
  std::thread watcher_;
};

}  // namespace sluice::hub
