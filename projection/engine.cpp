// SPDX-License-Identifier: Apache-2.0
#include "projection/engine.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "core/text.hpp"
#include "projection/extract.hpp"
#include "projection/schema.hpp"
#include "projection/sqlite_engine.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kAlarmsMax = 16;  // per batch

std::int64_t as_int(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<const Model> model,
                                             const std::filesystem::path& file,
                                             const core::Clock& clock, core::Logger& log,
                                             const EngineSettings& settings) {
  auto database = open_model_database(*model, file);
  if (!database) return database.error();
  auto engine =
      std::make_unique<SqliteEngine>(std::move(model), std::move(*database), clock, log, settings);
  SLUICE_TRY(engine->prepare());
  return std::unique_ptr<Engine>(std::move(engine));
}

SqliteEngine::SqliteEngine(std::shared_ptr<const Model> model, sqlite::Database database,
                           const core::Clock& clock, core::Logger& log,
                           const EngineSettings& settings)
    : model_(std::move(model)),
      database_(std::move(database)),
      clock_(clock),
      log_(log),
      settings_(settings) {
  gate_settings_.history = model_->history();
  gate_settings_.held_items_max = settings.held_items_max;
  gate_settings_.held_bytes_max = settings.held_bytes_max;
}

SqliteEngine::~SqliteEngine() = default;

Result<void> SqliteEngine::prepare() {
  const std::pair<sqlite::Statement*, const char*> all[] = {
      {&position_,
       "SELECT created, sequence, msg_id, next FROM _sluice_position"
       " WHERE hub_stream = ?1"},
      // A re-read does not take back how far the hub stream is known.
      {&save_position_,
       "INSERT INTO _sluice_position (hub_stream, created, sequence, msg_id, next)"
       " VALUES (?1, ?2, ?3, ?4, ?3 + 1) ON CONFLICT (hub_stream) DO UPDATE SET created = ?2,"
       " msg_id = CASE WHEN ?3 >= _sluice_position.sequence THEN ?4"
       " ELSE _sluice_position.msg_id END,"
       " sequence = max(?3, _sluice_position.sequence), next = ?3 + 1"},
      {&turn_back_, "UPDATE _sluice_position SET next = min(next, ?2) WHERE hub_stream = ?1"},
      {&totals_,
       "UPDATE _sluice_totals SET applied = applied + ?1, refused = refused + ?2,"
       " last_event_ns = max(last_event_ns, ?3), old_epoch = old_epoch + ?4"},
  };
  for (const auto& [statement, text] : all) {
    auto prepared = database_.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  const auto missing =
      database_.query_int("SELECT count(*) FROM _sluice_meta WHERE name = 'beginning_missing'");
  if (!missing) return missing.error();
  gate_settings_.beginning_missing = *missing != 0;
  auto store = SqliteGateStore::open(database_);
  if (!store) return store.error();
  store_ = std::move(*store);
  auto writer = TableWriter::open(*model_, database_);
  if (!writer) return writer.error();
  writer_ = std::move(*writer);
  auto parking = Parking::open(database_, settings_.parked_bytes_max);
  if (!parking) return parking.error();
  parking_ = std::move(*parking);
  return {};
}

template <class Work>
Result<BatchOutcome> SqliteEngine::batch(Work&& work) {
  outcome_ = {};
  refused_ = 0;
  last_event_ns_ = 0;
  now_ns_ = clock_.wall_ns();
  store_->trim_cache();
  auto transaction = sqlite::Transaction::begin(database_);
  if (!transaction) return transaction.error();
  Result<void> done = work();
  if (done) done = finish(*transaction);
  if (!done) {
    transaction->rollback();
    store_->forget();
    // If this fails too the medium is gone: the next batch finds out.
    (void)parking_->reload();
    return done.error();
  }
  return std::move(outcome_);
}

Result<void> SqliteEngine::finish(sqlite::Transaction& transaction) {
  SLUICE_TRY(store_->flush());
  if (outcome_.applied != 0 || refused_ != 0)
    SLUICE_TRY(totals_.bind(1, as_int(outcome_.applied))
                   .bind(2, as_int(refused_))
                   .bind(3, last_event_ns_)
                   .bind(4, as_int(outcome_.old_epoch))
                   .run());
  return transaction.commit();
}

Result<BatchOutcome> SqliteEngine::apply(const HubStream& hub, std::span<const Incoming> messages) {
  if (messages.empty()) return BatchOutcome{};
  SLUICE_TRY(check_life(hub));
  return batch([&]() -> Result<void> {
    for (const Incoming& message : messages) SLUICE_TRY(one(hub, message));
    SLUICE_TRY(save_position(hub, messages.back()));
    if (outcome_.reread_from)
      SLUICE_TRY(turn_back_.bind(1, std::string_view(hub.name))
                     .bind(2, as_int(*outcome_.reread_from))
                     .run());
    return {};
  });
}

Result<void> SqliteEngine::one(const HubStream& hub, const Incoming& message) {
  auto arrival = check_(message.subject, message.msg_id, message.body);
  if (!arrival) return refuse(hub, message, arrival.error().message);
  arrival->hub_stream = hub.name;
  arrival->hub_seq = message.hub_seq;
  arrival->now_ns = now_ns_;
  arrival->aside = message.aside;
  arrival->clock_ns = message.clock_ns;
  const auto answer = gate().offer(*arrival, *this);
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
  return count(*answer, hub);
}

Result<void> SqliteEngine::count(const Answer& answer, const HubStream& hub) {
  outcome_.absent += answer.absent;
  for (const Reread& reread : answer.reread) {
    if (reread.hub_stream == hub.name) {
      outcome_.reread_from =
          std::min(outcome_.reread_from.value_or(reread.hub_seq), reread.hub_seq);
    } else {
      SLUICE_TRY(turn_back_.bind(1, std::string_view(reread.hub_stream))
                     .bind(2, as_int(reread.hub_seq))
                     .run());
    }
  }
  return {};
}

Result<void> SqliteEngine::refuse(const HubStream& hub, const Incoming& message,
                                  const std::string& why) {
  const auto added = parking_->refuse(hub, message, why, now_ns_);
  if (!added) return added.error();
  ++outcome_.refused;
  if (!*added) return {};
  ++refused_;
  alarm("refused message " + std::to_string(message.hub_seq) + " of " + hub.name + ": " + why);
  return {};
}

void SqliteEngine::alarm(std::string text) {
  if (outcome_.alarms.size() < kAlarmsMax) outcome_.alarms.push_back(std::move(text));
}

Result<void> SqliteEngine::apply(const Applied& applied) {
  const core::EventView& event = applied.event;
  if (model_->wants(event.gateway, event.category, event.type)) {
    if (parking_->is_blocked(event))
      return park(event, applied.body, "behind", "an earlier event of its stream is parked",
                  applied.hub_seq, applied.clock_ns);
    const auto why = writer_->run(applied);
    if (!why) return why.error();
    if (!why->empty())
      return park(event, applied.body, "poison", *why, applied.hub_seq, applied.clock_ns);
  }
  ++outcome_.applied;
  if (applied.is_late) ++outcome_.old_epoch;
  last_event_ns_ = std::max(last_event_ns_, corrected(event.recorded.wall_ns, applied.clock_ns));
  return {};
}

Result<void> SqliteEngine::late(const core::EventView& event, std::string_view body,
                                std::uint64_t hub_seq) {
  const auto added = parking_->park(event, body, "late", "it came after its range was given up",
                                    hub_seq, now_ns_, 0);
  if (!added) return added.error();
  ++outcome_.late;
  if (*added)
    alarm("event " +
          core::Identity{std::string(event.gateway), event.epoch, event.lane, event.seq, 0}.text() +
          " came after it was given up: parked");
  return {};
}

Result<void> SqliteEngine::park(const core::EventView& event, std::string_view body,
                                std::string_view kind, const std::string& why,
                                std::uint64_t hub_seq, std::int64_t clock_ns) {
  const auto added = parking_->park(event, body, kind, why, hub_seq, now_ns_, clock_ns);
  if (!added) return added.error();
  ++outcome_.parked;
  if (kind == "poison")
    alarm("parked event " +
          core::Identity{std::string(event.gateway), event.epoch, event.lane, event.seq, 0}.text() +
          " of " + core::printable(event.stream().text()) + " and what follows it there: " + why);
  return {};
}

Result<BatchOutcome> SqliteEngine::caught_up(const HubStream& hub) {
  if (gate_settings_.history != History::kAvailable || !gate_settings_.beginning_missing)
    return BatchOutcome{};
  return batch([&]() -> Result<void> {
    const auto answer = gate().settle(*this);
    if (!answer) return answer.error();
    SLUICE_TRY(count(*answer, hub));
    if (outcome_.reread_from)
      SLUICE_TRY(turn_back_.bind(1, std::string_view(hub.name))
                     .bind(2, as_int(*outcome_.reread_from))
                     .run());
    return {};
  });
}

Result<BatchOutcome> SqliteEngine::skip(const RowRef& row, std::string_view reason) {
  if (!core::is_utf8(reason) || reason.empty() || reason.find('\0') != std::string_view::npos)
    return fail(Errc::kBadRequest, "a reason is needed", "reason");
  // An operator's word is not read again from the hub: it is synced.
  SLUICE_TRY(database_.exec("PRAGMA synchronous = FULL"));
  auto outcome = batch([&]() -> Result<void> {
    const auto answer = gate().skip(row, reason, *this);
    if (!answer) return answer.error();
    SLUICE_TRY(count(*answer, HubStream{}));
    auto audit = database_.prepare(
        "INSERT INTO _sluice_audit (at_ns, what, detail)"
        " VALUES (?1, 'holds skip', ?2)");
    if (!audit) return audit.error();
    const std::string detail = std::string(row.gateway) + " " + row.epoch.text() + " " +
                               std::string(core::lane_name(row.lane)) + " gave up " +
                               std::to_string(answer->absent) + ", applied " +
                               std::to_string(answer->applied) + ": " + std::string(reason);
    return audit->bind(1, now_ns_).bind(2, std::string_view(detail)).run();
  });
  SLUICE_TRY(database_.exec("PRAGMA synchronous = NORMAL"));
  return outcome;
}

}  // namespace sluice::projection
