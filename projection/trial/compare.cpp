// SPDX-License-Identifier: Apache-2.0
#include "projection/trial/compare.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/text.hpp"
#include "projection/model/words.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kRowsMax = 10'000;
constexpr std::chrono::seconds kDeadline(30);

using Row = std::vector<Cell>;

bool equal(const TrialCell& want, const Cell& have, std::optional<Type> type) {
  if (std::holds_alternative<std::monostate>(want))
    return std::holds_alternative<std::monostate>(have);
  const auto* whole = std::get_if<std::int64_t>(&have);
  const auto* real = std::get_if<double>(&have);
  if (const auto* v = std::get_if<bool>(&want)) return whole != nullptr && (*whole != 0) == *v;
  if (const auto* v = std::get_if<std::int64_t>(&want))
    return (whole != nullptr && *whole == *v) ||
           (real != nullptr && *real == static_cast<double>(*v));
  // What a view computes may be whole in one database and a real in the other.
  if (const auto* v = std::get_if<double>(&want))
    return (real != nullptr && *real == *v) ||
           (whole != nullptr && static_cast<double>(*whole) == *v);
  if (const auto* v = std::get_if<std::string>(&want)) {
    const auto cell = parse_cell(type.value_or(Type::kText), *v);
    return cell && *cell == have;
  }
  const auto* text = std::get_if<std::string>(&have);
  if (text == nullptr) return false;
  const auto a = core::parse_json(std::get<TrialJson>(want).text);
  const auto b = core::parse_json(*text);
  return a && b && *a == *b;
}

// How a value of this type is written in a test; nullptr if `want` is. What a view computes has no
// type that is known.
const char* unlike(const TrialCell& want, std::optional<Type> type) {
  const bool whole = std::holds_alternative<std::int64_t>(want);
  const bool text = std::holds_alternative<std::string>(want);
  if (!type || std::holds_alternative<std::monostate>(want)) return nullptr;
  switch (*type) {
    case Type::kInt:
      return whole ? nullptr : "an int: write a whole number, as 7";
    case Type::kReal:
      return whole || std::holds_alternative<double>(want) ? nullptr
                                                           : "a real: write a number, as 7.5";
    case Type::kBool:
      return std::holds_alternative<bool>(want) ? nullptr : "a bool: write true or false";
    case Type::kTime:
      return whole || text ? nullptr : "a time: write one, as 2026-11-21T03:00:00Z";
    case Type::kText:
      return text ? nullptr : "a text: write it in quotes, as \"7\"";
    case Type::kBytes:
      return text ? nullptr : "of bytes: write base64 in quotes";
    case Type::kList:
      return std::holds_alternative<TrialJson>(want) ? nullptr : "a list: write one, as [7, 8]";
  }
  return nullptr;
}

std::string shown(const Cell& cell, std::optional<Type> type) {
  if (const auto* v = std::get_if<std::int64_t>(&cell)) {
    if (type == Type::kTime) return core::format_time(*v);
    if (type == Type::kBool) return *v != 0 ? "true" : "false";
  }
  if (const auto* v = std::get_if<std::string>(&cell); v != nullptr && type == Type::kList)
    return *v;
  if (const auto* v = std::get_if<Bytes>(&cell)) return core::to_base64(v->value);
  return std::holds_alternative<std::monostate>(cell) ? "NULL" : constant_text(cell);
}

std::string shown(const TrialCell& cell) {
  if (const auto* v = std::get_if<bool>(&cell)) return *v ? "true" : "false";
  if (const auto* v = std::get_if<std::int64_t>(&cell)) return std::to_string(*v);
  if (const auto* v = std::get_if<double>(&cell)) return constant_text(Cell(*v));
  if (const auto* v = std::get_if<std::string>(&cell)) return "\"" + *v + "\"";
  if (const auto* v = std::get_if<TrialJson>(&cell)) return v->text;
  return "NULL";
}

class Comparison {
 public:
  Comparison(const TrialTable& expected, const QueryPage& page, std::vector<std::string>& out)
      : expected_(expected), page_(page), out_(out), taken_(page.rows.size(), false) {}

  void run() {
    for (const TrialRow& row : expected_.rows) {
      if (!names_are_known(row) || !types_fit(row)) continue;
      const auto found = find(row);
      if (!found) {
        out_.push_back(at(row) + "a row with " + named(row) + " is missing");
        continue;
      }
      taken_[*found] = true;
      cells(row, page_.rows[*found]);
    }
    if (!expected_.all) return;
    for (std::size_t i = 0; i < taken_.size(); ++i)
      if (!taken_[i])
        out_.push_back("table " + expected_.name + ": the row " + key(page_.rows[i]) +
                       " is not expected");
  }

 private:
  std::string at(const TrialRow& row) const {
    return "line " + std::to_string(row.where.line) + ": table " + expected_.name + ": ";
  }

  std::optional<std::size_t> column(const std::string& name) const {
    for (std::size_t i = 0; i < page_.columns.size(); ++i)
      if (page_.columns[i].name == name) return i;
    return std::nullopt;
  }

  bool names_are_known(const TrialRow& row) {
    for (const auto& [name, cell] : row.cells)
      if (!column(name)) {
        out_.push_back(at(row) + "there is no column " + core::printable(name));
        return false;
      }
    return true;
  }

  bool types_fit(const TrialRow& row) {
    bool fit = true;
    for (const auto& [name, cell] : row.cells) {
      const char* how = unlike(cell, page_.columns[*column(name)].type);
      if (how == nullptr) continue;
      out_.push_back(at(row) + "column " + name + " is " + how + ", not " + shown(cell));
      fit = false;
    }
    return fit;
  }

  std::optional<std::size_t> find(const TrialRow& row) const {
    std::optional<std::size_t> best;
    std::size_t best_equal = 0;
    for (std::size_t i = 0; i < page_.rows.size(); ++i) {
      if (taken_[i]) continue;
      std::size_t same = 0;
      bool key_fits = true;
      for (const auto& [name, cell] : row.cells) {
        const std::size_t c = *column(name);
        const bool fits = equal(cell, page_.rows[i][c], page_.columns[c].type);
        same += fits ? 1 : 0;
        key_fits = key_fits && (fits || !page_.columns[c].key);
      }
      if (key_fits && (!best || same > best_equal)) {
        best = i;
        best_equal = same;
      }
    }
    return best;
  }

  void cells(const TrialRow& row, const Row& found) {
    for (const auto& [name, cell] : row.cells) {
      const std::size_t c = *column(name);
      if (!equal(cell, found[c], page_.columns[c].type))
        out_.push_back(at(row) + "row " + key(found) + ", column " + name + ": expected " +
                       shown(cell) + ", found " + shown(found[c], page_.columns[c].type));
    }
  }

  static std::string named(const TrialRow& row) {
    std::string out;
    for (const auto& [name, cell] : row.cells)
      out += (out.empty() ? "" : " ") + name + "=" + shown(cell);
    return out;
  }

  std::string key(const Row& row) const {
    const bool any = std::any_of(page_.columns.begin(), page_.columns.end(),
                                 [](const QueryColumn& column) { return column.key; });
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i)
      if (!any || page_.columns[i].key)
        out += (out.empty() ? "" : " ") + page_.columns[i].name + "=" +
               shown(row[i], page_.columns[i].type);
    return out;
  }

  const TrialTable& expected_;
  const QueryPage& page_;
  std::vector<std::string>& out_;
  std::vector<bool> taken_;
};

}  // namespace

core::Result<void> compare_table(Query& query, const Model& model, const TrialTable& expected,
                                 std::vector<std::string>& out) {
  const auto tables = query_tables(model);
  if (std::none_of(tables.begin(), tables.end(),
                   [&](const QueryTable& table) { return table.name == expected.name; })) {
    out.push_back("line " + std::to_string(expected.where.line) +
                  ": the model has no table or view " + core::printable(expected.name));
    return {};
  }
  QueryRequest request;
  request.table = expected.name;
  request.limit = kRowsMax;
  const auto page = query.run(request, kDeadline);
  if (!page) return page.error();
  Comparison(expected, *page, out).run();
  return {};
}

}  // namespace sluice::projection
