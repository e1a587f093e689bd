// SPDX-License-Identifier: Apache-2.0
#include "cli/import_row.hpp"

#include <algorithm>

#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

// Fields with their lengths, so that no two rows give the same bytes.
std::string joined(const std::vector<std::string>& fields) {
  std::string bytes;
  for (const std::string& field : fields) bytes += std::to_string(field.size()) + ":" + field;
  return bytes;
}

// RFC 9562 version 8: 122 bits of our own making.
core::Uuid id_of(const core::ChainHash& chain) {
  core::Uuid id;
  std::copy_n(chain.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

Result<EventMaker> EventMaker::create(const ImportRows& wish,
                                      const std::vector<std::string>& columns) {
  const auto check = [&](const std::string& name, const char* option) -> Result<void> {
    if (contains(columns, name)) return {};
    std::string all;
    for (const std::string& column : columns) all += (all.empty() ? "" : ", ") + column;
    return fail(Errc::kBadRequest,
                "there is no column '" + core::printable(name) + "'; the file has " + all, option);
  };
  SLUICE_TRY(check(wish.time_column, "--time"));
  for (const std::string& name : wish.text_columns) SLUICE_TRY(check(name, "--text"));

  EventMaker maker;
  maker.wish_ = wish;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Column column;
    codec::append_json_text(columns[i], column.key);
    column.key += ':';
    column.is_text = contains(wish.text_columns, columns[i]);
    maker.columns_.push_back(std::move(column));
    if (columns[i] == wish.time_column) maker.time_ = i;
  }
  maker.chain_ = core::chain_next(
      {}, "sluice import" + joined({wish.stream, wish.type, wish.time_column}) + joined(columns));
  return maker;
}

Result<OutgoingEvent> EventMaker::event_of(const CsvReader::Row& row) {
  const auto bad = [&](const core::Error& why, const std::string& column) {
    return fail(why.code, "line " + std::to_string(row.line) + ": " + why.message, column);
  };
  const auto when = core::parse_time(row.fields[time_]);
  if (!when) return bad(when.error(), wish_.time_column);
  std::string json;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i == time_) continue;
    const auto value = csv_field_to_json(row.fields[i], columns_[i].is_text);
    if (!value) return bad(value.error(), columns_[i].key);
    json += (json.empty() ? "{" : ",") + columns_[i].key + *value;
  }
  auto data = codec::json_to_data(json.empty() ? "{}" : json + "}");
  if (!data) return bad(data.error(), "");
  chain_ = core::chain_next(chain_, joined(row.fields));
  OutgoingEvent event{.stream = wish_.stream, .type = wish_.type, .data = std::move(*data)};
  event.id = id_of(chain_);
  event.occurred_at_ns = *when;
  return event;
}

}  // namespace sluice::cli
