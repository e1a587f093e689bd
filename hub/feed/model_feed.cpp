// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/model_feed.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/subject.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

using core::Errc;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kAskTimeout{30'000};
constexpr milliseconds kBackoffFirst{250};
constexpr milliseconds kBackoffLast{15'000};
constexpr milliseconds kWait{500};
constexpr milliseconds kLeaseLook{100};
constexpr milliseconds kBulkWait{20};
constexpr std::size_t kBulkMessages = 4'000;   // of one transaction
constexpr std::size_t kBulkBytes = 16u << 20;  // of their bodies, give or take one pull
constexpr std::int64_t kHoldAlarmNs = 600'000'000'000;

// What is no number says nothing.
std::int64_t clock_of(const nats::Message& message) {
  const auto text = message.header(core::kClockHeader.data());
  std::int64_t out = 0;
  if (!text) return 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  return error == std::errc() && end == text->data() + text->size() ? out : 0;
}

}  // namespace

Progress progress_of(const FeedStatus& status, bool blocked, const core::Clock& clock) {
  const std::uint64_t now = clock.monotonic_ns();
  return {status.connected, status.position, std::max(status.hub_last, status.position),
          now > status.moved_ns ? now - status.moved_ns : 0, blocked};
}

double lag_seconds(const FeedStatus& status, const core::Clock& clock) {
  if (status.hub_last <= status.position || status.stored_ns == 0) return 0;
  return std::max(0.0, static_cast<double>(clock.wall_ns() - status.stored_ns) / 1e9);
}

ModelFeed::ModelFeed(EngineHost& host, NeedDesk& needs, const core::Clock& clock, core::Logger& log,
                     Settings settings, std::function<void(const core::Error&)> fatal)
    : host_(host),
      needs_(needs),
      clock_(clock),
      log_(log),
      settings_(std::move(settings)),
      hub_stream_(core::hub_stream_name(settings_.shard)),
      label_(host.label() + "/" + settings_.shard),
      fatal_(std::move(fatal)) {
  alive_ns_ = clock_.monotonic_ns();
  status_.moved_ns = clock_.monotonic_ns();
  status_.hub.name = hub_stream_;
}

ModelFeed::~ModelFeed() {
  stop();
  join();
}

void ModelFeed::join() {
  if (!thread_.joinable()) return;
  thread_.join();
  running_ = false;
  needs_.forget(label_);  // what it waits for is seen again when it goes on
  const std::lock_guard lock(mutex_);
  status_.connected = false;
}

void ModelFeed::start(Pace pace) {
  stopping_ = false;
  alive_ns_ = clock_.monotonic_ns();
  running_ = true;
  {
    const std::lock_guard lock(mutex_);
    status_.moved_ns = clock_.monotonic_ns();
    status_.last_error.clear();
    status_.refused = false;
  }
  thread_ = std::thread([this, pace] { run(pace); });
  pthread_setname_np(thread_.native_handle(), ("feed-" + label_).substr(0, 15).c_str());
}

void ModelFeed::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  if (consumer_ != nullptr) consumer_->interrupt();
}

std::optional<std::uint64_t> ModelFeed::alive_ns() const {
  if (!running_) return std::nullopt;
  return alive_ns_.load();
}

FeedStatus ModelFeed::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

projection::HubStream ModelFeed::hub() const {
  const std::lock_guard lock(mutex_);
  return {hub_stream_, status_.hub.created};
}

void ModelFeed::pause(milliseconds wait) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, wait, [this] { return stopping(); });
}

// The same words again and again say nothing new.
void ModelFeed::note_error(const core::Error& error) {
  const std::string words = core::to_string(error);
  if (words != last_logged_) log_.warning("feed", words, {{"model", label_}});
  last_logged_ = words;
  show_error(error);
}

void ModelFeed::show_error(const core::Error& error) {
  const std::lock_guard lock(mutex_);
  status_.connected = false;
  status_.last_error = error.message;
  status_.refused = error.code == Errc::kConfig;
}

void ModelFeed::run(Pace pace) {
  in_bulk_ = pace == Pace::kBulk;
  // What is being built has time; the threads of its connection inherit it. A refusal only means
  // that the machine shares itself out evenly.
  if (pace == Pace::kBulk) (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  milliseconds backoff = kBackoffFirst;
  while (!stopping()) {
    alive_ns_ = clock_.monotonic_ns();
    if (!enter_lease()) {
      pause(kLeaseLook);
      continue;
    }
    const std::uint64_t read_before = status().read;
    const auto ended = session();
    if (settings_.leases != nullptr) settings_.leases->leave(settings_.shard);
    if (stopping()) break;
    if (!ended && ended.error().code == Errc::kUnauthorized)
      note_fence(ended.error());
    else if (!ended)
      note_error(ended.error());
    // Only a session that got on starts the back-off anew: consumers are dear on a big hub stream.
    const bool got_on = status().read != read_before;
    if (got_on) backoff = kBackoffFirst;
    if (got_on && ended && *ended == Next::kAtOnce) continue;
    pause(backoff / 2 + milliseconds(random_.below(static_cast<std::uint64_t>(backoff.count()))));
    backoff = std::min(backoff * 2, kBackoffLast);
  }
}

// The read model refused the token. The whole version may be closed, as another took its place:
// each of its feeds meets that, and who follows the switch says it once. Or another worker has the
// shard. Or the lease is ours and the read model yet has seen a higher token: then the bucket of
// leases was put back from an older copy, and only its keeper can take a token that is high enough.
void ModelFeed::note_fence(const core::Error& error) {
  const auto fence =
      host_.with_engine([&](projection::Engine& engine) { return engine.fence(hub_stream_); });
  if (fence && *fence == projection::Engine::kFenceClosed)
    return show_error({Errc::kUnauthorized, "another version has taken this one's place"});
  note_error(error);
  if (token_ && settings_.leases != nullptr && fence && *fence > *token_)
    settings_.leases->outranked(settings_.shard, *fence);
}

// False: another worker has the shard. What entered leaves after its session.
bool ModelFeed::enter_lease() {
  if (settings_.leases == nullptr) return true;
  token_ = settings_.leases->enter(settings_.shard);
  if (token_)
    host_.with_engine([&](projection::Engine& engine) { engine.set_fence(hub_stream_, token_); });
  was_elsewhere_ = true;
  const std::lock_guard lock(mutex_);
  // While another worker read it, nothing was to move here.
  if (status_.elsewhere && token_) status_.moved_ns = clock_.monotonic_ns();
  status_.elsewhere = !token_;
  if (!token_) status_.connected = false;
  return token_.has_value();
}

bool ModelFeed::may_read() const {
  return settings_.leases == nullptr || settings_.leases->is_granted(settings_.shard, *token_);
}

// From connect to the first failure.
Result<ModelFeed::Next> ModelFeed::session() {
  auto options = settings_.connection;
  options.name = "sluice-hub " + label_;
  auto connection = nats::Connection::connect(options);
  if (!connection) {
    // Attempts that hang are left behind; only a new process is rid of them.
    if (connection.error().code == Errc::kInternal) fatal_(connection.error());
    return connection.error();
  }
  const auto start = where_to_start(**connection);
  if (!start) return start.error();
  nats::PullOptions pull;
  pull.hub_stream = hub_stream_;
  pull.start = *start;
  pull.batch_bytes =
      std::max<std::uint64_t>(pull.batch_bytes, 2 * (*connection)->server_info().max_payload);
  auto consumer = nats::PullConsumer::create(**connection, pull);
  if (!consumer) return consumer.error();
  {
    const std::lock_guard lock(mutex_);
    consumer_ = consumer->get();
    status_.connected = true;
    status_.sessions += 1;
    status_.last_error.clear();
    status_.refused = false;
    status_.hub_last = status_.position + (*consumer)->pending();
  }
  last_logged_.clear();
  log_.info("feed", "reading",
            {{"model", label_}, {"hub_stream", hub_stream_}, {"from", std::to_string(*start)}});
  auto ended = read(**connection, **consumer);
  const std::lock_guard lock(mutex_);
  consumer_ = nullptr;
  return ended;
}

// Compares the model's position with what the hub stream has there.
Result<Resume> ModelFeed::compare(nats::Connection& connection,
                                  const projection::Position& position) {
  const auto info = nats::hub_stream_info(connection, hub_stream_, kAskTimeout);
  if (!info) return info.error();
  const HubStreamFacts facts{hub_stream_, info->created, info->first, info->last};
  {
    const std::lock_guard lock(mutex_);
    status_.hub = facts;
  }
  std::optional<std::string> there;
  if (position.sequence >= facts.first && position.sequence <= facts.last) {
    auto found = nats::message_id_at(connection, hub_stream_, position.sequence, kAskTimeout);
    if (!found) return found.error();
    there = std::move(*found);
  }
  return decide_resume(
      {position.hub.name, position.hub.created, position.sequence, position.msg_id}, facts, there);
}

Result<std::uint64_t> ModelFeed::where_to_start(nats::Connection& connection) {
  const auto position =
      host_.with_engine([&](projection::Engine& engine) { return engine.position(hub_stream_); });
  if (!position) return position.error();
  const auto resume = compare(connection, *position ? **position : projection::Position{});
  if (!resume) return resume.error();
  SLUICE_TRY(host_.about_to_read(hub(), status().hub.last));
  std::uint64_t start = 1;
  std::uint64_t reached = 0;
  if (!*position) {
    const std::uint64_t first = status().hub.first;
    SLUICE_TRY(
        host_.with_engine([&](projection::Engine& engine) { return engine.begin(hub(), first); }));
  } else if (*resume == Resume::kGoOn) {
    start = (*position)->next;
    reached = (*position)->next - 1;
  } else {
    log_.warning("feed", "the hub stream is not what it was: reading all of it again",
                 {{"model", label_},
                  {"position", std::to_string((*position)->sequence)},
                  {"hub_last", std::to_string(status().hub.last)}});
    SLUICE_TRY(host_.with_engine(
        [&](projection::Engine& engine) { return engine.reset_position(hub_stream_); }));
    needs_.forget(label_);
    needs_.hub_changed(hub_stream_, status().hub.created);
    const std::lock_guard lock(mutex_);
    status_.begun_anew += 1;
  }
  const std::lock_guard lock(mutex_);
  next_ = start;
  // A session that begins where the one before could not get on has not moved.
  if (status_.position != reached) status_.moved_ns = clock_.monotonic_ns();
  status_.position = reached;
  last_at_start_ = status_.hub.last;
  has_holes_ = true;  // of earlier runs: look once
  return start;
}

Result<ModelFeed::Next> ModelFeed::read(nats::Connection& connection,
                                        nats::PullConsumer& consumer) {
  SLUICE_TRY(look_for_holes(connection));
  std::uint64_t checked_ns = clock_.monotonic_ns();
  const auto interval_ns = static_cast<std::uint64_t>(settings_.check_interval.count()) * 1'000'000;
  quiet_ = true;
  while (!stopping() && may_read()) {
    alive_ns_ = clock_.monotonic_ns();
    const auto goes_on = take_batch(connection, consumer);
    if (!goes_on) return goes_on.error();
    if (!*goes_on) return Next::kAtOnce;
    if (clock_.monotonic_ns() - checked_ns < interval_ns) continue;
    const auto right = still_right(connection);
    if (!right) return right.error();
    if (!*right) return Next::kAtOnce;
    checked_ns = clock_.monotonic_ns();
    quiet_ = true;
  }
  return Next::kReconnect;
}

// What one transaction takes: one pull, and in bulk several, for rows that many events change are
// written once in each.
Result<std::vector<nats::Pulled>> ModelFeed::next_batch(nats::PullConsumer& consumer) {
  auto batch = consumer.next(kWait);
  if (!batch || !in_bulk_) return batch;
  std::size_t bytes = 0;
  const auto count = [&](const std::vector<nats::Pulled>& pulled) {
    for (const nats::Pulled& one : pulled) bytes += one.message.payload().size();
  };
  count(*batch);
  while (!batch->empty() && batch->back().pending > 0 && batch->size() < kBulkMessages &&
         bytes < kBulkBytes && !stopping()) {
    auto more = consumer.next(kBulkWait);
    if (!more) return more.error();
    if (more->empty()) break;
    count(*more);
    std::move(more->begin(), more->end(), std::back_inserter(*batch));
  }
  return batch;
}

// One batch in one transaction. False: another place has to be read.
Result<bool> ModelFeed::take_batch(nats::Connection& connection, nats::PullConsumer& consumer) {
  const auto batch = next_batch(consumer);
  if (!batch) return batch.error();
  const bool at_end = batch->empty() ? consumer.pending() == 0 : batch->back().pending == 0;
  auto applied = apply(*batch);
  if (!applied) return applied.error();
  if (!*applied) return false;
  projection::BatchOutcome& outcome = **applied;
  if (at_end && host_.model().history() == projection::History::kAvailable) {
    auto settled =
        host_.with_engine([&](projection::Engine& engine) { return engine.caught_up(hub()); });
    if (!settled) return settled.error();
    host_.changes().committed(changes_of(host_.model(), *settled));
    if (settled->reread_from) outcome.reread_from = settled->reread_from;
    outcome.held += settled->held;
  }
  for (const std::string& alarm : outcome.alarms) log_.error("alarm", alarm, {{"model", label_}});
  if (has_holes_ || outcome.held > 0 || outcome.not_stored > 0)
    SLUICE_TRY(look_for_holes(connection));
  if (at_end && batch->empty()) {
    const std::lock_guard lock(mutex_);
    status_.hub_last = status_.position;
    status_.moved_ns = clock_.monotonic_ns();
  }
  return !outcome.reread_from.has_value();
}

// nullopt: the position was turned back meanwhile, by a hold that was stepped over.
Result<std::optional<projection::BatchOutcome>> ModelFeed::apply(
    const std::vector<nats::Pulled>& batch) {
  using Outcome = std::optional<projection::BatchOutcome>;
  std::vector<std::string> ids;
  std::vector<projection::Incoming> incoming;
  ids.reserve(batch.size());
  incoming.reserve(batch.size());
  for (const nats::Pulled& pulled : batch) {
    ids.push_back(pulled.message_id().value_or(std::string()));
    incoming.push_back({pulled.message.subject(), ids.back(), pulled.message.payload(),
                        pulled.sequence, pulled.stored_ns,
                        pulled.message.header(core::kLateHeader.data()).has_value(),
                        clock_of(pulled.message)});
    if (settings_.several_shards)
      if (const auto subject = core::EventSubject::parse(pulled.message.subject()))
        host_.saw_gateway(subject->gateway, settings_.shard);
  }
  auto outcome = host_.with_engine([&](projection::Engine& engine) -> Result<Outcome> {
    const auto position = engine.position(hub_stream_);
    if (!position) return position.error();
    if (*position && (*position)->next < next_) return Outcome();
    if (incoming.empty()) return Outcome(projection::BatchOutcome());
    auto done = engine.apply(hub(), incoming);
    if (!done) return done.error();
    host_.after_batch(engine);
    return Outcome(std::move(*done));
  });
  if (!outcome || !*outcome || batch.empty()) return outcome;
  next_ = batch.back().sequence + 1;
  quiet_ = false;
  // Before anybody can see that the position moved.
  ChangeBatch changes = changes_of(host_.model(), **outcome);
  changes.everything |= std::exchange(was_elsewhere_, false);
  host_.changes().committed(std::move(changes));
  const std::lock_guard lock(mutex_);
  status_.position = batch.back().sequence;
  status_.hub_last = status_.position + batch.back().pending;
  status_.stored_ns = batch.back().stored_ns;
  status_.read += batch.size();
  status_.moved_ns = clock_.monotonic_ns();
  return outcome;
}

Result<void> ModelFeed::look_for_holes(nats::Connection& connection) {
  const auto missing = host_.missing(settings_.shard);
  if (!missing) return missing.error();
  has_holes_ = !missing->ranges.empty();
  const bool is_old = has_holes_ && clock_.wall_ns() - missing->since_ns > kHoldAlarmNs;
  if (is_old && !alarmed_)
    log_.error("alarm", "events have waited behind a hole for more than 10 minutes: see /v1/holds",
               {{"model", label_}, {"holes", std::to_string(missing->ranges.size())}});
  alarmed_ = is_old;
  return needs_.saw(label_, missing->ranges, status().position, [&]() -> Result<std::uint64_t> {
    const auto info = nats::hub_stream_info(connection, hub_stream_, kAskTimeout);
    if (!info) return info.error();
    return info->last;
  });
}

// False: the consumer no longer shows what the model has to read.
Result<bool> ModelFeed::still_right(nats::Connection& connection) {
  const auto position =
      host_.with_engine([&](projection::Engine& engine) { return engine.position(hub_stream_); });
  if (!position) return position.error();
  if (*position) {
    const auto resume = compare(connection, **position);
    if (!resume) return resume.error();
    if (*resume == Resume::kFromFirst) return false;
  } else {
    SLUICE_TRY(compare(connection, projection::Position{}));
  }
  // Nothing came although the hub stream has grown: the consumer has gone deaf.
  const FeedStatus now = status();
  return !(quiet_ && now.hub.last > now.position && now.hub.last != last_at_start_);
}

}  // namespace sluice::hub
