// SPDX-License-Identifier: Apache-2.0
#include "projection/model/layout.hpp"

#include <algorithm>
#include <string>

#include "projection/model/sql.hpp"

namespace sluice::projection {

Layout::Layout(const Table& table) {
  shape.name = table.name;
  shape.key = table.key.size();
  const auto add = [&](const std::string& name, Type type) {
    shape.columns.push_back({name, type});
    return shape.columns.size() - 1;
  };
  for (const Column& key : table.key) add(key.name, key.type);
  columns = shape.key;
  for (const Column& column : table.columns)
    add(column.name, column.type == Type::kList ? Type::kText : column.type);
  for (std::size_t group = 0; group < table.latest_groups; ++group) {
    latest_at.push_back(add(sql::latest_at(group), Type::kTime));
    latest_by.push_back(add(sql::latest_by(group), Type::kBytes));
  }
  for (std::size_t column = 0; column < table.columns.size(); ++column)
    list.push_back(table.columns[column].type == Type::kList
                       ? add(sql::list_column(column), Type::kBytes)
                       : kNone);
  for (const std::string& name : sql::order_columns(table)) add(name, Type::kInt);

  const auto find = [&](const std::string& name) {
    const auto at = std::find_if(shape.columns.begin(), shape.columns.end(),
                                 [&](const auto& column) { return column.name == name; });
    return at == shape.columns.end() ? kNone : static_cast<std::size_t>(at - shape.columns.begin());
  };
  for (std::size_t group = 0; group < table.latest_groups; ++group)
    latest_order.push_back(find(sql::latest_order(group)));
  for (std::size_t column = 0; column < table.columns.size(); ++column)
    set_order.push_back(find(sql::set_order(column)));
  row_order = find(std::string(sql::kRowOrder));
}

TableShape watermark_shape() {
  return {std::string(sql::kWatermarks),
          {{"of_table", Type::kText},
           {"gateway", Type::kText},
           {"epoch", Type::kText},
           {"lane", Type::kText},
           {"at_ns", Type::kTime}},
          4};
}

bool needs_watermarks(const Model& model) {
  return std::any_of(model.tables().begin(), model.tables().end(),
                     [](const Table& table) { return table.window && table.window->late_ns; });
}

}  // namespace sluice::projection
