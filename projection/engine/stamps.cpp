// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/stamps.hpp"

#include <algorithm>

#include "projection/database/sql_words.hpp"

namespace sluice::projection {

using core::Result;

std::uint64_t state_of(std::span<const Stamp> stamps, std::string_view table) {
  std::uint64_t state = 0;
  for (const Stamp& stamp : stamps)
    if (stamp.table == table) state += static_cast<std::uint64_t>(stamp.value);
  return state;
}

std::uint64_t state_of(std::span<const Stamp> stamps) {
  std::uint64_t state = 0;
  for (const Stamp& stamp : stamps) state += static_cast<std::uint64_t>(stamp.value);
  return state;
}

std::set<std::string> changed_by_others(std::span<const Stamp> before, std::span<const Stamp> now,
                                        std::int64_t writer) {
  std::set<std::string> out;
  for (const Stamp& stamp : now) {
    const bool is_ours = stamp.writer == writer && !stamp.hub_stream.empty();
    if (!is_ours && std::find(before.begin(), before.end(), stamp) == before.end())
      out.insert(stamp.table);
  }
  return out;
}

Result<StampReader> StampReader::prepare(Target& target, std::string_view schema) {
  StampReader out;
  const std::string in = schema.empty() ? "" : sql::quoted(schema) + ".";
  SLUICE_TRY(prepare_all(target, {{&out.all_, "SELECT hub_stream, table_name, writer, stamp FROM " +
                                                  in + "_sluice_changed"}}));
  return out;
}

Result<std::vector<Stamp>> StampReader::read() {
  std::vector<Stamp> out;
  SLUICE_TRY(each_row(*all_, [&](const Statement& row) -> Result<void> {
    out.push_back(
        {std::string(row.text(0)), std::string(row.text(1)), row.integer(2), row.integer(3)});
    return {};
  }));
  return out;
}

Result<StampWriter> StampWriter::prepare(Target& target) {
  StampWriter out;
  out.writer_ = static_cast<std::int64_t>(out.random_.next());
  SLUICE_TRY(prepare_all(
      target, {{&out.save_,
                "INSERT INTO _sluice_changed (hub_stream, table_name, writer, stamp)"
                " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (hub_stream, table_name) DO UPDATE SET"
                " writer = excluded.writer, stamp = excluded.stamp"}}));
  return out;
}

Result<void> StampWriter::write(std::string_view hub_stream) {
  for (const std::string& table : changed_)
    SLUICE_TRY(save_->bind(1, hub_stream)
                   .bind(2, std::string_view(table))
                   .bind(3, writer_)
                   .bind(4, static_cast<std::int64_t>(random_.next()))
                   .post());
  return {};
}

}  // namespace sluice::projection
