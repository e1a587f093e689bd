// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/parking.hpp"

#include "core/text.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

std::string stream_key(std::string_view gateway, std::string_view category,
                       std::string_view entity) {
  std::string out(gateway);
  out += '/';
  out += category;
  out += '/';
  out += entity;
  return out;
}

}  // namespace

Result<std::unique_ptr<Parking>> Parking::open(Target& target, std::uint64_t bytes_max) {
  std::unique_ptr<Parking> parking(new Parking(target, bytes_max));
  SLUICE_TRY(parking->prepare());
  SLUICE_TRY(parking->reload());
  return parking;
}

Result<void> Parking::prepare() {
  return prepare_all(
      target_, {
                   {&park_,
                    "INSERT INTO _sluice_parked (gateway, lane, epoch, seq, category, entity, "
                    "type, kind, why,"
                    " hub_seq, parked_ns, body, clock_ns)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
                    " ON CONFLICT (gateway, lane, epoch, seq) DO NOTHING"},
                   {&refuse_,
                    "INSERT INTO _sluice_refused (hub_stream, hub_seq, subject, msg_id, why, at_ns)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING"},
                   // The alarm and the count stay; the list keeps the newest thousand.
                   {&trim_refused_,
                    "DELETE FROM _sluice_refused WHERE id <= (SELECT max(id) FROM"
                    " _sluice_refused) - 1000"},
               });
}

Result<void> Parking::reload() {
  blocked_.clear();
  const auto bytes = query_int(
      target_, "SELECT CAST(coalesce(sum(length(body)), 0) AS BIGINT) FROM _sluice_parked");
  if (!bytes) return bytes.error();
  bytes_ = static_cast<std::uint64_t>(*bytes);
  auto streams = target_.prepare(
      "SELECT DISTINCT gateway, category, entity FROM _sluice_parked WHERE kind <> 'late'");
  if (!streams) return streams.error();
  return each_row(**streams, [&](const Statement& row) -> Result<void> {
    blocked_.insert(stream_key(row.text(0), row.text(1), row.text(2)));
    return {};
  });
}

bool Parking::is_blocked(const core::EventView& event) const {
  return !blocked_.empty() &&
         blocked_.contains(stream_key(event.gateway, event.category, event.entity));
}

Result<bool> Parking::park(const core::EventView& event, std::string_view body,
                           std::string_view kind, std::string_view why, std::uint64_t hub_seq,
                           std::int64_t now_ns, std::int64_t clock_ns) {
  if (bytes_ + body.size() > bytes_max_)
    return fail(Errc::kLimit, "the parked events of the model fill their " +
                                  std::to_string(bytes_max_) + " bytes; it stands still");
  const std::string epoch = event.epoch.text();
  park_->bind(1, event.gateway).bind(2, static_cast<std::int64_t>(event.lane));
  park_->bind(3, std::string_view(epoch)).bind(4, static_cast<std::int64_t>(event.seq));
  park_->bind(5, event.category).bind(6, event.entity).bind(7, event.type).bind(8, kind);
  park_->bind(9, why).bind(10, static_cast<std::int64_t>(hub_seq)).bind(11, now_ns);
  park_->bind_blob(12, body).bind(13, clock_ns);
  const auto changed = park_->run();
  if (!changed) return changed.error();
  const bool added = *changed != 0;
  if (added) bytes_ += body.size();
  if (kind != "late") blocked_.insert(stream_key(event.gateway, event.category, event.entity));
  return added;
}

Result<bool> Parking::refuse(const HubStream& hub, const Incoming& message, std::string_view why,
                             std::int64_t now_ns) {
  const std::string subject = core::printable(message.subject);
  const std::string msg_id = core::printable(message.msg_id);
  refuse_->bind(1, std::string_view(hub.name)).bind(2, static_cast<std::int64_t>(message.hub_seq));
  refuse_->bind(3, std::string_view(subject)).bind(4, std::string_view(msg_id));
  refuse_->bind(5, why).bind(6, now_ns);
  const auto changed = refuse_->run();
  if (!changed) return changed.error();
  if (*changed == 0) return false;
  SLUICE_TRY(trim_refused_->post());
  return true;
}

Result<std::vector<ParkedEvent>> Parking::list(std::size_t limit) {
  auto rows = target_.prepare(
      "SELECT gateway, epoch, lane, seq, category || '/' || entity, type, kind, why, hub_seq,"
      " parked_ns, body FROM _sluice_parked ORDER BY id LIMIT ?1");
  if (!rows) return rows.error();
  (*rows)->bind(1, static_cast<std::int64_t>(limit));
  std::vector<ParkedEvent> out;
  SLUICE_TRY(each_row(**rows, [&](const Statement& row) -> Result<void> {
    const auto epoch = core::Epoch::parse(row.text(1));
    if (!epoch) return epoch.error();
    out.push_back({std::string(row.text(0)), *epoch, static_cast<core::Lane>(row.integer(2)),
                   static_cast<core::Seq>(row.integer(3)), std::string(row.text(4)),
                   std::string(row.text(5)), std::string(row.text(6)), std::string(row.text(7)),
                   static_cast<std::uint64_t>(row.integer(8)), row.integer(9),
                   std::string(row.text(10))});
    return {};
  }));
  return out;
}

}  // namespace sluice::projection
