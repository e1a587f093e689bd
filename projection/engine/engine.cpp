// SPDX-License-Identifier: Apache-2.0
// The engine's batches: one transaction each.
#include "projection/engine/engine.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "projection/engine/event_sink.hpp"
#include "projection/engine/model_engine.hpp"
#include "projection/schema/schema.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

// Messages that are looked at together, so that their rows come in few round trips.
constexpr std::size_t kAnnouncedMax = 1000;

std::int64_t as_int(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}

std::vector<std::string> gateways_of(std::span<const Incoming> messages) {
  std::vector<std::string> out;
  for (const Incoming& message : messages) {
    const auto subject = core::EventSubject::parse(message.subject);
    if (subject && (out.empty() || out.back() != subject->gateway)) out.push_back(subject->gateway);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<const Model> model, const Place& place,
                                             const core::Clock& clock, core::Logger& log,
                                             const EngineSettings& settings) {
  auto target = Target::open(place, Access::kWrite);
  if (!target) return target.error();
  return open(std::move(model), std::move(*target), clock, log, settings);
}

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<const Model> model,
                                             std::unique_ptr<Target> target,
                                             const core::Clock& clock, core::Logger& log,
                                             const EngineSettings& settings) {
  SLUICE_TRY(prepare_model_database(*model, *target));
  if (settings.exclusive) SLUICE_TRY(target->claim());
  auto engine =
      std::make_unique<ModelEngine>(std::move(model), std::move(target), clock, log, settings);
  SLUICE_TRY(engine->prepare());
  return std::unique_ptr<Engine>(std::move(engine));
}

ModelEngine::ModelEngine(std::shared_ptr<const Model> model, std::unique_ptr<Target> target,
                         const core::Clock& clock, core::Logger& log,
                         const EngineSettings& settings)
    : model_(std::move(model)),
      target_(std::move(target)),
      clock_(clock),
      log_(log),
      settings_(settings),
      check_(
          settings.sink ? MessageCheck() : MessageCheck([this](const core::EventSubject& subject) {
            return model_->wants(subject.gateway, subject.lane, subject.category, subject.type);
          })),
      decisions_(*target_),
      skips_(*target_) {
  gate_settings_.history = model_->history();
  gate_settings_.held_items_max = settings.held_items_max;
  gate_settings_.held_bytes_max = settings.held_bytes_max;
}

ModelEngine::~ModelEngine() = default;

Result<void> ModelEngine::prepare() {
  session_ = target_->session();
  SLUICE_TRY(prepare_all(
      *target_,
      {{&position_,
        "SELECT created, sequence, msg_id, next FROM _sluice_position WHERE hub_stream = ?1"},
       // A re-read does not take back how far the hub stream is known.
       {&save_position_,
        "INSERT INTO _sluice_position (hub_stream, created, sequence, msg_id, next)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hub_stream) DO UPDATE SET"
        " created = excluded.created, next = excluded.next,"
        " msg_id = CASE WHEN excluded.sequence >= _sluice_position.sequence"
        " THEN excluded.msg_id ELSE _sluice_position.msg_id END,"
        " sequence = CASE WHEN excluded.sequence >= _sluice_position.sequence"
        " THEN excluded.sequence ELSE _sluice_position.sequence END"},
       {&turn_back_, "UPDATE _sluice_position SET next = ?2 WHERE hub_stream = ?1 AND next > ?2"},
       {&totals_,
        "INSERT INTO _sluice_totals (hub_stream, applied, refused, last_event_ns, old_epoch)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hub_stream) DO UPDATE SET"
        " applied = _sluice_totals.applied + excluded.applied,"
        " refused = _sluice_totals.refused + excluded.refused,"
        " last_event_ns = CASE WHEN excluded.last_event_ns > _sluice_totals.last_event_ns"
        " THEN excluded.last_event_ns ELSE _sluice_totals.last_event_ns END,"
        " old_epoch = _sluice_totals.old_epoch + excluded.old_epoch"},
       // Also locks the row until the end of the transaction, where rows are locked.
       {&fence_,
        "INSERT INTO _sluice_fence (hub_stream, token) VALUES (?1, ?2)"
        " ON CONFLICT (hub_stream) DO UPDATE SET token = excluded.token"
        " WHERE _sluice_fence.token <= excluded.token"},
       {&fence_seen_, "SELECT token FROM _sluice_fence WHERE hub_stream = ?1"},
       {&vector_, "SELECT gateway, lane, epoch, next FROM _sluice_gate WHERE state = 2"}}));
  SLUICE_TRY(read_beginning());
  auto store = TableGateStore::open(*target_);
  if (!store) return store.error();
  store_ = std::move(*store);
  auto rows = Rows::open(*target_, Evaluator::shapes(*model_));
  if (!rows) return rows.error();
  rows_ = std::move(*rows);
  evaluator_ = std::make_unique<Evaluator>(*model_, *rows_);
  if (!model_->sql_rules().empty()) {
    auto sql = SqlRunner::open(*model_, *target_);
    if (!sql) return sql.error();
    sql_ = std::move(*sql);
  }
  auto parking = Parking::open(*target_, settings_.parked_bytes_max);
  if (!parking) return parking.error();
  parking_ = std::move(*parking);
  SLUICE_TRY(decisions_.reload());
  SLUICE_TRY(skips_.reload());
  auto stamps = StampWriter::prepare(*target_);
  if (!stamps) return stamps.error();
  stamps_ = std::move(*stamps);
  return settings_.sink ? settings_.sink->open(*target_) : Result<void>();
}

Result<void> ModelEngine::read_beginning() {
  const auto missing =
      query_int(*target_, "SELECT count(*) FROM _sluice_meta WHERE name = 'beginning_missing'");
  if (!missing) return missing.error();
  gate_settings_.beginning_missing = *missing != 0;
  return {};
}

// Rows are written together, so that the database cannot say whose event a value is of for which
// it has no room. Only that event is to park.
Result<BatchOutcome> ModelEngine::batch(const HubStream& hub, const Gateways& gateways, Begin how,
                                        const std::function<Result<void>()>& work) {
  auto outcome = try_batch(hub, gateways, how, work);
  if (outcome || outcome.error().code != Errc::kTooLarge) return outcome;
  one_by_one_ = true;
  outcome = try_batch(hub, gateways, how, work);
  one_by_one_ = false;
  return outcome;
}

Result<BatchOutcome> ModelEngine::try_batch(const HubStream& hub, const Gateways& gateways,
                                            Begin how, const std::function<Result<void>()>& work) {
  hub_ = hub;
  outcome_ = {};
  refused_ = 0;
  last_event_ns_ = 0;
  now_ns_ = clock_.wall_ns();
  rows_->next_batch();
  stamps_.begin();
  reported_ = SIZE_MAX;
  store_->trim_cache();
  auto transaction = Transaction::begin(*target_, how);
  if (!transaction) {
    undone();
    return transaction.error();
  }
  Result<void> done = check_session();
  if (done) done = enter(hub, gateways);
  if (done) done = work();
  if (done) done = finish(hub, *transaction);
  if (!done) {
    transaction->rollback();
    undone();
    return done.error();
  }
  if (settings_.sink) settings_.sink->committed();
  rows_->trim(settings_.cache_bytes);
  look_anew();
  return std::move(outcome_);
}

// A connection that was made anew may have forgotten the last batches: the reader must ask where
// the model is.
Result<void> ModelEngine::check_session() {
  if (std::exchange(session_, target_->session()) == target_->session()) return {};
  return fail(Errc::kUnavailable,
              "the connection to the read database was lost and made again: looking up how far the"
              " model is");
}

// What others may have done since the last batch, or may do during this one.
Result<void> ModelEngine::enter(const HubStream& hub, const Gateways& gateways) {
  SLUICE_TRY(check_fence(hub));
  if (!settings_.exclusive) {
    Gateways names;
    for (const std::string& gateway : gateways) names.push_back("gateway " + gateway);
    for (const Table& table : model_->tables())
      if (table.shared) names.push_back("table " + table.name);
    for (const SqlRule& rule : model_->sql_rules())
      for (const std::size_t table : rule.touches)
        names.push_back("table " + model_->tables()[table].name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    SLUICE_TRY(target_->lock(names));
    look_anew();
    SLUICE_TRY(parking_->reload());
    SLUICE_TRY(decisions_.reload());
    SLUICE_TRY(skips_.reload());
    SLUICE_TRY(read_beginning());
  }
  return hub.name.empty() ? Result<void>() : check_life(hub);
}

Result<void> ModelEngine::check_fence(const HubStream& hub) {
  const auto fence = fences_.find(hub.name);
  if (fence == fences_.end()) return {};
  const auto changed =
      fence_->bind(1, std::string_view(hub.name)).bind(2, as_int(fence->second)).run();
  if (!changed) return changed.error();
  if (*changed != 0) return {};
  return fail(Errc::kUnauthorized, "another reader of " + hub.name + " has taken over: token " +
                                       std::to_string(fence->second) + " is no longer the highest");
}

Result<void> ModelEngine::write_rows() {
  return rows_->flush([this](const Row& row) { report(row); });
}

Result<void> ModelEngine::finish(const HubStream& hub, Transaction& transaction) {
  SLUICE_TRY(carry_out_decisions());
  SLUICE_TRY(write_rows());
  SLUICE_TRY(store_->flush());
  for (const std::string& table : outcome_.touched_tables) stamps_.changed(table);
  SLUICE_TRY(stamps_.write(hub.name));
  if (outcome_.applied != 0 || refused_ != 0)
    SLUICE_TRY(totals_->bind(1, std::string_view(hub.name))
                   .bind(2, as_int(outcome_.applied))
                   .bind(3, as_int(refused_))
                   .bind(4, last_event_ns_)
                   .bind(5, as_int(outcome_.old_epoch))
                   .post());
  return transaction.commit();
}

// Nothing that was known of the database may be true any more.
void ModelEngine::undone() {
  forget();
  // If this fails too the medium is gone: the next batch finds out.
  (void)parking_->reload();
  (void)decisions_.reload();
  (void)skips_.reload();
  if (marked_) marked_->rolled_back();
  if (settings_.sink) settings_.sink->rolled_back();
}

void ModelEngine::forget() {
  store_->forget();
  rows_->forget();
}

void ModelEngine::look_anew() {
  if (!settings_.exclusive) forget();
}

Result<BatchOutcome> ModelEngine::apply(const HubStream& hub, std::span<const Incoming> messages) {
  if (messages.empty()) return BatchOutcome{};
  const Gateways gateways = settings_.exclusive ? Gateways() : gateways_of(messages);
  return batch(hub, gateways, Begin::kWrite, [&]() -> Result<void> {
    SLUICE_TRY(offer(hub, messages));
    SLUICE_TRY(save_position(hub, messages.back()));
    if (outcome_.reread_from) SLUICE_TRY(turn_back(hub.name, *outcome_.reread_from));
    return {};
  });
}

Result<void> ModelEngine::offer(const HubStream& hub, std::span<const Incoming> messages) {
  const bool remote = target_->dialect() == Dialect::kPostgres;
  const std::size_t together = remote ? kAnnouncedMax : 1;
  for (std::size_t at = 0; at < messages.size(); at += together) {
    const auto part = messages.subspan(at, std::min(together, messages.size() - at));
    arrivals_.clear();
    for (const Incoming& message : part) {
      auto& arrival = arrivals_.emplace_back(check_(message.subject, message.msg_id, message.body));
      if (!arrival) continue;
      arrival->hub_stream = hub.name;
      arrival->hub_seq = message.hub_seq;
      arrival->now_ns = now_ns_;
      arrival->aside = message.aside;
      arrival->clock_ns = message.clock_ns;
    }
    if (remote) SLUICE_TRY(announce());
    for (std::size_t i = 0; i < part.size(); ++i) SLUICE_TRY(offer_one(hub, part[i], arrivals_[i]));
    if (rows_->bytes() <= settings_.cache_bytes) continue;
    SLUICE_TRY(write_rows());
    rows_->trim(settings_.cache_bytes);
  }
  return {};
}

// Loads what the arrivals are going to need.
Result<void> ModelEngine::announce() {
  std::vector<RowRef> refs;
  const auto parts = [](const RowRef& ref) { return std::tie(ref.gateway, ref.epoch, ref.lane); };
  for (const auto& arrival : arrivals_)
    if (arrival) refs.push_back(arrival->row());
  std::ranges::sort(refs, {}, parts);
  const auto same = std::ranges::unique(refs, {}, parts);
  refs.erase(same.begin(), same.end());
  SLUICE_TRY(store_->prefetch(refs));
  for (const auto& arrival : arrivals_) {
    if (!arrival || settings_.sink || arrival->no_effect) continue;
    const core::EventView& event = arrival->event;
    if (!model_->wants(event.gateway, event.lane, event.category, event.type)) continue;
    const auto row = store_->find(arrival->row());
    if (!row) return row.error();
    if (*row != nullptr && event.seq < (*row)->next) continue;  // it was applied before
    evaluator_->announce(event, arrival->clock_ns);
  }
  return rows_->load();
}

Result<void> ModelEngine::offer_one(const HubStream& hub, const Incoming& message,
                                    const Result<Arrival>& arrival) {
  if (!arrival) return refuse(hub, message, arrival.error().message);
  const auto answer = marked_ ? marked_->offer(*arrival, *this) : gate().offer(*arrival, *this);
  if (!answer) return answer.error();
  switch (answer->verdict) {
    case Verdict::kDuplicate:
      ++outcome_.duplicates;
      break;
    case Verdict::kBeforeStart:
      ++outcome_.before_start;
      break;
    case Verdict::kHeld:
      ++outcome_.held;
      break;
    case Verdict::kNotStored:
      ++outcome_.not_stored;
      break;
    case Verdict::kPoison:
      return refuse(hub, message, answer->why);
    case Verdict::kApplied:
    case Verdict::kLate:
      break;  // counted by the sink
  }
  SLUICE_TRY(count(*answer, hub));
  return carry_out_skips(hub, arrival->event.gateway, arrival->event.lane);
}

Result<void> ModelEngine::count(const Answer& answer, const HubStream& hub) {
  outcome_.absent += answer.absent;
  for (const Reread& reread : answer.reread) {
    if (reread.hub_stream == hub.name)
      outcome_.reread_from =
          std::min(outcome_.reread_from.value_or(reread.hub_seq), reread.hub_seq);
    else
      SLUICE_TRY(turn_back(reread.hub_stream, reread.hub_seq));
  }
  return {};
}

Result<BatchOutcome> ModelEngine::caught_up(const HubStream& hub) {
  if (gate_settings_.history != History::kAvailable || !gate_settings_.beginning_missing)
    return BatchOutcome{};
  Gateways gateways;
  if (!settings_.exclusive) {
    look_anew();
    const auto rows = store_->unfinished(SIZE_MAX);
    if (!rows) return rows.error();
    for (const GateRow* row : *rows) gateways.push_back(row->gateway);
  }
  return batch(hub, gateways, Begin::kWrite, [&]() -> Result<void> {
    const auto answer = gate().settle(*this);
    if (!answer) return answer.error();
    SLUICE_TRY(count(*answer, hub));
    SLUICE_TRY(carry_out_skips(hub, gateways));
    if (outcome_.reread_from) SLUICE_TRY(turn_back(hub.name, *outcome_.reread_from));
    return {};
  });
}

Result<void> ModelEngine::retrace(const Marks& marks) {
  if (!marked_) marked_ = std::make_unique<MarkedGate>(*store_, gate_settings_);
  marked_->set(marks);
  const auto done = batch({}, {}, Begin::kWrite, [&]() -> Result<void> {
    const auto answer = marked_->go_on(*this);
    if (!answer) return answer.error();
    return count(*answer, HubStream{});
  });
  if (!done) return done.error();
  return {};
}

std::vector<GatePoint> ModelEngine::awaited() const {
  return marked_ ? marked_->awaited() : std::vector<GatePoint>();
}

}  // namespace sluice::projection
