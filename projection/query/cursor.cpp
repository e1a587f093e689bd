// SPDX-License-Identifier: Apache-2.0
#include "projection/query/cursor.hpp"

#include <algorithm>
#include <bit>

#include "core/hash.hpp"
#include "core/text.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;

void put_number(std::uint64_t value, int bytes, std::string& out) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
}

bool take_number(std::string_view& in, std::size_t bytes, std::uint64_t& out) {
  if (in.size() < bytes) return false;
  out = 0;
  for (std::size_t i = 0; i < bytes; ++i) out = out << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(bytes);
  return true;
}

void put_text(char kind, std::string_view text, std::string& out) {
  out += kind;
  put_number(text.size(), 4, out);
  out += text;
}

bool take_text(std::string_view& in, std::string& out) {
  std::uint64_t size = 0;
  if (!take_number(in, 4, size) || in.size() < size) return false;
  out = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// All that decides which rows come in which order.
std::uint32_t check_of(const QueryRequest& request) {
  std::string text;
  put_text('t', request.table, text);
  for (const QueryFilter& filter : request.filters) {
    put_text('f', filter.column, text);
    text += static_cast<char>(filter.op);
    put_text('v', filter.value, text);
    for (const std::string& value : filter.values) put_text('w', value, text);
  }
  for (const QueryOrder& order : request.order)
    put_text(order.descending ? 'd' : 'a', order.column, text);
  return core::crc32c(text);
}

bool take_cell(std::string_view& in, Cell& out) {
  if (in.empty()) return false;
  const char kind = in.front();
  in.remove_prefix(1);
  std::uint64_t number = 0;
  std::string text;
  switch (kind) {
    case 'n':
      out = std::monostate{};
      return true;
    case 'i':
      if (!take_number(in, 8, number)) return false;
      out = static_cast<std::int64_t>(number);
      return true;
    case 'r':
      if (!take_number(in, 8, number)) return false;
      out = std::bit_cast<double>(number);
      return true;
    case 's':
      if (!take_text(in, text) || !core::is_utf8(text)) return false;
      out = std::move(text);
      return true;
    case 'b':
      if (!take_text(in, text)) return false;
      out = Bytes{std::move(text)};
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string write_cursor(const QueryRequest& request, const std::vector<Cell>& values) {
  std::string out;
  put_number(check_of(request), 4, out);
  for (const Cell& cell : values) {
    if (const auto* v = std::get_if<std::int64_t>(&cell)) {
      out += 'i';
      put_number(static_cast<std::uint64_t>(*v), 8, out);
    } else if (const auto* d = std::get_if<double>(&cell)) {
      out += 'r';
      put_number(std::bit_cast<std::uint64_t>(*d), 8, out);
    } else if (const auto* s = std::get_if<std::string>(&cell)) {
      put_text('s', *s, out);
    } else if (const auto* b = std::get_if<Bytes>(&cell)) {
      put_text('b', b->value, out);
    } else {
      out += 'n';
    }
  }
  std::string text = core::to_base64(out);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

core::Result<std::vector<Cell>> read_cursor(const QueryRequest& request, std::size_t count) {
  const auto bad = [] {
    return fail(Errc::kBadRequest,
                "no page of this request: take `next` of an answer with the same other parameters",
                "page");
  };
  std::string text = request.cursor;
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  const auto bytes = core::from_base64(text);
  if (!bytes) return bad();
  std::string_view in = *bytes;
  std::uint64_t check = 0;
  if (!take_number(in, 4, check) || check != check_of(request)) return bad();
  std::vector<Cell> out;
  while (!in.empty()) {
    Cell cell;
    if (!take_cell(in, cell)) return bad();
    out.push_back(std::move(cell));
  }
  if (out.size() != count) return bad();
  return out;
}

}  // namespace sluice::projection
