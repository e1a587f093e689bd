// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "core/codec/event_codec.hpp"
#include "storage/lane_log.hpp"

// Decides what a group of appends does: who is a duplicate, who meets the expected version, which
// seq and version each event gets. In memory only; lane_commit.cpp writes what was staged.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

namespace {

Result<void> check_expected(const Expected& expected, std::uint64_t version,
                            std::string_view stream) {
  bool met = true;
  std::string wanted;
  switch (expected.kind) {
    case Expected::Kind::kAny:
      return {};
    case Expected::Kind::kNone:
      met = version == 0;
      wanted = "no stream " + std::string(stream);
      break;
    case Expected::Kind::kExists:
      met = version > 0;
      wanted = "an existing stream " + std::string(stream);
      break;
    case Expected::Kind::kExact:
      met = version == expected.version;
      wanted = "version " + std::to_string(expected.version) + " of " + std::string(stream);
      break;
  }
  if (met) return {};
  core::Error error =
      fail(Errc::kVersionConflict, "expected " + wanted + ", it is at " + std::to_string(version),
           "expect");
  error.current = static_cast<std::int64_t>(version);
  return error;
}

bool repeats_an_id(const AppendRequest& request) {
  std::vector<core::Uuid> ids;
  for (const NewEvent& event : request.events)
    if (event.id) ids.push_back(*event.id);
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) != ids.end();
}

}  // namespace

LaneLog::Outcome LaneLog::stage(const PendingAppend& append, const LaneWork& work) {
  auto known = find_known(append.request);
  if (!known) return known.error();
  if (*known) return std::move(**known);
  if (refusing_) return *refusing_;
  if (work.refuse_new && !append.request.own)
    return fail(Errc::kLimit, "the disk has less free room than [log] disk_hard");
  const std::uint64_t quota = context_.settings.lanes[core::index(lane_)].quota_bytes;
  if (state_.bytes >= quota)
    return fail(Errc::kLimit, "lane " + std::string(core::lane_name(lane_)) + " holds " +
                                  std::to_string(state_.bytes) + " bytes, its quota is " +
                                  std::to_string(quota));
  const std::size_t mark = staged_.size();
  {
    const std::unique_lock lock(mutex_);
    for (const NewEvent& event : append.request.events) {
      auto staged = stage_event(event);
      if (staged) continue;
      take_back(mark);
      return std::move(staged).error();
    }
  }
  std::vector<Appended> positions;
  positions.reserve(append.request.events.size());
  for (std::size_t i = 0; i < append.request.events.size(); ++i) {
    Staged& staged = staged_[mark + i];
    encode(append.request.events[i], append, work.trusted_clock, staged);
    positions.push_back(
        {context_.epoch, lane_, last_ + mark + i + 1, staged.version, staged.id, false});
    note_category(append.request.events[i].stream.category);
  }
  return positions;
}

Result<std::optional<std::vector<Appended>>> LaneLog::find_known(const AppendRequest& request) {
  using Found = std::optional<std::vector<Appended>>;
  std::vector<Appended> known;
  std::size_t with_id = 0;
  if (request.events.size() > 1 && repeats_an_id(request))
    return fail(Errc::kIdConflict, "two events of one append have the same id", "id");
  for (const NewEvent& event : request.events) {
    if (!event.id) continue;
    ++with_id;
    const auto seq = find_id(*event.id);
    if (!seq) return seq.error();
    if (!*seq) continue;
    Appended position;
    const auto same = same_content(**seq, event, position);
    if (!same) return same.error();
    if (request.again && *same && position.epoch == *request.again) continue;
    if (!*same)
      return fail(Errc::kIdConflict,
                  "the id " + event.id->text() + " is known with other content, at seq " +
                      std::to_string(**seq),
                  "id");
    known.push_back(position);
  }
  if (known.empty()) return Found();
  if (known.size() != request.events.size())
    return fail(Errc::kIdConflict,
                "of the append's " + std::to_string(request.events.size()) + " events, " +
                    std::to_string(known.size()) + " are known and the others are not",
                "id");
  return Found(std::move(known));
}

Result<std::optional<Seq>> LaneLog::find_id(const core::Uuid& id) {
  bank_.look_up(id, mask_);
  for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment) {
    if (segment->index) {
      if (const auto seq = segment->index->find(id)) return seq;
      continue;
    }
    if (segment->known_ids) {
      const auto known = segment->known_ids->find(id);
      if (known != segment->known_ids->end()) return std::optional<Seq>(known->second);
      continue;
    }
    if (segment->column && !mask_.has(*segment->column)) continue;
    if (!segment->filter || !segment->filter->may_hold(id)) continue;
    const auto reader = lookups_.get(segment->path);
    if (!reader) return reader.error();
    const auto seq = (*reader)->find_id(id);
    if (!seq || *seq) return seq;
  }
  return std::optional<Seq>();
}

Result<bool> LaneLog::same_content(Seq seq, const NewEvent& event, Appended& position) {
  const auto body = body_of(seq);
  if (!body) return body.error();
  const auto stored = codec::decode_trusted(*body);
  if (!stored) return stored.error();
  position = {stored->epoch, lane_, seq, stored->version, stored->id, true};
  return stored->category == event.stream.category && stored->entity == event.stream.entity &&
         stored->type == event.type && stored->data == event.data &&
         stored->occurred_at_ns == event.occurred_at_ns;
}

Result<std::string> LaneLog::body_of(Seq seq) {
  if (seq > last_) {
    const Staged& staged = staged_[seq - last_ - 1];
    return bodies_.substr(staged.body_at, staged.body_size);
  }
  const auto reader = lookups_.get(newest_holding(seq));
  if (!reader) return reader.error();
  auto record = (*reader)->read_one(seq);
  if (!record) return record.error();
  if (!*record)
    return fail(Errc::kCorrupt, "the event with seq " + std::to_string(seq) + " is missing");
  return std::move((*record)->body);
}

Result<void> LaneLog::stage_event(const NewEvent& event) {
  name_.assign(event.stream.category).append("/").append(event.stream.entity);
  const StreamTable::Index known = streams_.find(name_);
  const std::uint64_t version = known == StreamTable::kNone ? 0 : streams_.version(known);
  SLUICE_TRY(check_expected(event.expected, version, name_));
  if (version == 0 && event.stream.category != core::kReservedCategory &&
      streams_.live() >= static_cast<std::size_t>(context_.settings.streams_max))
    return fail(Errc::kLimit,
                "lane " + std::string(core::lane_name(lane_)) + " has " +
                    std::to_string(streams_.live()) + " streams, the limit is [log] streams_max",
                "stream");
  Staged staged;
  staged.stream = streams_.find_or_add(name_);
  staged.version = version + 1;
  staged.id = event.id ? *event.id : context_.ids->next(context_.clock->wall_ns());
  streams_.set_version(staged.stream, staged.version);
  segments_.back().index->push(staged.id, staged.stream);
  staged_.push_back(staged);
  return {};
}

void LaneLog::encode(const NewEvent& event, const PendingAppend& append, bool trusted,
                     Staged& staged) {
  core::EventView view;
  view.gateway = context_.gateway;
  view.epoch = context_.epoch;
  view.lane = lane_;
  view.seq = last_ + static_cast<Seq>(&staged - staged_.data()) + 1;
  view.category = event.stream.category;
  view.entity = event.stream.entity;
  view.version = staged.version;
  view.occurred_at_ns = event.occurred_at_ns;
  view.recorded = {append.wall_ns, context_.clock->boot(), append.monotonic_ns, trusted};
  view.id = staged.id;
  view.type = event.type;
  view.data = event.data;
  codec::encode_event(view, scratch_);
  staged.body_at = bodies_.size();
  staged.body_size = static_cast<std::uint32_t>(scratch_.size());
  staged.crc = core::crc32c(scratch_);
  staged_chain_ = core::chain_next(staged_chain_, scratch_);
  bodies_.append(scratch_);
}

void LaneLog::note_category(const std::string& category) {
  if (category == core::kReservedCategory || !book_.categories.insert(category).second) return;
  new_categories_.push_back(category);
}

void LaneLog::take_back(std::size_t keep) {
  for (std::size_t i = staged_.size(); i-- > keep;) {
    streams_.set_version(staged_[i].stream, staged_[i].version - 1);
    segments_.back().index->pop();
  }
  staged_.resize(keep);
}

void LaneLog::apply_again() {
  for (const Staged& staged : staged_) {
    streams_.set_version(staged.stream, staged.version);
    segments_.back().index->push(staged.id, staged.stream);
  }
}

}  // namespace sluice::storage
