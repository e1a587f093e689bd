// SPDX-License-Identifier: Apache-2.0
#include "projection/pg/rows.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <string>

#include "projection/pg/parameters.hpp"

namespace sluice::pg {
namespace {

template <class T>
T parsed(std::string_view text) {
  T out{};
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// A numeric may be larger than any double, or so small that it is 0.
double parsed_real(std::string_view text) {
  double out = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc::result_out_of_range ? std::strtod(std::string(text).c_str(), nullptr)
                                                 : out;
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

// "123" and "123.000" are whole.
bool whole(std::string_view numeric, std::int64_t& out) {
  std::size_t digits = numeric.find('.');
  if (digits != std::string_view::npos &&
      numeric.find_first_not_of('0', digits + 1) != std::string_view::npos)
    return false;
  digits = std::min(digits, numeric.size());
  const auto [at, error] = std::from_chars(numeric.data(), numeric.data() + digits, out);
  return error == std::errc{} && at == numeric.data() + digits;
}

int hex(char c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

}  // namespace

bool has_binary_form(std::uint32_t type) {
  switch (type) {
    case kBool:
    case kBytea:
    case kName:
    case kInt8:
    case kInt2:
    case kInt4:
    case kTextType:
    case kOidType:
    case kFloat4:
    case kFloat8:
    case kBpchar:
    case kVarchar:
      return true;
    default:
      return false;
  }
}

void Rows::Clear::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

Rows::Rows(pg_result* result)
    : result_(result), rows_(PQntuples(result)), columns_(PQnfields(result)) {}

std::uint32_t Rows::type(int column) const {
  return PQftype(result_.get(), column);
}

std::vector<std::uint32_t> Rows::parameter_types() const {
  std::vector<std::uint32_t> out;
  for (int i = 0; result_ && i < PQnparams(result_.get()); ++i)
    out.push_back(PQparamtype(result_.get(), i));
  return out;
}

std::vector<std::uint32_t> Rows::column_types() const {
  std::vector<std::uint32_t> out;
  for (int i = 0; i < columns_; ++i) out.push_back(type(i));
  return out;
}

std::uint64_t Rows::changed() const {
  return result_ ? parsed<std::uint64_t>(PQcmdTuples(result_.get())) : 0;
}

std::string_view Rows::command() const {
  return result_ ? PQcmdStatus(result_.get()) : "";
}

std::string_view Rows::raw(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

bool Rows::is_null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}

Rows::Kind Rows::kind(int row, int column) const {
  if (is_null(row, column)) return Kind::kNull;
  switch (type(column)) {
    case kBool:
    case kInt2:
    case kInt4:
    case kInt8:
    case kOidType:
      return Kind::kInt;
    case kFloat4:
    case kFloat8:
      return Kind::kReal;
    case kNumeric: {
      std::int64_t ignored = 0;
      return whole(raw(row, column), ignored) ? Kind::kInt : Kind::kReal;
    }
    case kBytea:
      return Kind::kBytes;
    default:
      return Kind::kText;
  }
}

std::int64_t Rows::integer(int row, int column) const {
  const std::string_view value = raw(row, column);
  if (PQfformat(result_.get(), column) == 0) {
    if (type(column) == kBool) return value == "t" ? 1 : 0;
    std::int64_t out = 0;
    return whole(value, out) ? out : 0;
  }
  const std::uint64_t bits = big_endian(value);
  switch (type(column)) {
    case kInt2:
      return static_cast<std::int16_t>(bits);
    case kInt4:
      return static_cast<std::int32_t>(bits);
    default:
      return static_cast<std::int64_t>(bits);
  }
}

double Rows::real(int row, int column) const {
  const std::string_view value = raw(row, column);
  if (PQfformat(result_.get(), column) == 0) return parsed_real(value);
  const std::uint64_t bits = big_endian(value);
  if (type(column) == kFloat4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

std::string_view Rows::text(int row, int column) const {
  return raw(row, column);
}

std::string_view Rows::bytes(int row, int column, std::string& scratch) const {
  const std::string_view value = raw(row, column);
  if (PQfformat(result_.get(), column) != 0) return value;
  scratch.clear();
  for (std::size_t i = 2; i + 1 < value.size(); i += 2)  // behind "\x"
    scratch += static_cast<char>(hex(value[i]) << 4 | hex(value[i + 1]));
  return scratch;
}

}  // namespace sluice::pg
