// SPDX-License-Identifier: Apache-2.0
#include "projection/database/pg_sql.hpp"

#include <algorithm>

#include "core/hash.hpp"
#include "projection/database/sql_words.hpp"

namespace sluice::projection::pg_sql {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Where the piece that begins at `at` and holds no parameters ends; `at` itself if there is none.
std::size_t quoted_end(std::string_view sql, std::size_t at) {
  const auto behind = [&](std::size_t found, std::size_t size) {
    return found == std::string_view::npos ? sql.size() : found + size;
  };
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with("--")) return behind(sql.find('\n', at), 1);
  if (rest.starts_with("/*")) {
    int depth = 1;
    std::size_t i = at + 2;
    for (; i < sql.size() && depth > 0; ++i) {
      const std::string_view pair = sql.substr(i, 2);
      if (pair == "/*" || pair == "*/") {
        depth += pair == "/*" ? 1 : -1;
        ++i;
      }
    }
    return i;
  }
  if (rest[0] == '\'' || rest[0] == '"') {
    // Only E'...' knows a backslash; a doubled quote is two literals in a row.
    const bool escapes = rest[0] == '\'' && at > 0 && (sql[at - 1] | 0x20) == 'e' &&
                         (at < 2 || !is_name_char(sql[at - 2]));
    std::size_t i = at + 1;
    while (i < sql.size() && sql[i] != rest[0]) i += escapes && sql[i] == '\\' ? 2 : 1;
    return std::min(i + 1, sql.size());
  }
  if (rest[0] == '$' && (at == 0 || !is_name_char(sql[at - 1]))) {
    std::size_t i = at + 1;
    while (i < sql.size() && is_name_char(sql[i])) ++i;
    const bool tag = i < sql.size() && sql[i] == '$' && !is_digit(sql[at + 1]);
    if (tag) {
      const std::string_view mark = sql.substr(at, i + 1 - at);
      return behind(sql.find(mark, i + 1), mark.size());
    }
  }
  return at;
}

std::string_view array_type(Type type) {
  switch (type) {
    case Type::kText:
      return "text[]";
    case Type::kReal:
      return "double precision[]";
    case Type::kBool:
      return "boolean[]";
    case Type::kBytes:
      return "bytea[]";
    default:
      return "bigint[]";
  }
}

std::string names(const TableShape& shape, std::size_t from, std::size_t to,
                  const std::string& prefix = {}) {
  std::string out;
  for (std::size_t i = from; i < to; ++i)
    out += (i == from ? "" : ", ") + prefix + sql::quoted(shape.columns[i].name);
  return out;
}

// unnest($1::text[], ...) of the first `count` columns.
std::string arrays(const TableShape& shape, std::size_t count) {
  std::string out = "unnest(";
  for (std::size_t i = 0; i < count; ++i)
    out += (i == 0 ? "$" : ", $") + std::to_string(i + 1) +
           "::" + std::string(array_type(shape.columns[i].type));
  return out + ")";
}

// k1, k2 ...: names that no column of a model can hide.
std::string key_names(const TableShape& shape) {
  std::string out;
  for (std::size_t i = 0; i < shape.key; ++i) out += (i == 0 ? "k" : ", k") + std::to_string(i + 1);
  return out;
}

std::string same_key(const TableShape& shape) {
  std::string out;
  for (std::size_t i = 0; i < shape.key; ++i) {
    out += (i == 0 ? "t." : " AND t.") + sql::quoted(shape.columns[i].name) + " = k.k" +
           std::to_string(i + 1);
    // The table's order, or its index could not be used.
    if (shape.columns[i].type == Type::kText) out += " COLLATE \"C\"";
  }
  return out;
}

// Row by row through the index: for a plain join PostgreSQL reads the whole table, batch after
// batch, until it has some hundred thousand rows. OFFSET 0 keeps it from making one of this.
std::string of_each_key(const TableShape& shape, const std::string& what) {
  return " CROSS JOIN LATERAL (SELECT " + what + " FROM " + sql::quoted(shape.name) +
         " AS t WHERE " + same_key(shape) + " OFFSET 0) AS t";
}

}  // namespace

std::string numbered(std::string_view sql) {
  std::string out;
  for (std::size_t i = 0; i < sql.size();) {
    if (const std::size_t end = quoted_end(sql, i); end != i) {
      out += sql.substr(i, end - i);
      i = end;
    } else {
      const bool parameter = sql[i] == '?' && i + 1 < sql.size() && is_digit(sql[i + 1]);
      out += parameter ? '$' : sql[i];
      ++i;
    }
  }
  return out;
}

std::string load(const TableShape& shape) {
  const std::size_t all = shape.columns.size();
  return "SELECT k.n" + (shape.key == all ? "" : ", " + names(shape, shape.key, all, "t.")) +
         " FROM " + arrays(shape, shape.key) + " WITH ORDINALITY AS k(" + key_names(shape) +
         ", n)" + of_each_key(shape, "t.*");
}

std::string store(const TableShape& shape) {
  const std::size_t all = shape.columns.size();
  std::string changes;
  for (std::size_t i = shape.key; i < all; ++i) {
    const std::string name = sql::quoted(shape.columns[i].name);
    changes += (changes.empty() ? "" : ", ") + name + " = excluded." + name;
  }
  return "INSERT INTO " + sql::quoted(shape.name) + " (" + names(shape, 0, all) +
         ") SELECT * FROM " + arrays(shape, all) + " ON CONFLICT (" + names(shape, 0, shape.key) +
         ") DO " + (changes.empty() ? "NOTHING" : "UPDATE SET " + changes);
}

std::string erase(const TableShape& shape) {
  return "DELETE FROM " + sql::quoted(shape.name) +
         " WHERE ctid = ANY (ARRAY(SELECT t.place FROM " + arrays(shape, shape.key) + " AS k(" +
         key_names(shape) + ")" + of_each_key(shape, "t.ctid AS place") + "))";
}

std::int64_t lock_key(std::string_view schema, std::string_view name) {
  // A schema's name has no U+0000, so the two cannot run into each other.
  const std::string text = "sluice" + std::string(1, '\0') + std::string(schema) +
                           std::string(1, '\0') + std::string(name);
  const core::ChainHash hash = core::chain_next({}, text);
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | hash[i];
  return static_cast<std::int64_t>(out);
}

}  // namespace sluice::projection::pg_sql
