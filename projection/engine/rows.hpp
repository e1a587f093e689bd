// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/key_filter.hpp"
#include "projection/value/value.hpp"

namespace sluice::projection {

// A row in memory, there or not: that a key has no row is worth remembering as well. Read it
// freely, change it through Rows only.
struct Row {
  std::vector<Cell> cells;  // as the table's shape has them, the key first
  bool exists = false;
  bool stored = false;  // the database has a row of this key
  bool dirty = false;
  bool loaded = false;  // else nothing but the key is known yet
  std::uint32_t table = 0;
  std::uint64_t used = 0;  // in which batch it was asked for last
  std::size_t hash = 0;
  std::size_t bytes = 0;
};

// The rows that a batch works on, each once: found by key, loaded when they are asked for first,
// changed in memory, written back together. Changes of one event can be undone. Within the caller's
// transaction; one thread.
class Rows {
 public:
  static core::Result<std::unique_ptr<Rows>> open(Target& target, std::vector<TableShape> shapes);

  // Never nullptr; stays where it is until the next trim() or forget(). `key` as the shape's types
  // have it, none of them NULL.
  core::Result<Row*> find(std::size_t table, std::span<const Value> key);
  // The same for many keys in one go: remember() each, then load().
  void remember(std::size_t table, std::span<const Value> key);
  core::Result<void> load();

  void begin_event() { undone_ = 0; }
  void set(Row& row, std::size_t column, const Value& value);
  void set_exists(Row& row, bool exists);  // all cells behind the key become NULL
  void undo_event();                       // as they were at begin_event()

  // Writes what changed; `changed` sees each such row before.
  using Changed = std::function<void(const Row&)>;
  core::Result<void> flush(const Changed& changed = {});
  // Only after flush(): drops what this batch did not use, or all, until the rest fits.
  void trim(std::size_t bytes_max);
  void forget();                   // all, changed or not: after a rollback, or before other writers
  void forget(std::size_t table);  // one table, after flush()
  void next_batch() { ++batch_; }
  std::size_t bytes() const { return bytes_; }
  const TableShape& shape(std::size_t table) const { return tables_[table].shape; }

 private:
  struct Key {
    std::size_t hash;
    std::span<const Value> values;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const std::unique_ptr<Row>& row) const noexcept { return row->hash; }
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::unique_ptr<Row>& a, const std::unique_ptr<Row>& b) const noexcept {
      return a == b;  // rows are added only after they were looked for
    }
    bool operator()(const Key& key, const std::unique_ptr<Row>& row) const noexcept;
    bool operator()(const std::unique_ptr<Row>& row, const Key& key) const noexcept {
      return (*this)(key, row);
    }
  };
  struct TableRows {
    TableShape shape;
    std::unique_ptr<RowStore> store;
    boost::unordered_flat_set<std::unique_ptr<Row>, Hash, Equal> rows;
    std::vector<Row*> wanted;  // asked for, not yet loaded
    std::vector<Row*> dirty;
    // SQLite: to look for a row costs half of what writing it does, and while a version is built
    // many keys are new. Of a table that was empty when it was first asked for a row, all keys that
    // were stored since.
    StatementPtr is_empty;
    bool was_asked = false;
    std::optional<KeyFilter> ever_stored;
  };
  // What a cell, or a row's being there, was before. Entries are used again for their memory.
  struct Before {
    Row* row = nullptr;
    std::size_t column = 0;
    bool exists = false;
    Cell cell;
  };
  static constexpr std::size_t kExistence = SIZE_MAX;

  Row* add(TableRows& table, const Key& key);
  core::Result<void> load(TableRows& table);
  core::Result<void> leave_out_new(TableRows& table);
  void drop(TableRows& table);
  core::Result<void> flush(TableRows& table, const Changed& changed);
  Before& note(Row& row, std::size_t column);
  void weigh(Row& row);

  std::vector<TableRows> tables_;
  std::vector<Before> before_;
  std::size_t undone_ = 0;  // entries of before_ in use
  std::uint64_t batch_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Cell*> loading_;
  std::vector<bool> found_;
  std::vector<const Cell*> storing_;
  std::vector<const Cell*> erasing_;
};

}  // namespace sluice::projection
