// SPDX-License-Identifier: Apache-2.0
#include "hub/workers/lease_keeper.hpp"

#include <pthread.h>

#include <algorithm>

#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/key_value.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

using core::Errc;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kTick{100};
constexpr milliseconds kAgain{500};

std::string random_session(core::Random& random) {
  return core::Epoch{random.next()}.text();
}

milliseconds ask_timeout(milliseconds ttl) {
  return std::max(milliseconds(200), ttl / 5);
}

}  // namespace

LeaseKeeper::LeaseKeeper(Settings settings, const core::Clock& clock, core::Logger& log,
                         std::function<void(const core::Error&)> fatal)
    : settings_(std::move(settings)),
      clock_(clock),
      log_(log),
      fatal_(std::move(fatal)),
      machine_({settings_.worker, random_session(random_), settings_.ttl}, settings_.shards) {
  alive_ns_ = clock_.monotonic_ns();
}

LeaseKeeper::~LeaseKeeper() {
  stop();
  join();
}

void LeaseKeeper::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "leases");
}

void LeaseKeeper::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

void LeaseKeeper::join() {
  if (thread_.joinable()) thread_.join();
}

void LeaseKeeper::pause(milliseconds wait) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, wait);
}

LeaseKeeper::View LeaseKeeper::view() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now = clock_.monotonic_ns();
  return {machine_.workers(now), machine_.shards(now), taken_, lost_, last_error_};
}

bool LeaseKeeper::is_over() const {
  if (!stopping_) return false;
  const std::lock_guard lock(mutex_);
  return machine_.has_left() || (leave_until_ns_ != 0 && clock_.monotonic_ns() >= leave_until_ns_);
}

void LeaseKeeper::run() {
  while (!is_over()) {
    alive_ns_ = clock_.monotonic_ns();
    const auto ended = session();
    if (!ended) {
      const std::string words = core::to_string(ended.error());
      const std::lock_guard lock(mutex_);
      if (words != last_error_) log_.warning("leases", words);
      last_error_ = words;
    }
    act(nullptr);  // without a connection leases run out all the same
    if (!is_over()) pause(kAgain / 2 + milliseconds(random_.below(500)));
  }
  for (const std::string& shard : settings_.shards) book_.revoke(shard);
}

Result<void> LeaseKeeper::session() {
  auto options = settings_.connection;
  options.name = "sluice-hub leases " + settings_.worker;
  options.connect_timeout = std::min(options.connect_timeout, ask_timeout(settings_.ttl));
  auto connection = nats::Connection::connect(options);
  if (!connection) {
    if (connection.error().code == Errc::kInternal) fatal_(connection.error());
    return connection.error();
  }
  nats::PullOptions pull;
  pull.hub_stream = "KV_" + std::string(core::kLeaseBucket);
  const auto info =
      nats::hub_stream_info(**connection, pull.hub_stream, ask_timeout(settings_.ttl));
  if (!info)
    return info.error().code == Errc::kNotFound
               ? core::fail(Errc::kNotFound, "the bucket " + std::string(core::kLeaseBucket) +
                                                 " is missing: run sluice provision --workers")
               : info.error();
  const auto created = core::parse_time(info->created);
  if (!created) return created.error();
  pull.last_per_subject = true;
  pull.filter = "$KV." + std::string(core::kLeaseBucket) + "." + settings_.hub + ".>";
  pull.create_timeout = ask_timeout(settings_.ttl);
  auto consumer = nats::PullConsumer::create(**connection, pull);
  if (!consumer) return consumer.error();
  {
    const std::lock_guard lock(mutex_);
    machine_.look_anew(*created);
    last_error_.clear();
  }
  while (!is_over()) {
    alive_ns_ = clock_.monotonic_ns();
    if (!(*connection)->is_open())
      return core::fail(Errc::kUnavailable, "the connection is closed");
    SLUICE_TRY(show(**consumer));
    act(connection->get());
  }
  return {};
}

Result<void> LeaseKeeper::show(nats::PullConsumer& consumer) {
  const auto batch = consumer.next(kTick);
  if (!batch) return batch.error();
  const std::uint64_t now = clock_.monotonic_ns();
  const std::lock_guard lock(mutex_);
  const std::string shards = shard_lease_subject(settings_.hub, "");
  const std::string workers = worker_subject(settings_.hub, "");
  for (const nats::Pulled& pulled : *batch) {
    const std::string_view subject = pulled.message.subject();
    auto parsed = parse_lease(pulled.message.payload());
    const std::optional<LeaseValue> value =
        parsed ? std::optional(std::move(*parsed)) : std::nullopt;
    if (subject.starts_with(shards))
      machine_.saw_shard(std::string(subject.substr(shards.size())), value, pulled.sequence, now);
    else if (subject.starts_with(workers))
      machine_.saw_worker(std::string(subject.substr(workers.size())), value, pulled.sequence, now);
  }
  if (batch->empty() ? consumer.pending() == 0 : batch->back().pending == 0) machine_.seen_all();
  return {};
}

// What the machine says, with a connection or without.
void LeaseKeeper::act(nats::Connection* connection) {
  watch_stopping();
  std::vector<LeaseMachine::Action> actions;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ && leave_until_ns_ == 0) {
      machine_.leave();
      leave_until_ns_ =
          clock_.monotonic_ns() + static_cast<std::uint64_t>(settings_.ttl.count()) * 1'000'000;
    }
    for (const auto& [shard, fence] : book_.take_outranked()) machine_.outranked(shard, fence);
    actions = machine_.step(clock_.monotonic_ns());
  }
  for (const LeaseMachine::Action& action : actions) {
    using Kind = LeaseMachine::Action::Kind;
    if (action.kind == Kind::kStart) {
      log_.info("leases", "reads the shard from here on",
                {{"shard", action.shard}, {"token", std::to_string(action.token)}});
      const std::lock_guard lock(mutex_);
      ++taken_;
      book_.grant(action.shard, action.token);
    } else if (action.kind == Kind::kStop) {
      log_.info("leases", "ends reading the shard", {{"shard", action.shard}, {"why", action.why}});
      book_.revoke(action.shard);
      const std::lock_guard lock(mutex_);
      lost_ += action.lost ? 1 : 0;
      stopping_shards_.insert(action.shard);
    } else if (connection != nullptr) {
      write(*connection, action);
    } else {
      const std::lock_guard lock(mutex_);
      machine_.wrote(action, LeaseMachine::Outcome::kUnknown, 0, clock_.monotonic_ns());
    }
  }
  const std::lock_guard lock(mutex_);
  if (machine_.has_twin())
    fatal_(core::fail(Errc::kConfig,
                      "another worker of hub " + settings_.hub + " is called " + settings_.worker +
                          ": give each a name of its own",
                      "hub.worker"));
}

void LeaseKeeper::write(nats::Connection& connection, const LeaseMachine::Action& action) {
  using Outcome = LeaseMachine::Outcome;
  const bool is_worker = action.kind == LeaseMachine::Action::Kind::kWriteWorker;
  const std::string subject = is_worker ? worker_subject(settings_.hub, settings_.worker)
                                        : shard_lease_subject(settings_.hub, action.shard);
  const std::uint64_t sent = clock_.monotonic_ns();
  const auto put = nats::put_if(connection, subject, lease_text(action.value), action.expected,
                                ask_timeout(settings_.ttl));
  const std::lock_guard lock(mutex_);
  if (put) return machine_.wrote(action, Outcome::kTaken, *put, sent);
  const bool is_conflict = put.error().code == Errc::kVersionConflict;
  if (!is_conflict) last_error_ = put.error().message;
  machine_.wrote(action, is_conflict ? Outcome::kConflict : Outcome::kUnknown, 0, sent);
}

void LeaseKeeper::watch_stopping() {
  const std::lock_guard lock(mutex_);
  for (auto at = stopping_shards_.begin(); at != stopping_shards_.end();) {
    if (!book_.is_idle(*at)) {
      ++at;
      continue;
    }
    machine_.stopped(*at);
    at = stopping_shards_.erase(at);
  }
}

}  // namespace sluice::hub
