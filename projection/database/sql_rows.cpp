// SPDX-License-Identifier: Apache-2.0
#include "projection/database/sql_rows.hpp"

#include "projection/database/sql_words.hpp"

namespace sluice::projection::sql {
namespace {

std::string names(const TableShape& shape, std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t i = from; i < to; ++i)
    out += (i == from ? "" : ", ") + sql::quoted(shape.columns[i].name);
  return out;
}

std::string where_key(const TableShape& shape) {
  std::string out;
  for (std::size_t i = 0; i < shape.key; ++i)
    out += (i == 0 ? " WHERE " : " AND ") + sql::quoted(shape.columns[i].name) + " = ?" +
           std::to_string(i + 1);
  return out;
}

}  // namespace

std::string load(const TableShape& shape) {
  const std::size_t all = shape.columns.size();
  return "SELECT " + (shape.key == all ? std::string("1") : names(shape, shape.key, all)) +
         " FROM " + sql::quoted(shape.name) + where_key(shape);
}

std::string store(const TableShape& shape) {
  const std::size_t all = shape.columns.size();
  std::string values;
  std::string changes;
  for (std::size_t i = 0; i < all; ++i) {
    values += (i == 0 ? "?" : ", ?") + std::to_string(i + 1);
    const std::string name = sql::quoted(shape.columns[i].name);
    if (i >= shape.key) changes += (changes.empty() ? "" : ", ") + name + " = excluded." + name;
  }
  return "INSERT INTO " + sql::quoted(shape.name) + " (" + names(shape, 0, all) + ") VALUES (" +
         values + ") ON CONFLICT (" + names(shape, 0, shape.key) + ") DO " +
         (changes.empty() ? "NOTHING" : "UPDATE SET " + changes);
}

std::string erase(const TableShape& shape) {
  return "DELETE FROM " + sql::quoted(shape.name) + where_key(shape);
}

}  // namespace sluice::projection::sql
