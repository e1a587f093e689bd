// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/rows.hpp"

#include <algorithm>
#include <bit>

#include "projection/database/sql_words.hpp"
#include "projection/value/arithmetic.hpp"

namespace sluice::projection {
namespace {

using core::Result;

std::size_t mix(std::size_t hash, std::size_t more) {
  return (std::rotl(hash, 23) ^ more) * 0x9e3779b97f4a7c15u;
}

std::size_t hash_of(std::span<const Value> key) {
  std::size_t hash = 0;
  for (const Value& value : key) {
    switch (value.kind) {
      case Value::Kind::kInt:
        hash = mix(hash, static_cast<std::size_t>(value.integer));
        break;
      case Value::Kind::kReal:
        hash = mix(hash, std::bit_cast<std::uint64_t>(value.real));
        break;
      default:
        hash = mix(hash, std::hash<std::string_view>{}(value.text));
    }
  }
  return hash;
}

bool equal(const Cell& cell, const Value& value) {
  const Value known = view_of(cell);
  return known.kind == value.kind && known.integer == value.integer && known.real == value.real &&
         known.text == value.text;
}

// As `cell = cell_of(value)`, but keeps the memory of a text.
void assign(Cell& cell, const Value& value) {
  switch (value.kind) {
    case Value::Kind::kInt:
      cell = value.integer;
      return;
    case Value::Kind::kReal:
      cell = value.real;
      return;
    case Value::Kind::kText:
      if (auto* text = std::get_if<std::string>(&cell))
        text->assign(value.text);
      else
        cell.emplace<std::string>(value.text);
      return;
    case Value::Kind::kBytes:
      if (auto* bytes = std::get_if<Bytes>(&cell))
        bytes->value.assign(value.text);
      else
        cell.emplace<Bytes>(Bytes{std::string(value.text)});
      return;
    default:
      cell = std::monostate{};
  }
}

// In the order of the table's key, neighbours are written to one page while it is at hand; and two
// writers never wait for each other crosswise.
bool is_before(const Cell* a, const Cell* b, std::size_t key) {
  for (std::size_t i = 0; i < key; ++i) {
    if (const auto* left = std::get_if<std::string>(&a[i])) {
      const int order = left->compare(*std::get_if<std::string>(&b[i]));
      if (order != 0) return order < 0;
      continue;
    }
    const Value left = view_of(a[i]);
    const Value right = view_of(b[i]);
    if (is_less(left, right)) return true;
    if (is_less(right, left)) return false;
  }
  return false;
}

std::size_t weight(const Row& row) {
  std::size_t bytes = sizeof(Row) + 2 * sizeof(void*) + row.cells.size() * sizeof(Cell);
  for (const Cell& cell : row.cells)
    if (const auto* text = std::get_if<std::string>(&cell))
      bytes += text->capacity();
    else if (const auto* blob = std::get_if<Bytes>(&cell))
      bytes += blob->value.capacity();
  return bytes;
}

}  // namespace

bool Rows::Equal::operator()(const Key& key, const std::unique_ptr<Row>& row) const noexcept {
  if (key.hash != row->hash) return false;
  for (std::size_t i = 0; i < key.values.size(); ++i)
    if (!equal(row->cells[i], key.values[i])) return false;
  return true;
}

Result<std::unique_ptr<Rows>> Rows::open(Target& target, std::vector<TableShape> shapes) {
  auto rows = std::make_unique<Rows>();
  for (TableShape& shape : shapes) {
    auto store = target.rows(shape);
    if (!store) return store.error();
    TableRows& table = rows->tables_.emplace_back();
    table.shape = std::move(shape);
    table.store = std::move(*store);
    if (target.dialect() == Dialect::kSqlite)
      SLUICE_TRY(prepare_all(target, {{&table.is_empty, "SELECT NOT EXISTS (SELECT 1 FROM " +
                                                            sql::quoted(table.shape.name) + ")"}}));
  }
  return rows;
}

Row* Rows::add(TableRows& table, const Key& key) {
  auto row = std::make_unique<Row>();
  row->cells.resize(table.shape.columns.size());
  for (std::size_t i = 0; i < key.values.size(); ++i) row->cells[i] = cell_of(key.values[i]);
  row->table = static_cast<std::uint32_t>(&table - tables_.data());
  row->hash = key.hash;
  row->used = batch_;
  Row* out = row.get();
  table.rows.insert(std::move(row));
  table.wanted.push_back(out);
  return out;
}

Result<Row*> Rows::find(std::size_t index, std::span<const Value> values) {
  TableRows& table = tables_[index];
  const Key key{hash_of(values), values};
  const auto known = table.rows.find(key);
  if (known != table.rows.end() && (*known)->loaded) {
    (*known)->used = batch_;
    return known->get();
  }
  Row* row = known != table.rows.end() ? known->get() : add(table, key);
  SLUICE_TRY(load(table));
  return row;
}

void Rows::remember(std::size_t index, std::span<const Value> values) {
  TableRows& table = tables_[index];
  const Key key{hash_of(values), values};
  const auto known = table.rows.find(key);
  if (known == table.rows.end())
    add(table, key);
  else
    (*known)->used = batch_;
}

Result<void> Rows::load() {
  for (TableRows& table : tables_) SLUICE_TRY(load(table));
  return {};
}

Result<void> Rows::load(TableRows& table) {
  SLUICE_TRY(leave_out_new(table));
  if (table.wanted.empty()) return {};
  loading_.clear();
  for (Row* row : table.wanted) loading_.push_back(row->cells.data());
  SLUICE_TRY(table.store->load(loading_, found_));
  for (std::size_t i = 0; i < table.wanted.size(); ++i) {
    Row& row = *table.wanted[i];
    row.exists = row.stored = found_[i];
    row.loaded = true;
    weigh(row);
  }
  table.wanted.clear();
  return {};
}

// Of the wanted rows those that the database cannot have.
Result<void> Rows::leave_out_new(TableRows& table) {
  if (table.is_empty == nullptr || table.wanted.empty()) return {};
  if (!table.was_asked) {
    const Statement::Resetting guard{*table.is_empty};
    const auto row = table.is_empty->step();
    if (!row) return row.error();
    table.was_asked = true;
    if (table.is_empty->integer(0) != 0) table.ever_stored.emplace();
  }
  if (!table.ever_stored) return {};
  std::erase_if(table.wanted, [&](Row* row) {
    if (table.ever_stored->may_hold(row->hash)) return false;
    row->loaded = true;
    weigh(*row);
    return true;
  });
  return {};
}

void Rows::weigh(Row& row) {
  bytes_ -= row.bytes;
  row.bytes = weight(row);
  bytes_ += row.bytes;
}

Rows::Before& Rows::note(Row& row, std::size_t column) {
  if (undone_ == before_.size()) before_.emplace_back();
  Before& before = before_[undone_++];
  before.row = &row;
  before.column = column;
  before.exists = row.exists;
  if (!row.dirty) {
    row.dirty = true;
    tables_[row.table].dirty.push_back(&row);
  }
  return before;
}

void Rows::set(Row& row, std::size_t column, const Value& value) {
  std::swap(note(row, column).cell, row.cells[column]);
  assign(row.cells[column], value);
}

void Rows::set_exists(Row& row, bool exists) {
  for (std::size_t i = tables_[row.table].shape.key; i < row.cells.size(); ++i)
    if (!std::holds_alternative<std::monostate>(row.cells[i])) set(row, i, Value::null());
  note(row, kExistence);
  row.exists = exists;
}

void Rows::undo_event() {
  while (undone_ != 0) {
    Before& before = before_[--undone_];
    if (before.column == kExistence)
      before.row->exists = before.exists;
    else
      std::swap(before.row->cells[before.column], before.cell);
  }
}

Result<void> Rows::flush(const Changed& changed) {
  undone_ = 0;
  for (TableRows& table : tables_) SLUICE_TRY(flush(table, changed));
  return {};
}

Result<void> Rows::flush(TableRows& table, const Changed& changed) {
  if (table.dirty.empty()) return {};
  storing_.clear();
  erasing_.clear();
  for (Row* row : table.dirty) {
    row->dirty = false;
    if (!row->exists && !row->stored) continue;
    (row->exists ? storing_ : erasing_).push_back(row->cells.data());
    row->stored = row->exists;
    if (row->exists && table.ever_stored) table.ever_stored->add(row->hash);
    if (changed) changed(*row);
    weigh(*row);
  }
  table.dirty.clear();
  for (auto* list : {&storing_, &erasing_})
    std::sort(list->begin(), list->end(),
              [&](const Cell* a, const Cell* b) { return is_before(a, b, table.shape.key); });
  if (!storing_.empty()) SLUICE_TRY(table.store->store(storing_));
  if (!erasing_.empty()) SLUICE_TRY(table.store->erase(erasing_));
  return {};
}

void Rows::trim(std::size_t bytes_max) {
  if (bytes_ <= bytes_max) return;
  for (TableRows& table : tables_)
    boost::unordered::erase_if(table.rows, [&](const std::unique_ptr<Row>& row) {
      if (row->used == batch_) return false;
      bytes_ -= row->bytes;
      return true;
    });
  if (bytes_ > bytes_max)
    for (TableRows& table : tables_) drop(table);
}

void Rows::forget() {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    forget(i);
    tables_[i].was_asked = false;
  }
}

void Rows::forget(std::size_t index) {
  TableRows& table = tables_[index];
  drop(table);
  table.ever_stored.reset();
  table.was_asked = true;  // others write it, and will again: it is not worth asking
}

// Only the rows: what is known of the table stays true.
void Rows::drop(TableRows& table) {
  for (const auto& row : table.rows) bytes_ -= row->bytes;
  table.rows.clear();
  table.wanted.clear();
  table.dirty.clear();
  undone_ = 0;
}

}  // namespace sluice::projection
