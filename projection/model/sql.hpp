// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "projection/database/sql_words.hpp"
#include "projection/model/model.hpp"
#include "projection/value/place.hpp"

// From the model's tables to SQL. Names were checked by the model's parser and are quoted;
// values are bound, never written into the text. Pure; any thread.
namespace sluice::projection::sql {

// `table` is one of the model's. SQLite: STRICT, WITHOUT ROWID, so that an int64 cannot become a
// real. What SQL of the user's own may change has CHECKs, so that the event parks that would bring
// a value outside the domain (text that is no UTF-8 aside, which SQLite cannot tell).
std::string create_table(const Model& model, const Table& table, Dialect dialect);
std::string create_view(const View& view, Dialect dialect);

// Names of the hidden columns that remember the winner of a `latest` group.
std::string latest_at(std::size_t group);
std::string latest_by(std::size_t group);

// Names of the hidden columns that remember which epoch (GateRow::order) a value is of, so that an
// event of an older one, which comes late, does not take its place: of the row, where rules delete
// it; of a column that is set; of a `latest` group. Only in tables whose rows belong to one
// gateway.
std::vector<std::string> order_columns(const Table& table);
inline constexpr std::string_view kRowOrder = "_sluice_order";
std::string set_order(std::size_t column);
std::string latest_order(std::size_t group);
inline constexpr std::string_view kHiddenPrefix = "_sluice_";
// The engine's own table for windows with a bound.
inline constexpr std::string_view kWatermarks = "_sluice_watermark";
std::string create_watermarks(Dialect dialect);
// The hidden column behind a list: its values with their times.
std::string list_column(std::size_t column);

}  // namespace sluice::projection::sql
