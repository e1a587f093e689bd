// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/version_book.hpp"

#include <algorithm>
#include <array>

#include "core/json.hpp"

namespace sluice::hub {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr std::int64_t kFormat = 1;
constexpr std::array kStates = {VersionState::kBuilding, VersionState::kServing,
                                VersionState::kKept, VersionState::kReturning};

std::optional<VersionState> parse_state(std::string_view word) {
  for (const VersionState state : kStates)
    if (version_state_word(state) == word) return state;
  return std::nullopt;
}

const json::value* member(const json::object& object, const char* key, json::kind kind) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->kind() == kind ? value : nullptr;
}

std::optional<VersionRecord> read_record(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto* id = member(object, "version", json::kind::string);
  const auto* state = member(object, "state", json::kind::string);
  const auto* since = member(object, "since_ns", json::kind::int64);
  const auto* reason = member(object, "reason", json::kind::string);
  if (id == nullptr || state == nullptr || since == nullptr || reason == nullptr)
    return std::nullopt;
  const auto parsed_id = VersionId::parse(std::string_view(id->get_string()));
  const auto parsed_state = parse_state(std::string_view(state->get_string()));
  if (!parsed_id || !parsed_state) return std::nullopt;
  VersionRecord out{*parsed_id, *parsed_state, since->get_int64(),
                    std::string(reason->get_string())};
  const auto* obstacle = member(object, "obstacle", json::kind::string);
  if (obstacle != nullptr) out.obstacle = obstacle->get_string();
  out.accepted = object.contains("accepted");
  out.refused = object.contains("refused");
  return out;
}

template <class Versions, class Wanted>
auto* latest(Versions& versions, const Wanted& wanted) {
  decltype(versions.data()) found = nullptr;
  for (auto& record : versions)
    if (wanted(record) && (found == nullptr || record.since_ns >= found->since_ns)) found = &record;
  return found;
}

}  // namespace

std::string_view version_state_word(VersionState state) {
  switch (state) {
    case VersionState::kBuilding:
      return "building";
    case VersionState::kServing:
      return "serving";
    case VersionState::kKept:
      return "kept";
    case VersionState::kReturning:
      return "returning";
  }
  return "kept";
}

const VersionRecord* VersionBook::find(const VersionId& id) const {
  return latest(versions, [&](const VersionRecord& record) { return record.id == id; });
}

VersionRecord* VersionBook::find(const VersionId& id) {
  return latest(versions, [&](const VersionRecord& record) { return record.id == id; });
}

const VersionRecord* VersionBook::serving() const {
  return latest(versions,
                [](const auto& record) { return record.state == VersionState::kServing; });
}

const VersionRecord* VersionBook::coming() const {
  return latest(versions, [](const auto& record) {
    return record.state == VersionState::kBuilding || record.state == VersionState::kReturning;
  });
}

const VersionRecord* VersionBook::previous() const {
  return latest(versions, [](const auto& record) { return record.state == VersionState::kKept; });
}

VersionId VersionBook::next(std::int64_t version) const {
  VersionId out{version, 1};
  for (const VersionRecord& record : versions)
    if (record.id.version == version)
      out.generation = std::max(out.generation, record.id.generation + 1);
  if (lost && lost->version == version)
    out.generation = std::max(out.generation, lost->generation + 1);
  return out;
}

void VersionBook::serve(const VersionId& id, std::int64_t now_ns) {
  for (VersionRecord& record : versions)
    if (record.state == VersionState::kServing && record.id != id)
      record = {record.id, VersionState::kKept, now_ns, {}};
  const VersionRecord* known = find(id);
  if (known != nullptr && known->state == VersionState::kServing) now_ns = known->since_ns;
  set(id, VersionState::kServing, now_ns, {});
}

void VersionBook::set(const VersionId& id, VersionState state, std::int64_t now_ns,
                      std::string reason) {
  taken = std::max(taken, id.version);
  if (VersionRecord* known = find(id))
    *known = {id, state, now_ns, std::move(reason)};
  else
    versions.push_back({id, state, now_ns, std::move(reason)});
}

void VersionBook::remove(const VersionId& id) {
  std::erase_if(versions, [&](const VersionRecord& record) { return record.id == id; });
}

void VersionBook::forget(const VersionId& id) {
  remove(id);
  const bool others =
      std::any_of(versions.begin(), versions.end(),
                  [&](const VersionRecord& record) { return record.id.version == id.version; });
  if (taken == id.version && !others) --taken;
}

std::vector<VersionId> VersionBook::surplus(std::size_t keep) const {
  std::vector<VersionRecord> kept;
  for (const VersionRecord& record : versions)
    if (record.state == VersionState::kKept) kept.push_back(record);
  std::sort(kept.begin(), kept.end(), [](const VersionRecord& a, const VersionRecord& b) {
    return a.since_ns != b.since_ns ? a.since_ns > b.since_ns : a.id > b.id;
  });
  std::vector<VersionId> out;
  for (std::size_t i = keep; i < kept.size(); ++i) out.push_back(kept[i].id);
  return out;
}

VersionBook reconcile(VersionBook book, bool known, const std::optional<VersionId>& serving,
                      const std::vector<VersionId>& there, std::int64_t now_ns) {
  const auto is_there = [&](const VersionId& id) {
    return std::find(there.begin(), there.end(), id) != there.end();
  };
  for (const VersionRecord& record : std::vector(book.versions)) {
    if (is_there(record.id)) continue;
    if (record.state == VersionState::kServing && !(serving && is_there(*serving)))
      book.lost = record.id;
    if (record.state == VersionState::kBuilding)
      book.forget(record.id);
    else
      book.remove(record.id);
  }
  if (!known) {
    for (const VersionId& id : there)
      if (book.find(id) == nullptr) book.set(id, VersionState::kKept, now_ns, {});
    if (!serving && !there.empty())
      book.serve(*std::max_element(there.begin(), there.end()), now_ns);
  }
  if (serving && is_there(*serving)) {
    const VersionRecord* said = book.serving();
    if (said == nullptr || said->id != *serving) book.serve(*serving, now_ns);
  } else if (known) {
    // Nobody is told of a version that is not to be found: it is as good as kept.
    for (VersionRecord& record : book.versions)
      if (record.state == VersionState::kServing) record.state = VersionState::kKept;
  }
  return book;
}

std::string write_book(const VersionBook& book) {
  json::array versions;
  for (const VersionRecord& record : book.versions) {
    json::object one{{"version", record.id.text()},
                     {"state", version_state_word(record.state)},
                     {"since_ns", record.since_ns},
                     {"reason", record.reason}};
    if (record.accepted) one["accepted"] = true;
    if (record.refused) one["refused"] = true;
    if (!record.obstacle.empty()) one["obstacle"] = record.obstacle;
    versions.push_back(std::move(one));
  }
  json::object out{{"format", kFormat}, {"taken", book.taken}, {"versions", std::move(versions)}};
  if (book.lost) out["lost"] = book.lost->text();
  return core::to_json(out);
}

Result<VersionBook> read_book(std::string_view text) {
  const auto bad = [] { return fail(Errc::kCorrupt, "it is not a list of versions"); };
  const auto parsed = core::parse_json(text);
  if (!parsed || !parsed->is_object()) return bad();
  const json::object& object = parsed->get_object();
  const auto* format = member(object, "format", json::kind::int64);
  const auto* taken = member(object, "taken", json::kind::int64);
  const auto* versions = member(object, "versions", json::kind::array);
  if (format == nullptr || taken == nullptr || versions == nullptr) return bad();
  if (format->get_int64() != kFormat)
    return fail(Errc::kUnsupported, "it has format " + std::to_string(format->get_int64()) +
                                        ", this program knows " + std::to_string(kFormat));
  VersionBook out;
  out.taken = taken->get_int64();
  if (const auto* lost = member(object, "lost", json::kind::string))
    if (const auto id = VersionId::parse(std::string_view(lost->get_string()))) out.lost = *id;
  for (const json::value& value : versions->get_array()) {
    auto record = read_record(value);
    if (!record || out.find(record->id) != nullptr) return bad();
    out.versions.push_back(std::move(*record));
  }
  return out;
}

}  // namespace sluice::hub
